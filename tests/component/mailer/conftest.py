from collections.abc import AsyncIterator

import pytest

from services.mailer.deps import ensure_all_indexes
from services.mailer.service import SERVICE
from services.mailer.testing.press import Press
from services.mailer.testing.sink import Sink, running_sink
from shared.mongo import Database
from tests.component.conftest import indexed
from tests.component.kept import Kept


@pytest.fixture
async def database(kept: Kept, mongo_url: str) -> AsyncIterator[Database]:
    """Empty, with all indexes of mailer."""
    async with indexed(kept, SERVICE.ensure_indexes, mongo_url) as opened:
        yield opened


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as opened:
        yield opened


@pytest.fixture
async def press(database: Database, sink: Sink) -> Press:
    await ensure_all_indexes(database)
    return Press(database, sink.port)
