"""What `announce --since` tells once more: each purchase since then, as it was told, to whoever may have missed it."""

from datetime import timedelta

from services.orders.life.again import announce_again
from shared.contracts.orders import PurchaseCompleted
from tests.unit.orders.world import DECLINED, World, a_body


async def test_purchases_are_told_again_with_the_moment_that_they_had(world: World) -> None:
    first = await world.buy(a_body(), key="k-1")
    world.clock.advance(seconds=7200)
    second = await world.buy(a_body(), key="k-2")
    await world.buy(a_body(card=DECLINED), key="k-3")
    told = {order_id: events[0].read(PurchaseCompleted) for order_id, events in world.pending.items() if events}
    for events in world.pending.values():
        events.clear()

    count = await announce_again(world.deps, world.clock() - timedelta(hours=1))

    again = {order_id: events for order_id, events in world.pending.items() if events}
    assert count == 1
    assert list(again) == [second.order.id]
    [event] = again[second.order.id]
    assert event.read(PurchaseCompleted).model_dump(exclude={"buyer"}) == told[second.order.id].model_dump(
        exclude={"buyer"}
    )
    assert await announce_again(world.deps, world.clock() - timedelta(days=1)) == 2
    assert world.pending[first.order.id]
