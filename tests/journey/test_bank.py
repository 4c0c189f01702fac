"""A purchase for which the buyer's bank wants to see the buyer, through the gateway; and the books afterwards."""

import asyncio
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from services.orders.testing.fakestripe.webhooks import signed
from tests.journey.test_purchase import Address, a_sku, key

Sandbox = AsyncCollection[dict[str, Any]]
ASKS_BANK = "4000 0000 0000 3220"


@pytest.fixture
async def sandbox(shop: Shop) -> AsyncIterator[Sandbox]:
    """The sandbox provider's own book."""
    async with AsyncMongoClient[dict[str, Any]](shop.stack.read()["mongo"], tz_aware=True) as client:
        yield client["orders"]["sandbox_charges"]


async def at_the_bank(browser: Browser, email: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    body, headers = order(await a_sku(browser), "JPY", name="Bo Guest", email=email), key()
    body["card"]["number"] = ASKS_BANK
    placed = await browser.call("POST", "/api/orders", body, headers=headers, expect=202)
    return placed.json, body, headers


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def environment(shop: Shop) -> dict[str, str]:
    lines = shop.stack.resolve(".local/env/orders.env").read_text().splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if line)


@pytest.mark.parametrize(("answer", "status", "then"), [("approve", "paid", 201), ("refuse", "declined", 402)])
async def test_the_buyers_answer_at_the_bank_ends_the_order(
    shop: Shop, browser: Browser, address: Address, answer: str, status: str, then: int
) -> None:
    placed, body, headers = await at_the_bank(browser, address("bo"))
    waiting = await browser.call("POST", "/api/orders", body, headers=headers, expect=202)
    assert waiting.json == placed

    page = await browser.submit(_path(placed["action_url"]), {"answer": answer})

    assert page.status == 200
    seen = await browser.call("GET", f"/api/orders/{placed['id']}?{urlsplit(placed['view_link']).query}", expect=200)
    assert seen.json["status"] == status
    await browser.call("POST", "/api/orders", body, headers=headers, expect=then)
    if status == "paid":
        assert await shop.mailbox.wait(address("bo"), placed["number"])


async def test_a_webhook_ends_the_order_once_however_late_and_often_it_comes(
    shop: Shop, browser: Browser, address: Address, sandbox: Sandbox
) -> None:
    placed, _, _ = await at_the_bank(browser, address("bo"))
    succeeded, failed = (_event(kind, placed["id"]) for kind in ("succeeded", "payment_failed"))

    early = await _announced(shop, succeeded)
    assert (early, await _status(browser, placed)) == (204, "needs_action")

    # The provider knows what the buyer has answered; the shop has not heard of it.
    taken = {"$set": {"outcome": "paid"}, "$unset": {"action_url": ""}}
    assert (await sandbox.update_one({"_id": placed["id"], "outcome": "needs_action"}, taken)).modified_count == 1
    stale = await _announced(shop, succeeded, age_s=301)
    assert (stale, await _announced(shop, succeeded)) == (400, 204)
    assert await _status(browser, placed) == "paid"

    again = [await _announced(shop, event) for event in (succeeded, failed, succeeded)]
    assert (again, await _status(browser, placed)) == ([204, 204, 204], "paid")
    assert await shop.mailbox.wait(address("bo"), placed["number"])


async def test_a_webhook_that_is_not_the_providers_is_refused(
    shop: Shop, browser: Browser, address: Address, sandbox: Sandbox
) -> None:
    placed, _, _ = await at_the_bank(browser, address("bo"))
    await sandbox.update_one({"_id": placed["id"]}, {"$set": {"outcome": "paid"}, "$unset": {"action_url": ""}})
    body, headers = signed(_event("succeeded", placed["id"]), at=int(time.time()), secret="whsec_of_a_stranger")
    own, theirs = signed(_event("succeeded", "another"), at=int(time.time()), secret=_secret(shop))

    answers = [
        await _posted(shop, body, headers),
        await _posted(shop, body, theirs),
        await _posted(shop, body, {}),
        await _posted(shop, own.replace(b"another", placed["id"].encode()), theirs),
    ]

    assert answers == [400, 400, 400, 400]
    assert await _status(browser, placed) == "needs_action"
    assert await _announced(shop, _event("succeeded", placed["id"])) == 204


def _event(kind: str, order_id: str) -> dict[str, Any]:
    intent = {"object": "payment_intent", "metadata": {"order_id": order_id}}
    return {"id": f"evt_{secrets.token_hex(8)}", "object": "event", "type": f"payment_intent.{kind}",
            "data": {"object": intent}}  # fmt: skip


def _secret(shop: Shop) -> str:
    return environment(shop)["PADLOCK_STRIPE_WEBHOOK_SECRET"]


async def _announced(shop: Shop, event: dict[str, Any], *, age_s: int = 0) -> int:
    """The status that the provider is answered with."""
    return await _posted(shop, *signed(event, at=int(time.time()) - age_s, secret=_secret(shop)))


async def _posted(shop: Shop, body: bytes, headers: dict[str, str]) -> int:
    """As a machine sends it: no cookie, no origin."""
    url = f"{shop.gateway}/api/orders/payments/webhook"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=shop.stack.tls())) as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status


async def _status(browser: Browser, placed: dict[str, Any]) -> str:
    path = f"/api/orders/{placed['id']}?{urlsplit(placed['view_link']).query}"
    return str((await browser.call("GET", path, expect=200)).json["status"])


async def test_the_providers_ledger_agrees_with_the_orders(shop: Shop, browser: Browser, address: Address) -> None:
    await browser.call(
        "POST", "/api/orders", order(await a_sku(browser), "USD", name="Bo Guest", email=address("bo")),
        headers=key(), expect=201,
    )  # fmt: skip

    summary, differences, status = await _reconciled(shop)

    assert (summary["differences"], differences, status) == (0, [], 0)
    assert summary["orders"] >= 1


async def test_a_charge_of_no_order_is_listed_until_it_is_gone(shop: Shop, sandbox: Sandbox) -> None:
    stray = f"stray-{secrets.token_hex(8)}"
    charge = {"_id": stray, "amount_minor": 100, "currency": "USD", "outcome": "paid", "reason": "",
              "charged_at": datetime.now(UTC) - timedelta(hours=1)}  # fmt: skip
    await sandbox.insert_one(charge)
    try:
        summary, differences, status = await _reconciled(shop)
    finally:
        await sandbox.delete_one({"_id": stray})

    assert (summary["differences"], status) == (1, 1)
    assert [stray in json.dumps(each) for each in differences] == [True]


async def _reconciled(shop: Shop) -> tuple[dict[str, Any], list[dict[str, Any]], int | None]:
    """What the command ends with, each difference, and its status."""
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.orders", "payments", "reconcile", "--json",
        env=os.environ | environment(shop), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await done.communicate()
    *differences, summary = [json.loads(line) for line in told.splitlines()]
    return summary, differences, done.returncode
