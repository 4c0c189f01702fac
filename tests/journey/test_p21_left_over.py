"""P14 and P21: when all is quiet nothing is left: every queue empty, no dead letter, books and records equal."""

import aio_pika

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from shared.topology import SERVICES, UNROUTED, dead_queue, queues
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address, a_sku, key
from tests.recording import Tried

PURCHASES = 12


async def test_paid_items_and_purchase_records_are_equal_in_number(
    shop: Shop, browser: Browser, address: Address, tried: Tried
) -> None:
    await shop.register(browser, address("count"), "Count", PASSWORD)
    await shop.log_in(browser, address("count"), PASSWORD)
    sku, bought = await a_sku(browser), 0
    for number in range(PURCHASES):
        body = order(sku, "JPY", name="Count", email=address("count"), quantity=1 + number % 3)
        await browser.call("POST", "/api/orders", body, headers=key(), expect=201)
        bought += 1 + number % 3

    records = await eventually(lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) >= bought)
    tried(bought)
    assert len(records) == len({record["id"] for record in records}) == bought


async def test_nothing_waits_and_nothing_was_given_up(shop: Shop, tried: Tried) -> None:
    data = shop.stack.read()
    assert all(row["ready"] for group in (data["services"], data["parts"]) for row in group.values())

    async def waiting() -> dict[str, int]:
        """Depths on a fresh connection: another may remember old ones."""
        async with await aio_pika.connect(data["amqp"]) as broker:
            channel = await broker.channel()
            asked = {name: await channel.declare_queue(name, passive=True) for name in names}
        return {name: queue.declaration_result.message_count or 0 for name, queue in asked.items()}

    names = [queue["name"] for queue in queues() if queue["name"] != UNROUTED]  # what nobody reads is kept there
    await eventually(waiting, lambda depths: not any(depths.values()))
    tried(len(names))
    assert {dead_queue(service) for service in SERVICES} <= set(names)


async def test_the_providers_book_and_the_orders_agree(tried: Tried) -> None:
    told = await run_command("orders", "payments", "reconcile")  # ends with 1 where there is any difference

    tried(max(1, len(told.splitlines())))
    assert "charged-without-order" not in told
