"""Cap and ledger in memory, against the model."""

from services.mailer.testing.memory import MemoryClaims, MemorySubscribers
from tests.machines import play_in_memory
from tests.unit.mailer.copies_machine import CopiesMachine


async def stores() -> tuple[MemorySubscribers, MemoryClaims]:
    subscribers = MemorySubscribers()
    return subscribers, MemoryClaims(subscribers.records)


def test_cap_and_ledger_in_memory_stand_where_the_model_says() -> None:
    play_in_memory(CopiesMachine, stores)
