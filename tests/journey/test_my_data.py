"""One's own data across all four services: a copy with everything in it, and an erasure with its receipt (P18)."""

import asyncio
import io
import json
import time
import zipfile
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address, a_sku, key

pytestmark = pytest.mark.together

SERVICES = ("auth", "orders", "mailer", "warranty")
NAME = "Mara Mydata"
STREET = "77 Vergissmeinnicht Lane"


async def a_customer(shop: Shop, browser: Browser, email: str) -> str:
    """Somebody who registered, subscribed and bought a watch; the order's number."""
    await shop.register(browser, email, NAME, PASSWORD)
    await shop.log_in(browser, email, PASSWORD, remember=True)
    wish = {"email": email, "name": NAME, "language": "en", "topics": ["offers"]}
    await browser.call("POST", "/api/mailer/subscriptions", wish, expect=202)
    token = (await shop.mailbox.wait(email, count=2)).token
    await browser.call("POST", "/api/mailer/subscriptions/confirm", {"token": token}, expect=200)
    body = order(await a_sku(browser), "JPY", name=NAME, email=email)
    body["shipping"]["line1"] = STREET
    profile = {"name": NAME, "shipping": body["shipping"]}
    await browser.call("PUT", "/api/orders/profile", profile, expect=204)
    placed = await browser.call("POST", "/api/orders", body, headers=key(), expect=201)
    await eventually(lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) == 1)
    await shop.mailbox.wait(email, placed.json["number"])
    return str(placed.json["number"])


async def archive_of(shop: Shop, browser: Browser, export_id: str) -> dict[str, Any]:
    """What is in the archive, by file."""
    url = f"{shop.gateway}/api/auth/me/exports/{export_id}/archive"
    async with browser._session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as archive:
            files = {name: archive.read(name).decode() for name in archive.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in files.items()}


async def test_a_copy_has_what_all_four_services_hold(shop: Shop, browser: Browser, address: Address) -> None:
    email = address("mara")
    number = await a_customer(shop, browser, email)

    asked = await browser.call("POST", "/api/auth/me/export", expect=202)
    path = f"/api/auth/me/exports/{asked.json['id']}"
    shown = await eventually(
        lambda: browser.call("GET", path, expect=200), lambda answer: answer.json["status"] == "ready"
    )
    files = await archive_of(shop, browser, asked.json["id"])

    parts = {service: files[f"{service}.json"]["sections"] for service in SERVICES}
    assert shown.json["services"] == dict.fromkeys(SERVICES, "complete")
    assert parts["auth"]["profile"][0]["email"] == email
    assert [(row["number"], row["shipping"]["line1"]) for row in parts["orders"]["orders"]] == [(number, STREET)]
    assert parts["orders"]["orders"][0]["card"].endswith("ending 4242")
    assert parts["orders"]["profile"][0]["name"] == NAME
    assert [(row["email"], row["state"]) for row in parts["mailer"]["subscription"]] == [(email, "confirmed")]
    assert {row["about"] for row in parts["mailer"]["service-mails"]} >= {"verify", "receipt"}
    assert [row["order_number"] for row in parts["warranty"]["purchases"]] == [number]
    assert STREET in files["index.html"]
    assert "<script" not in files["index.html"]
    await shop.mailbox.wait(email, "data")


async def test_another_account_cannot_fetch_it(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("nora"), "Nora", PASSWORD)
    await shop.log_in(browser, address("nora"), PASSWORD)
    asked = await browser.call("POST", "/api/auth/me/export", expect=202)
    async with shop.browser() as other:
        await shop.register(other, address("otto"), "Otto", PASSWORD)
        await shop.log_in(other, address("otto"), PASSWORD)

        answer = await other.call("GET", f"/api/auth/me/exports/{asked.json['id']}/archive")

    assert answer.status == 404


async def test_an_erasure_reaches_all_four_and_comes_back_with_a_receipt(
    shop: Shop, browser: Browser, address: Address
) -> None:
    email = address("mara")
    await a_customer(shop, browser, email)
    began = time.monotonic()

    gone = await browser.call("DELETE", "/api/auth/me", expect=202)
    token = {"token": gone.json["receipt"]["token"]}
    receipt = await eventually(
        lambda: browser.call("POST", "/api/auth/erasures/receipt", token, expect=200),
        lambda answer: answer.json["status"] == "complete",
    )

    assert time.monotonic() - began < 60
    services = receipt.json["services"]
    assert {service: services[service]["status"] for service in SERVICES} == dict.fromkeys(SERVICES, "erased")
    assert _counts(services, "orders", "erased") == {"contacts": 1, "addresses": 1, "cards": 1, "profile": 1}
    assert _counts(services, "mailer", "erased")["name-and-address"] == 1
    assert _counts(services, "warranty", "kept") == {"purchase-facts": 1}
    assert email not in json.dumps(receipt.json)
    login = {"email": email, "password": PASSWORD, "remember": False}
    assert (await browser.call("POST", "/api/auth/session", login)).status == 401
    assert (await browser.call("GET", "/api/warranty/purchases")).status == 401
    await _mail_with(shop, email, gone.json["receipt"]["token"])
    await _assert_no_key_is_left(shop)

    await _register_again(shop, browser, email)
    await shop.log_in(browser, email, PASSWORD)
    assert await browser.all("/api/orders") == []
    assert await browser.all("/api/warranty/purchases") == []
    assert (await browser.call("GET", "/api/orders/profile")).status == 404


async def test_of_many_requests_at_once_to_erase_one_counts(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("twice"), "Twice", PASSWORD)
    await shop.log_in(browser, address("twice"), PASSWORD)

    answers = await asyncio.gather(*(browser.call("DELETE", "/api/auth/me") for _ in range(5)))

    statuses = [answer.status for answer in answers]
    assert statuses.count(202) == 1
    assert set(statuses) <= {202, 401, 403}


async def _register_again(shop: Shop, browser: Browser, email: str) -> None:
    """As anybody whom the shop never knew."""
    before = len(shop.mailbox.to(email))
    wish = {"email": email, "name": "Mara Again", "password": PASSWORD}
    await browser.call("POST", "/api/auth/accounts", wish, expect=202)
    mail = await shop.mailbox.wait(email, count=before + 1)
    await browser.call("POST", "/api/auth/accounts/verify", {"token": mail.token}, expect=200)


def _counts(services: dict[str, Any], service: str, kind: str) -> dict[str, int]:
    return {row["what"]: row["count"] for row in services[service][kind]}


async def _mail_with(shop: Shop, email: str, token: str) -> None:
    async def found() -> bool:
        return any(token in mail.text for mail in shop.mailbox.to(email))

    await eventually(found, bool)


async def _assert_no_key_is_left(shop: Shop) -> None:
    """No account of a receipt that is complete is in any database of keys, and no receipt names one."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(shop.stack.read()["mongo"])
    try:
        receipts = await client["auth"]["erasures"].find({"completed_at": {"$ne": None}}).to_list(None)
        assert receipts
        assert all(receipt.keys().isdisjoint({"account_id", "mail"}) for receipt in receipts)
    finally:
        client.close()
