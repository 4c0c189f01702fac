"""What becomes of orders, through the gateway: shipped, refunded, cancelled while orders is killed; and the mails."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.demo.damage import kill
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.journey.conftest import PASSWORD

Address = Callable[[str], str]
PARCEL = {"carrier": "Yamato Transport", "tracking": "1234-5678-9012"}


@pytest.fixture
async def support(shop: Shop) -> AsyncIterator[Browser]:
    async with shop.browser() as opened:
        await shop.log_in_staff(opened, "support")
        yield opened


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


async def bought(browser: Browser, email: str, *, quantity: int = 1) -> dict[str, Any]:
    sku = (await browser.all("/api/orders/products"))[0]["sku"]
    body = order(sku, "JPY", name="Ann Example", email=email, quantity=quantity)
    placed: dict[str, Any] = (await browser.insist("POST", "/api/orders", body, headers=key())).json
    return placed


async def charge(support: Browser, order_id: str) -> dict[str, Any]:
    seen: dict[str, Any] = (await support.insist("GET", f"/api/orders/desk/{order_id}", None)).json
    return seen


async def test_an_order_is_shipped_delivered_and_refunded_in_part_until_nothing_is_left(
    shop: Shop, browser: Browser, support: Browser, address: Address
) -> None:
    placed = await bought(browser, address("ann"), quantity=2)
    path, total = f"/api/orders/{placed['id']}", placed["total_minor"]

    found = await support.call("GET", f"/api/orders/desk?number={placed['number']}", expect=200)
    shipped = await support.call("POST", f"{path}/shipment", PARCEL, expect=200)
    await support.call("POST", f"{path}/delivery", expect=200)
    amounts = (1_000, total - 1_000, 1)
    refunds = [await support.call("POST", f"{path}/refunds", {"amount_minor": each}, headers=key()) for each in amounts]

    assert [item["id"] for item in found.json["items"]] == [placed["id"]]
    assert [answer.status for answer in refunds] == [201, 201, 422]
    order = await charge(support, placed["id"])
    assert (order["status"], order["refunded_minor"], order["refundable_minor"]) == ("refunded", total, 0)
    told = await shop.mailbox.wait(address("ann"), "is on its way")
    assert PARCEL["tracking"] in told.text
    await shop.mailbox.wait(address("ann"), "refund for your order", count=2)
    serials = [each["serial"] for each in shipped.json["shipment"]["serials"]]
    assert len(set(serials)) == 2


async def test_orders_cancelled_while_orders_is_killed_give_back_the_money_once(
    shop: Shop, browser: Browser, support: Browser, address: Address
) -> None:
    for n in range(3):
        email = address(f"bo-{n}")
        placed = await bought(browser, email)
        query = urlsplit(placed["view_link"]).query
        cancelling = asyncio.create_task(browser.insist("POST", f"/api/orders/{placed['id']}/cancel?{query}", None))
        await asyncio.sleep(0.004 * n)  # not in place of waiting: the kill shall meet different moments
        kill(shop, "orders")
        cancelled = await cancelling

        assert cancelled.status == 200
        seen = await eventually(partial(charge, support, placed["id"]), lambda seen: seen.get("payment") == "refunded")
        assert (seen["status"], seen["refunded_minor"]) == ("cancelled", placed["total_minor"])
        assert [refund["state"] for refund in seen["refunds"]] == ["done"]
        await shop.mailbox.wait(email, "is cancelled")
        await shop.mailbox.wait(email, "refund for your order")


async def test_a_guests_order_is_found_by_mail_and_becomes_an_accounts_own(
    shop: Shop, browser: Browser, address: Address
) -> None:
    async with shop.browser() as guest:
        placed = await bought(guest, address("cy"))
        await shop.mailbox.wait(address("cy"), placed["number"])
        unknown = await guest.call("POST", "/api/orders/guest/links", {"email": address("nobody")})
        known = await guest.call("POST", "/api/orders/guest/links", {"email": address("cy")})
        mail = await shop.mailbox.wait(address("cy"), "your orders at")
    await shop.register(browser, address("cy-account"), "Cy Example", PASSWORD)
    await shop.log_in(browser, address("cy-account"), PASSWORD)

    token = re.search(r"[?&]claim=([0-9a-f]+)", mail.text)
    assert token is not None
    await browser.call("POST", f"/api/orders/{placed['id']}/claim", {"token": token[1]}, expect=200)

    assert (unknown.status, unknown.text) == (known.status, known.text) == (202, "")
    assert [each["id"] for each in await browser.all("/api/orders")] == [placed["id"]]
    records = await eventually(lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) >= 1)
    assert {record["order_number"] for record in records} == {placed["number"]}
    assert shop.mailbox.to(address("nobody")) == []
