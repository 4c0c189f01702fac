"""Sessions and remembered browsers in memory, against the model."""

from tests.machines import play_in_memory
from tests.unit.auth.browsers_machine import BrowsersMachine, Shop
from tests.unit.auth.doubles import World


async def shop() -> Shop:
    world = World()

    async def thefts() -> int:
        return len(world.remembered.events)

    return Shop(world, thefts)


def test_browsers_in_memory_stand_where_the_model_says() -> None:
    play_in_memory(BrowsersMachine, shop, runs=20)
