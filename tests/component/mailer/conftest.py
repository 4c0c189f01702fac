from collections.abc import AsyncIterator

import pytest

from services.mailer.deps import ensure_all_indexes
from services.mailer.testing.press import Press
from services.mailer.testing.sink import Sink, running_sink
from shared.mongo import Database


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as opened:
        yield opened


@pytest.fixture
async def press(database: Database, sink: Sink) -> Press:
    await ensure_all_indexes(database)
    return Press(database, sink.port)
