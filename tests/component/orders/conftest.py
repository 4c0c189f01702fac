"""Orders on a real database."""

from collections.abc import AsyncIterator

import pytest

from services.orders.service import SERVICE
from shared.mongo import Database
from tests.component.conftest import indexed
from tests.component.kept import Kept


@pytest.fixture
async def database(kept: Kept, mongo_url: str) -> AsyncIterator[Database]:
    """Empty, with all indexes of orders."""
    async with indexed(kept, SERVICE.ensure_indexes, mongo_url) as opened:
        yield opened
