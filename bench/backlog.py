"""Purchases straight to the broker, as orders' relay publishes them: `python -m bench.backlog --count N`."""

import argparse
import asyncio
import os
import uuid

import uvloop

from services.orders.config import Settings
from shared.broker import open_bus
from shared.bus import Outgoing
from shared.clock import system_clock
from shared.contracts.orders import Buyer, PurchaseCompleted, PurchasedItem
from shared.events import Event, encode
from shared.ids import new_id
from shared.publickeys import PublicKeyFiles
from shared.sealing import Sealer
from shared.topology import EXCHANGE

_A_BATCH = 500


async def main(count: int, accounts: int) -> None:
    settings = Settings.from_env(os.environ)
    sealer = Sealer(PublicKeyFiles(settings.seal_keys_dir))
    async with open_bus(settings.amqp_url.get_secret_value(), name="backlog") as bus:
        for first in range(0, count, _A_BATCH):
            await bus.publish([_purchase(sealer, n, accounts) for n in range(first, min(first + _A_BATCH, count))])


def _purchase(sealer: Sealer, n: int, accounts: int) -> Outgoing:
    """Every fifth of a guest, the others of some accounts that buy more than once."""
    event_id, order_id, at = new_id(), str(uuid.uuid4()), system_clock()
    account = f"account-{n % accounts}" if n % 5 else ""
    buyer = Buyer(
        account_id=account, name="A. Buyer", email="a.buyer@example.com", link_proof="" if account else "0" * 64
    )
    sealed = sealer.seal_for({"warranty": buyer}, event_type=PurchaseCompleted.TYPE, event_id=event_id, field="buyer")
    item = PurchasedItem(
        item_id=f"{order_id}-1-1", sku="TF-1", name="Watch", unit_price_minor=19800, warranty_months=24
    )
    contract = PurchaseCompleted(
        order_id=order_id, number="7F3K-Q2XM", purchased_at=at, currency="JPY", language="en", country="JP",
        items=(item,), shipping_minor=800, total_minor=20600, buyer=sealed,
    )  # fmt: skip
    event = Event.of(contract, id=event_id, subject=order_id, at=at)
    return Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--accounts", type=int, default=20_000)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(arguments.count, arguments.accounts))
