"""Purchases during pauses, with slow connections, full disks, wrong clocks and events that come again; then the count.

`SEED=` makes the same schedule again; a violation prints it with the history. `make faults LONG=1` has ten times as
many.
"""

import asyncio
import os
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from proof.faults.again import listening
from proof.faults.kinds import happening
from proof.faults.schedule import Fault, schedule
from tests.faults.ledgers import compare
from tests.faults.test_kills import PASSWORD, SEED
from tests.faults.told import tell
from tests.stack import running_shop

LONG = int(os.environ.get("ORDERS", "0")) >= 10_000
PURCHASES, FAULTS = (400, 40) if LONG else (48, 4)
AT_ONCE = 4
KINDS = (("pause",), ("full",), ("slow",), ("clock",), ("pause", "full", "clock"))


@pytest.mark.parametrize("kinds", KINDS, ids=" and ".join)
async def test_whatever_happens_meanwhile_nothing_is_lost_or_doubled(kinds: Sequence[str]) -> None:
    faults = schedule(kinds, seed=SEED, purchases=PURCHASES, faults=FAULTS)
    history: list[str] = []
    begun = time.monotonic()
    shop = running_shop()
    async with AsyncExitStack() as open_:
        buyer, support, email, body = await _people(open_, shop)
        placed = await _buy(shop, buyer, body, faults, history)
        await compare(shop, buyer, support, placed, email, told=[f"SEED={SEED} {' and '.join(kinds)}", *history])
    tell(f"purchases, {' and '.join(kinds)}", cases=PURCHASES, faults=len(history), begun=begun)


async def test_events_that_come_again_in_any_order_change_nothing() -> None:
    shop, dice, begun = running_shop(), random.Random(SEED), time.monotonic()
    async with AsyncExitStack() as open_:
        buyer, support, email, body = await _people(open_, shop)
        repeat = await open_.enter_async_context(listening(shop.stack.read()["amqp"], dice))
        placed = await _buy(shop, buyer, body, [], [])
        await compare(shop, buyer, support, placed, email)

        again = await repeat()
        assert again >= PURCHASES
        await compare(shop, buyer, support, placed, email, told=[f"SEED={SEED}", f"{again} events again"])
    tell("purchases, all events three times again", cases=PURCHASES, faults=again, begun=begun)


async def _people(open_: AsyncExitStack, shop: Shop) -> tuple[Browser, Browser, str, dict[str, Any]]:
    """A buyer and support, logged in; the buyer's address, and what is bought."""
    email = f"fault-{secrets.token_hex(5)}@example.org".translate(str.maketrans("0123456789", "ghijklmnop"))
    buyer, support = [await open_.enter_async_context(shop.browser()) for _ in range(2)]
    await shop.register(buyer, email, "Fault", PASSWORD)
    await shop.log_in(buyer, email, PASSWORD, remember=True)
    await shop.log_in_staff(support, "support")
    sku = str((await buyer.all("/api/orders/products"))[0]["sku"])
    return buyer, support, email, order(sku, "JPY", name="Fault", email=email)


async def _buy(
    shop: Shop, buyer: Browser, body: dict[str, Any], faults: Sequence[Fault], history: list[str]
) -> dict[str, str]:
    """Buy, some at once, while the faults come and go one after the other; the number of each order by its id."""
    bought, gate, dice = 0, asyncio.Semaphore(AT_ONCE), random.Random(SEED)
    moved = asyncio.Condition()

    async def happen() -> None:
        for fault in faults:
            async with moved:
                await moved.wait_for(lambda due=fault.before: bought >= due)  # type: ignore[misc]
            history.append(str(fault))
            async with happening(fault, shop.stack.read, dice):
                await asyncio.sleep(fault.lasts_s)  # it lasts for so long, whatever happens meanwhile

    async def one() -> tuple[str, str]:
        nonlocal bought
        async with gate:
            key = {"Idempotency-Key": secrets.token_hex(16)}
            answer = await buyer.insist("POST", "/api/orders", body, headers=key)
            assert answer.status == 201, f"{answer.status} {answer.text}; {history}"
        async with moved:
            bought += 1
            moved.notify_all()
        return answer.json["id"], answer.json["number"]

    happens = asyncio.create_task(happen())
    placed = await asyncio.gather(*(one() for _ in range(PURCHASES)))
    await happens
    return dict(placed)
