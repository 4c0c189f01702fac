"""Screening through the gateway: what is set aside is decided once by the role fraud, and its buyer is told."""

import asyncio
import random
from typing import Any

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.journey.test_purchase import Address, a_sku, key

NIGERIAN, REVIEWS = "4000 5660 0000 0002", "/api/orders/screening/reviews"


async def set_aside(browser: Browser, email: str) -> dict[str, Any]:
    """A large order with a foreign card that nobody knows: the date makes it a card of its own."""
    body = order(await a_sku(browser), "JPY", name="Far Away", email=email, quantity=5)
    expiry = f"{random.randint(1, 12):02}/{random.randint(30, 44)}"
    body["card"] |= {"number": NIGERIAN, "expiry": expiry, "holder": f"F. Away {random.randint(0, 10**6)}"}
    placed = await browser.call("POST", "/api/orders", body, headers=key(), expect=202)
    return dict(placed.json)


async def outcome_of(shop: Shop, order_id: str) -> list[str]:
    async with shop.browser() as support:
        await shop.log_in_staff(support, "support")
        charges = await support.all("/api/orders/payments/sandbox/charges")
    return [row["outcome"] for row in charges if row["order_id"] == order_id]


async def decide(shop: Shop, order_id: str, *outcomes: str) -> list[int]:
    async with shop.browser() as fraud:
        await shop.log_in_staff(fraud, "fraud")
        waiting = await fraud.all(REVIEWS)
        [row] = [row for row in waiting if row["id"] == order_id]
        assert (row["card_country"], row["country"]) == ("NG", "JP")
        assert [hit["rule"] for hit in row["rules"]] == ["foreign-card"]
        sent = [{"outcome": outcome, "note": "Decided in a journey"} for outcome in outcomes]
        answers = await asyncio.gather(*(fraud.call("POST", f"{REVIEWS}/{order_id}/decision", each) for each in sent))
    return [answer.status for answer in answers]


async def test_what_is_approved_is_paid_and_receipted(shop: Shop, browser: Browser, address: Address) -> None:
    placed = await set_aside(browser, address("far"))
    assert placed["status"] == "in_review"
    assert await outcome_of(shop, placed["id"]) == ["authorised"]

    assert await decide(shop, placed["id"], "approve") == [200]

    receipt = await shop.mailbox.wait(address("far"), placed["number"])
    assert placed["number"] in str(receipt.headers["subject"])
    assert await outcome_of(shop, placed["id"]) == ["paid"]


async def test_of_two_decisions_at_once_one_counts(shop: Shop, browser: Browser, address: Address) -> None:
    placed = await set_aside(browser, address("two"))

    statuses = await decide(shop, placed["id"], "approve", "reject")

    assert min(statuses) == 200
    assert max(statuses) in (409, 412)
    expected = {"approve": "paid", "reject": "voided"}[("approve", "reject")[statuses.index(200)]]
    ended = await eventually(lambda: outcome_of(shop, placed["id"]), lambda found: found != ["authorised"])
    assert ended == [expected]
