"""A fault and what becomes of it, through the gateway: repaired, replaced, paid back; by an account and by a guest."""

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.test_order_life import PARCEL, bought

pytestmark = pytest.mark.together

Address = Callable[[str], str]
CLAIMS = "/api/warranty/claims"
WISH = {"problem": "other", "wanted": "repair", "words": "It stopped at noon."}


async def shipped(browser: Browser, support: Browser, email: str, *, query: str = "") -> dict[str, Any]:
    """A watch that was bought and shipped, as warranty knows it, once it does; and its order."""
    placed = await bought(browser, email)
    await support.call("POST", f"/api/orders/{placed['id']}/shipment", PARCEL, expect=200)
    link = "?" + urlsplit(placed["view_link"]).query if "?t=" in placed["view_link"] else ""
    path = "/api/warranty/purchases" + (f"{link}&order={placed['id']}" if link else "")
    answer = await eventually(
        lambda: browser.call("GET", path),
        lambda seen: seen.status == 200 and any(each["serial"] for each in seen.json["items"]),
    )
    [item] = [each for each in answer.json["items"] if each["order_number"] == placed["number"]]
    return {"item": item, "order": placed, "link": f"{link}&order={placed['id']}" if link else ""}


async def claim_where(browser: Browser, path: str, status: str) -> dict[str, Any]:
    answer = await eventually(lambda: browser.call("GET", path), lambda seen: seen.json.get("status") == status)
    return dict(answer.json)


async def test_a_repair_from_claim_to_return_with_its_mails(
    shop: Shop, ann: Browser, support: Browser, address: Address
) -> None:
    item = (await shipped(ann, support, address("ann")))["item"]

    opened = await ann.call("POST", CLAIMS, WISH | {"purchase_id": item["id"]}, expect=201)
    path = f"{CLAIMS}/{opened.json['id']}"
    queue = await support.all("/api/warranty/desk/claims")
    await support.call("POST", f"{path}/questions", {"text": "Was it in water?"}, expect=200)
    await ann.call("POST", f"{path}/messages", {"text": "Never."}, expect=201)
    await support.call("POST", f"{path}/decision", {"outcome": "approved", "note": "We repair it."}, expect=200)
    await support.call("POST", f"{path}/receipt", {"serial": item["serial"]}, expect=200)
    await support.call("POST", f"{path}/repair", {"diagnosis": "the coil", "cost_minor": 900}, expect=200)
    await support.call("POST", f"{path}/return", expect=200)

    assert opened.json["id"] in [each["id"] for each in queue]
    ended = await claim_where(ann, path, "closed")
    assert [step["status"] for step in ended["history"]] == [
        "submitted", "more_information_needed", "under_review", "approved", "waiting_for_item", "received", "in_repair",
        "closed",
    ]  # fmt: skip
    longer = await ann.call("GET", f"/api/warranty/purchases/{item['id']}", expect=200)
    assert longer.json["covered_until"] > item["covered_until"]
    number = opened.json["number"]
    for subject in ("has arrived", "A message about", "Please send us the watch", "is in repair", "on its way back"):
        mail = await shop.mailbox.wait(address("ann"), subject)
        assert number in mail.subject
    assert "Was it in water?" in (await shop.mailbox.wait(address("ann"), "A message about")).text


async def test_the_rules_approve_the_repair_of_a_young_watch_at_once(
    ann: Browser, support: Browser, address: Address
) -> None:
    item = (await shipped(ann, support, address("ann")))["item"]

    opened = await ann.call("POST", CLAIMS, WISH | {"purchase_id": item["id"], "problem": "stopped"}, expect=201)

    assert (opened.json["status"], opened.json["decided"]) == ("waiting_for_item", "repair")
    assert opened.json["decided_by_rule"].startswith("repair-of-a-young-watch (")
    assert [step["by"] for step in opened.json["history"]] == ["customer", "rules", "rules"]


async def test_a_refund_goes_through_orders_and_closes_the_claim_once(
    shop: Shop, ann: Browser, support: Browser, address: Address
) -> None:
    bought_ = await shipped(ann, support, address("ann"))
    item, order = bought_["item"], bought_["order"]
    opened = await ann.call("POST", CLAIMS, WISH | {"purchase_id": item["id"], "wanted": "refund"}, expect=201)
    path = f"{CLAIMS}/{opened.json['id']}"

    decided = await asyncio.gather(*(support.call("POST", f"{path}/decision", {"outcome": "refund"}) for _ in range(6)))

    ended = await claim_where(ann, path, "closed")
    assert sorted(answer.status for answer in decided) == [200, 409, 409, 409, 409, 409]
    assert [step["status"] for step in ended["history"]][-3:] == ["approved", "refunded", "closed"]
    desk = await support.call("GET", f"/api/orders/desk/{order['id']}", expect=200)
    assert desk.json["refunded_minor"] == item["price_minor"]
    again = await ann.call("POST", CLAIMS, WISH | {"purchase_id": item["id"]})
    assert (again.status, again.json["errors"][0]["code"]) == (409, "refunded")


async def test_a_replacement_is_shipped_and_takes_the_cover_over(
    shop: Shop, ann: Browser, support: Browser, address: Address
) -> None:
    item = (await shipped(ann, support, address("ann")))["item"]
    wish = WISH | {"purchase_id": item["id"], "wanted": "replacement"}
    opened = await ann.call("POST", CLAIMS, wish, expect=201)
    path = f"{CLAIMS}/{opened.json['id']}"
    await support.call("POST", f"{path}/decision", {"outcome": "approved"}, expect=200)

    desk = f"/api/warranty/desk/claims/{opened.json['id']}"
    await eventually(lambda: support.call("GET", desk), lambda seen: seen.json.get("remedy_progress") == "sending")
    orders = await ann.all("/api/orders")
    [sent] = [each["id"] for each in orders if each["status"] == "in_preparation"]
    await support.call("POST", f"/api/orders/{sent}/shipment", PARCEL, expect=200)

    ended = await claim_where(ann, path, "closed")
    after = await ann.call("GET", f"/api/warranty/purchases/{item['id']}", expect=200)
    assert ended["new_serial"] == after.json["serial"] != item["serial"]
    assert after.json["covered_until"] == item["covered_until"]


async def test_a_guest_claims_by_the_link_of_the_order_and_strangers_see_nothing(
    shop: Shop, browser: Browser, support: Browser, address: Address
) -> None:
    bought_ = await shipped(browser, support, address("guest"))
    item, link = bought_["item"], bought_["link"]

    opened = await browser.call("POST", f"{CLAIMS}{link}", WISH | {"purchase_id": item["id"]}, expect=201)
    path = f"{CLAIMS}/{opened.json['id']}"
    token = parse_qs(link.removeprefix("?"))["t"][0]
    other = f"?t={secrets.token_hex(len(token) // 2)}&order={bought_['order']['id']}"

    assert (await browser.call("GET", path + link)).status == 200
    assert [(await browser.call("GET", f"{path}{each}")).status for each in ("", other)] == [401, 404]
    mail = await shop.mailbox.wait(address("guest"), "has arrived")
    [mailed] = re.findall(rf"{re.escape(shop.gateway)}(/warranty/claims/\S+)", mail.text)
    page = await browser.call("GET", mailed, headers={"Accept": "text/html"})
    assert (page.status, token in mailed, opened.json["number"] in page.text) == (200, False, True)
