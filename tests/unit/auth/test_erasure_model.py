"""Erasure in memory, against the model."""

from shared.events import Event
from tests.machines import play_in_memory
from tests.unit.auth.doubles import World
from tests.unit.auth.erasure_machine import ErasureMachine, Shop


async def shop() -> Shop:
    world = World()

    def events() -> list[Event]:
        stores = (world.accounts, world.resets, world.remembered, world.exports, world.erasures)
        return [event for store in stores for event in store.events]

    return Shop(world, events, world.notes.sweep)


def test_whoever_dies_an_erasure_in_memory_is_whole() -> None:
    play_in_memory(ErasureMachine, shop, runs=20)
