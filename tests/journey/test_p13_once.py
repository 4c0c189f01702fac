"""P13: an order is charged once, whatever is asked again: of one key, of many, and where screening says no."""

import asyncio
import secrets
from typing import Any

import pytest

from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop, order
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address, a_sku, key

pytestmark = pytest.mark.together

EQUAL = 50


async def charges_of(shop: Shop, *order_ids: str) -> list[str]:
    async with shop.browser() as support:
        await shop.log_in_staff(support, "support")
        charges = await support.all("/api/orders/payments/sandbox/charges")
    return [row["outcome"] for row in charges if row["order_id"] in order_ids]


async def fifty(browser: Browser, body: dict[str, Any], headers: dict[str, str]) -> list[Answer]:
    asked = (browser.insist("POST", "/api/orders", body, headers=headers) for _ in range(EQUAL))
    return list(await asyncio.gather(*asked))


async def test_fifty_equal_requests_at_once_are_one_order_and_one_charge(
    shop: Shop, browser: Browser, address: Address
) -> None:
    body = order(await a_sku(browser), "EUR", name="Fifty Guest", email=address("fifty"))

    answers = await fifty(browser, body, key())

    assert {answer.status for answer in answers} == {201}
    [order_id] = {answer.json["id"] for answer in answers}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert await charges_of(shop, order_id) == ["paid"]


async def test_one_key_of_two_accounts_and_a_guest_are_three_purchases(shop: Shop, address: Address) -> None:
    headers, placed = key(), []
    for who in ("first", "second", ""):
        async with shop.browser() as browser:
            if who:
                await shop.register(browser, address(who), "Some Body", PASSWORD)
                await shop.log_in(browser, address(who), PASSWORD)
            body = order(await a_sku(browser), "JPY", name="Some Body", email=address(who or "guest"))
            placed.append(await browser.call("POST", "/api/orders", body, headers=headers, expect=201))

    order_ids = [answer.json["id"] for answer in placed]
    assert len(set(order_ids)) == 3
    assert await charges_of(shop, *order_ids) == ["paid"] * 3


async def test_another_body_under_the_same_key_is_refused_whatever_differs(browser: Browser, address: Address) -> None:
    headers = key()
    body = order(await a_sku(browser), "JPY", name="Di Guest", email=address("di"))
    await browser.call("POST", "/api/orders", body, headers=headers, expect=201)
    others = [
        body | {"currency": "USD"},
        body | {"lines": [body["lines"][0] | {"quantity": 2}]},
        body | {"shipping": body["shipping"] | {"line2": "Room 2"}},
        body | {"contact": body["contact"] | {"name": "Di Other"}},
        body | {"card": body["card"] | {"number": "5555 5555 5555 4444"}},
        body | {"card": body["card"] | {"expiry": "11/34"}},
        body | {"newsletter": True},
    ]

    answers = [await browser.call("POST", "/api/orders", other, headers=headers) for other in others]
    again = await browser.call("POST", "/api/orders", body, headers=headers)

    assert [answer.status for answer in answers] == [422] * len(others)
    assert (again.status, again.headers.get("Idempotency-Replayed")) == (201, "true")


async def test_a_blocked_purchase_is_refused_once_for_all_who_repeat_it(
    shop: Shop, browser: Browser, address: Address
) -> None:
    body = order(await a_sku(browser), "JPY", name="Ex Guest", email=address("blocked"))
    first = await browser.call("POST", "/api/orders", body, headers=key(), expect=201)
    async with shop.browser() as fraud:
        await shop.log_in_staff(fraud, "fraud")
        entry = {"order_id": first.json["id"], "kinds": ["email"]}
        made = await fraud.call("POST", "/api/orders/screening/blocks", entry, expect=201)
        try:
            headers = {"Idempotency-Key": secrets.token_hex(16)}
            answers = await fifty(browser, body, headers)
        finally:
            await fraud.call("DELETE", f"/api/orders/screening/blocks/{made.json['items'][0]['id']}", expect=204)

    again = await browser.call("POST", "/api/orders", body, headers=headers)
    anew = await browser.call("POST", "/api/orders", body, headers=key())

    assert {answer.status for answer in (*answers, again)} == {402}
    assert {answer.text for answer in answers} == {again.text}
    assert "screen" not in again.text
    assert anew.status == 201
    assert await charges_of(shop, again.json["instance"]) == []
