"""Orders in memory, against the model."""

from collections.abc import Sequence

from shared.events import Event
from tests.machines import play_in_memory
from tests.unit.orders.orders_machine import OrdersMachine, Shop
from tests.unit.orders.world import Stores, World, seeded


async def shop() -> Shop:
    world: World = await seeded(Stores())

    async def events() -> Sequence[Event]:
        return [event for carried in world.pending.values() for event in carried]

    return Shop(world, events)


def test_orders_in_memory_stand_where_the_model_says() -> None:
    play_in_memory(OrdersMachine, shop)
