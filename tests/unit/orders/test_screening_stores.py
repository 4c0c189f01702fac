import pytest

from tests.unit.orders.doubles import MemoryBlocks, MemoryTallies
from tests.unit.orders.screening_suites import BlocksSuite, TalliesSuite


@pytest.fixture
def blocks() -> MemoryBlocks:
    return MemoryBlocks()


@pytest.fixture
def tallies(blocks: MemoryBlocks) -> MemoryTallies:
    return MemoryTallies(blocks)


class TestMemoryTallies(TalliesSuite):
    pass


class TestMemoryBlocks(BlocksSuite):
    pass
