"""Purchases while processes are killed: none lost, none charged twice, no record or receipt missing.

100 with 10 kills as part of `make test`; `make faults` makes it 1,000 with 60, or what `ORDERS=`, `KILLS=` and `SEED=`
say.
"""

import asyncio
import os
import random
import secrets
import time
from collections import Counter

from deploy.demo.damage import kill
from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop, order
from tests.faults.ledgers import compare
from tests.faults.told import tell
from tests.stack import running_shop

PURCHASES = int(os.environ.get("ORDERS", "100"))
KILLS = int(os.environ.get("KILLS", "10"))
VICTIMS = ("rabbitmq", "mongod", "orders", "warranty", "mailer", "auth", "gateway")
SEED = int(os.environ.get("SEED", "20261122"))


async def test_kills_lose_nothing_and_double_nothing() -> None:
    shop, begun = running_shop(), time.monotonic()
    run, dice = secrets.token_hex(5), random.Random(SEED)
    email = f"buyer-{run}@example.org"
    async with shop.browser() as buyer, shop.browser() as support:
        await shop.register(buyer, email, "Buyer", PASSWORD)
        await shop.log_in(buyer, email, PASSWORD, remember=True)
        await shop.log_in_staff(support, "support")
        sku = str((await buyer.all("/api/orders/products"))[0]["sku"])

        history: list[str] = []
        answers = await buy(shop, buyer, order(sku, "JPY", name="Buyer", email=email), dice, history)

        assert Counter(answer.status for answer in answers) == {201: PURCHASES}
        placed = {answer.json["id"]: answer.json["number"] for answer in answers}
        assert len(placed) == PURCHASES
        await compare(shop, buyer, support, placed, email, told=[f"SEED={SEED}", *history])
    tell("purchases, kills of everything", cases=PURCHASES, faults=KILLS, begun=begun)


PASSWORD = "kill nine times and count again"  # of an invented person, in a stack that lives on this machine


async def buy(
    shop: Shop, buyer: Browser, body: dict[str, object], dice: random.Random, history: list[str]
) -> list[Answer]:
    """Buy, four at a time; before some of the purchases, chosen by the dice, a part of the stack is killed."""
    schedule = {number: dice.choice(VICTIMS) for number in dice.sample(range(PURCHASES), KILLS)}
    gate = asyncio.Semaphore(4)

    async def one(number: int) -> Answer:
        async with gate:
            if victim := schedule.get(number):
                history.append(f"before purchase {number}: kill -9 {victim}")
                kill(shop, victim)
            return await buyer.insist("POST", "/api/orders", body, headers={"Idempotency-Key": secrets.token_hex(16)})

    return list(await asyncio.gather(*(one(number) for number in range(PURCHASES))))
