"""A purchase for which the buyer's bank wants to see the buyer, through the gateway; and the books afterwards."""

import asyncio
import json
import os
import shlex
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from tests.journey.test_purchase import Address, a_sku, key

ASKS_BANK = "4000 0000 0000 3220"


async def _at_the_bank(browser: Browser, email: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    body, headers = order(await a_sku(browser), "JPY", name="Bo Guest", email=email), key()
    body["card"]["number"] = ASKS_BANK
    placed = await browser.call("POST", "/api/orders", body, headers=headers, expect=202)
    return placed.json, body, headers


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _environment(shop: Shop) -> dict[str, str]:
    lines = shop.stack.resolve(".local/env/orders.env").read_text().splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if line)


@pytest.mark.parametrize(("answer", "status", "then"), [("approve", "paid", 201), ("refuse", "declined", 402)])
async def test_the_buyers_answer_at_the_bank_ends_the_order(
    shop: Shop, browser: Browser, address: Address, answer: str, status: str, then: int
) -> None:
    placed, body, headers = await _at_the_bank(browser, address("bo"))
    waiting = await browser.call("POST", "/api/orders", body, headers=headers, expect=202)
    assert waiting.json == placed

    page = await browser.submit(_path(placed["action_url"]), {"answer": answer})

    assert page.status == 200
    seen = await browser.call("GET", f"/api/orders/{placed['id']}?{urlsplit(placed['view_link']).query}", expect=200)
    assert seen.json["status"] == status
    await browser.call("POST", "/api/orders", body, headers=headers, expect=then)
    if status == "paid":
        assert await shop.mailbox.wait(address("bo"), placed["number"])


async def test_a_strangers_webhook_is_refused(browser: Browser) -> None:
    event = {"data": {"object": {"metadata": {"order_id": "x"}}}}

    answer = await browser.call(
        "POST", "/api/orders/payments/webhook", event, headers={"Stripe-Signature": "t=1,v1=00"}
    )

    assert answer.status == 400
    assert answer.json["type"] == "/problems/bad-signature"


async def test_the_providers_ledger_agrees_with_the_orders(shop: Shop, browser: Browser, address: Address) -> None:
    await browser.call(
        "POST", "/api/orders", order(await a_sku(browser), "USD", name="Bo Guest", email=address("bo")),
        headers=key(), expect=201,
    )  # fmt: skip

    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.orders", "payments", "reconcile", "--json",
        env=os.environ | _environment(shop), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await done.communicate()

    summary = json.loads(told.splitlines()[-1])
    assert (summary["differences"], done.returncode) == (0, 0)
    assert summary["orders"] >= 1
