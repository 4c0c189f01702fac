"""A purchase from the catalogue to the mailbox and the warranty, through the gateway."""

import secrets
from collections.abc import Callable

import pytest

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.journey.conftest import PASSWORD

pytestmark = pytest.mark.together

Address = Callable[[str], str]


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


async def a_sku(browser: Browser) -> str:
    return str((await browser.all("/api/orders/products"))[0]["sku"])


async def test_an_accounts_purchase_has_a_receipt_and_a_warranty_record_for_each_unit(
    shop: Shop, browser: Browser, address: Address
) -> None:
    await shop.register(browser, address("ann"), "Ann Example", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD)

    body = order(await a_sku(browser), "JPY", name="Ann Example", email=address("ann"), quantity=2)
    placed = await browser.call("POST", "/api/orders", body, headers=key(), expect=201)

    receipt = await shop.mailbox.wait(address("ann"), placed.json["number"])
    records = await eventually(lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) >= 2)
    assert receipt.recipients == (receipt.headers["to"],)
    assert "list-unsubscribe" not in receipt.headers
    assert len({record["id"] for record in records}) == len(records) == 2
    assert {record["order_number"] for record in records} == {placed.json["number"]}
    assert all(record["covered_until"] > record["purchased_at"][:10] for record in records)


async def test_a_guests_purchase_is_seen_by_its_link_and_by_nobody_else(
    shop: Shop, browser: Browser, address: Address
) -> None:
    body = order(await a_sku(browser), "USD", name="Bo Guest", email=address("bo"))
    placed = await browser.call("POST", "/api/orders", body, headers=key(), expect=201)

    receipt = await shop.mailbox.wait(address("bo"), placed.json["number"])
    path = receipt.link.removeprefix(shop.gateway)
    with_link = await browser.call("GET", path)
    without = await browser.call("GET", path.partition("?")[0])
    assert with_link.status == 200
    assert without.status == 404


async def test_equal_requests_at_once_are_one_order_and_one_charge(
    shop: Shop, browser: Browser, address: Address
) -> None:
    import asyncio

    body, headers = order(await a_sku(browser), "EUR", name="Cy Guest", email=address("cy")), key()
    answers = await asyncio.gather(*(browser.insist("POST", "/api/orders", body, headers=headers) for _ in range(20)))

    assert {answer.status for answer in answers} == {201}
    [order_id] = {answer.json["id"] for answer in answers}
    async with shop.browser() as support:
        await shop.log_in_staff(support, "support")
        charges = await support.all("/api/orders/payments/sandbox/charges")
    assert [row["outcome"] for row in charges if row["order_id"] == order_id] == ["paid"]


async def test_another_body_under_the_same_key_is_refused(browser: Browser, address: Address) -> None:
    sku, headers = await a_sku(browser), key()
    body = order(sku, "JPY", name="Di Guest", email=address("di"))
    await browser.call("POST", "/api/orders", body, headers=headers, expect=201)

    other = await browser.call("POST", "/api/orders", body | {"currency": "USD"}, headers=headers)

    assert other.status == 422
    assert other.headers["Content-Type"].startswith("application/problem+json")
