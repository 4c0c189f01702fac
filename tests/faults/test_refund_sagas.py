"""Refunds of claims while orders is killed: each ends paid back once, or with a person, never twice.

Forty sagas, with orders killed before, at and after the moment in which each batch is decided; `make faults` takes a
hundred, and kills it again as soon as it has ended the first of a batch, with the others in its hands.
"""

import random
import secrets
import time
from collections import Counter
from typing import Any

from deploy.demo.damage import kill
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.faults.ledgers import nothing_is_left_over
from tests.faults.test_kills import KILLS, PASSWORD, SEED
from tests.faults.told import tell
from tests.stack import running_shop

PARCEL = {"carrier": "Yamato Transport", "tracking": "1234-5678-9012"}
MOMENTS = ("before", "among", "after")
IS_LONG = KILLS >= 60
"""As `make faults` asks for it."""
ORDERS, UNITS = 10 if IS_LONG else 4, 10


async def test_refunds_while_orders_is_killed_end_once_each() -> None:
    shop, begun = running_shop(), time.monotonic()
    run, dice = secrets.token_hex(5), random.Random(SEED)
    email = f"claimant-{run}@example.org"
    async with shop.browser() as buyer, shop.browser() as support:
        await shop.register(buyer, email, "Claimant", PASSWORD)
        await shop.log_in(buyer, email, PASSWORD, remember=True)
        await shop.log_in_staff(support, "support")
        orders = await shipped_orders(buyer, support, email)
        items = await eventually(
            lambda: buyer.all("/api/warranty/purchases"),
            lambda found: len(found) == ORDERS * UNITS and all(each["serial"] for each in found),
        )

        claims = [await opened(buyer, item) for item in items]
        for number in range(ORDERS):
            batch = claims[number * UNITS : (number + 1) * UNITS]
            await decided(shop, support, batch, dice.choice(MOMENTS))
            if IS_LONG:
                await killed_at_work(shop, buyer, set(batch))

        ended = await eventually(lambda: by_status(buyer), lambda found: not found.keys() - {"closed", "under_review"})
        assert ended.total() == ORDERS * UNITS
        await each_was_paid_back_once(buyer, support, orders, ended)
        await nothing_is_left_over(support)
    tell("refunds of claims, kills of orders", cases=ORDERS * UNITS, faults=ORDERS * (2 if IS_LONG else 1), begun=begun)


async def shipped_orders(buyer: Browser, support: Browser, email: str) -> list[dict[str, Any]]:
    """Orders of ten watches each, on their way."""
    products = [each for each in await buyer.all("/api/orders/products") if each["stock"] > ORDERS * UNITS]
    placed = []
    for number in range(ORDERS):
        sku = products[number % len(products)]["sku"]
        body = order(sku, "JPY", name="Claimant", email=email, quantity=UNITS)
        answer = await buyer.insist("POST", "/api/orders", body, headers={"Idempotency-Key": secrets.token_hex(16)})
        assert answer.status == 201, answer.text
        await support.call("POST", f"/api/orders/{answer.json['id']}/shipment", PARCEL, expect=200)
        placed.append(dict(answer.json))
    return placed


async def opened(buyer: Browser, item: dict[str, Any]) -> str:
    wish = {"purchase_id": item["id"], "problem": "other", "wanted": "refund"}
    answer = await buyer.insist("POST", "/api/warranty/claims", wish)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


async def decided(shop: Shop, support: Browser, claims: list[str], moment: str) -> None:
    """Decide a batch, and kill orders before it, in the middle of it, or as soon as it is decided."""
    if moment == "before":
        kill(shop, "orders")
    for number, claim_id in enumerate(claims):
        if moment == "among" and number == len(claims) // 2:
            kill(shop, "orders")
        path = f"/api/warranty/claims/{claim_id}/decision"
        answer = await support.insist("POST", path, {"outcome": "refund"})
        assert answer.status in (200, 409), answer.text  # 409: an answer was lost, and the decision stands
    if moment == "after":
        kill(shop, "orders")


async def killed_at_work(shop: Shop, buyer: Browser, claims: set[str]) -> None:
    """Kill orders once it has ended a claim of the batch."""

    async def ended() -> set[str]:
        listed = await buyer.all("/api/warranty/claims")
        return {claim["id"] for claim in listed if claim["status"] in ("closed", "under_review")}

    await eventually(ended, lambda found: bool(found & claims))
    kill(shop, "orders")


async def by_status(buyer: Browser) -> Counter[str]:
    return Counter(claim["status"] for claim in await buyer.all("/api/warranty/claims"))


async def each_was_paid_back_once(
    buyer: Browser, support: Browser, orders: list[dict[str, Any]], ended: Counter[str]
) -> None:
    claims = [claim for claim in await buyer.all("/api/warranty/claims") if claim["status"] == "closed"]
    closed = Counter(claim["item"]["order_number"] for claim in claims)
    for placed in orders:
        seen = await support.insist("GET", f"/api/orders/desk/{placed['id']}", None)
        price = placed["lines"][0]["unit_price_minor"]
        assert seen.json["refunded_minor"] == closed[placed["number"]] * price
    assert closed.total() == ended["closed"]
    assert ended["closed"], "some refund went through"
