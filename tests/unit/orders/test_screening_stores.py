import pytest

from services.orders.screening.replay import ReplayedTallies
from tests.unit.orders.doubles import MemoryBlocks, memory_tallies
from tests.unit.orders.screening_suites import BlocksSuite, TalliesSuite


@pytest.fixture
def blocks() -> MemoryBlocks:
    return MemoryBlocks()


@pytest.fixture
def tallies(blocks: MemoryBlocks) -> ReplayedTallies:
    return memory_tallies(blocks)


class TestReplayedTallies(TalliesSuite):
    pass


class TestMemoryBlocks(BlocksSuite):
    pass
