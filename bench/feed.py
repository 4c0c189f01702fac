"""Writes paid orders with their event, and relays the events: the head of "purchase to warranty record", without HTTP.

`python -m bench.feed ours|raw --seconds S --rate R`: as many as `--writers` coroutines can, or `R` a second. Each
order is one journaled majority write of a document with its event in the outbox. Prints what was written, as JSON.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

ACCOUNTS = 500
COLLECTION = "feed"
_counter = itertools.count()

WriteOne = Callable[[str, str], Awaitable[None]]
"""(order id, account id) -> the order is written and its event handed to the relay."""


@asynccontextmanager
async def ours() -> AsyncIterator[WriteOne]:
    from services.orders.config import Settings
    from shared.contracts.orders import Buyer, PurchaseCompleted, PurchasedItem
    from shared.events import Event
    from shared.gather import GatheredWriter
    from shared.ids import new_id
    from shared.lifecycle import set_heap_aside
    from shared.logs import configure_logs
    from shared.mongo import ensure_indexes
    from shared.outbox import INDEX, backlog, pending
    from shared.runtime import open_runtime

    settings = Settings.from_env(os.environ)
    configure_logs("warning", service="feed")
    async with open_runtime(settings) as runtime:
        collection = runtime.database[COLLECTION]
        await ensure_indexes(collection, [INDEX])
        writer = GatheredWriter(collection)

        async def write(order_id: str, account_id: str) -> None:
            event_id, at = new_id(), runtime.clock()
            mailed = Buyer(name="A. Buyer", email="a.buyer@example.com")
            sealed = runtime.sealer.seal_for(
                {"mailer": mailed, "warranty": Buyer(account_id=account_id)},
                event_type=PurchaseCompleted.TYPE, event_id=event_id, field="buyer",
            )  # fmt: skip
            item = PurchasedItem(
                item_id=f"{order_id}-1-1", sku="TF-1", name="Watch", unit_price_minor=19800, warranty_months=24
            )
            contract = PurchaseCompleted(
                order_id=order_id, number="7F3K-Q2XM", purchased_at=at, currency="JPY", language="en", country="JP",
                items=(item,), shipping_minor=800, total_minor=20600, buyer=sealed,
            )  # fmt: skip
            event = Event.of(contract, id=event_id, subject=order_id, at=at)
            await writer.insert({"_id": order_id, "status": "paid", "settled_at": at, "outbox": pending([event])})
            runtime.relay.announce(COLLECTION, order_id, [event])

        stop = asyncio.Event()
        set_heap_aside()  # as orders does, in whose place this writes
        relay = asyncio.create_task(runtime.relay.run([COLLECTION], stop=stop, takes_over_after_s=5))
        try:
            yield write
            async with asyncio.timeout(60):
                # What was written faster than it left is taken over by the poll.
                while (await backlog(runtime.database, [COLLECTION])).documents:
                    await asyncio.sleep(0.1)
        finally:
            stop.set()
            await relay


@asynccontextmanager
async def raw() -> AsyncIterator[WriteOne]:
    from bench.raw_orders import event_of
    from bench.raw_parts import Group, Publisher, Reader, Relay, SealTo, now, open_database

    collection = open_database()[COLLECTION]
    await collection.create_index("outbox.at", partialFilterExpression={"outbox.at": {"$exists": True}})
    group, relay = Group(collection), Relay(collection, await Publisher.open())
    reader = SealTo(Reader(bytes.fromhex(os.environ["RAW_SECRET"])).public)

    async def write(order_id: str, account_id: str) -> None:
        event_id, at = str(uuid.uuid4()), now()
        data: dict[str, Any] = {
            "order_id": order_id, "number": "7F3K-Q2XM", "purchased_at": at, "currency": "JPY", "language": "en",
            "country": "JP", "shipping_minor": 800, "total_minor": 20600,
            "items": [{
                "item_id": f"{order_id}-1-1", "sku": "TF-1", "name": "Watch", "unit_price_minor": 19800,
                "warranty_months": 24,
            }],
        }  # fmt: skip
        buyers = {
            "mailer": {"name": "A. Buyer", "email": "a.buyer@example.com"},
            "warranty": {"account_id": account_id},
        }
        row = {
            "id": event_id, "type": "orders.purchase.completed.v1", "at": at,
            "body": event_of(data, buyers, reader, event_id=event_id, at=at),
        }  # fmt: skip
        await group.insert({"_id": order_id, "status": "paid", "settled_at": at, "outbox": [row]})
        relay.announce(order_id, row)

    task = asyncio.create_task(relay.run())
    try:
        yield write
    finally:
        while relay.is_busy:
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _flat_out(write: WriteOne, seconds: float, writers: int) -> None:
    deadline = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < deadline:
            await _write_next(write)

    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(one())


async def _paced(write: WriteOne, seconds: float, rate: float) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for place in range(int(seconds * rate)):
            ahead = began + place / rate - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            group.create_task(_write_next(write))


async def _write_next(write: WriteOne) -> None:
    await write(str(uuid.uuid4()), f"account-{next(_counter) % ACCOUNTS}")


async def main(arguments: argparse.Namespace) -> None:
    async with (ours if arguments.side == "ours" else raw)() as write:
        before = next(_counter)
        began = time.perf_counter()
        if arguments.rate:
            await _paced(write, arguments.seconds, arguments.rate)
        else:
            await _flat_out(write, arguments.seconds, arguments.writers)
        written, seconds = next(_counter) - before - 1, time.perf_counter() - began
    print(json.dumps({"written": written, "seconds": seconds}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["ours", "raw"])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--writers", type=int, default=128)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args()))
