"""What becomes of an order is seen at warranty, through the gateway: shipped, paid back in part, cancelled."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_order_life import PARCEL, bought, key

pytestmark = pytest.mark.together

Address = Callable[[str], str]


@pytest.fixture
async def support(shop: Shop) -> AsyncIterator[Browser]:
    async with shop.browser() as opened:
        await shop.log_in_staff(opened, "support")
        yield opened


@pytest.fixture
async def ann(shop: Shop, browser: Browser, address: Address) -> Browser:
    await shop.register(browser, address("ann"), "Ann Example", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD)
    return browser


async def record_where(browser: Browser, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The only record of the account, once it is as wanted."""
    [record] = await eventually(
        lambda: browser.all("/api/warranty/purchases"), lambda found: len(found) == 1 and holds(found[0])
    )
    return dict(record)


async def test_support_finds_what_was_shipped_by_its_serial_number(
    ann: Browser, support: Browser, address: Address
) -> None:
    placed = await bought(ann, address("ann"))
    path = f"/api/orders/{placed['id']}"
    shipped = await support.call("POST", f"{path}/shipment", PARCEL, expect=200)
    [serial] = [each["serial"] for each in shipped.json["shipment"]["serials"]]
    await support.call("POST", f"{path}/refunds", {"amount_minor": 1_000}, headers=key(), expect=201)

    record = await record_where(ann, lambda each: bool(each["serial"] and each["order_refunded_minor"]))
    found = await support.call("GET", f"/api/warranty/desk/units/{serial.lower()}", expect=200)

    assert (record["serial"], record["order_refunded_minor"], record["cancelled_at"]) == (serial, 1_000, None)
    assert found.json == record
    assert address("ann") not in found.text


async def test_a_cancelled_watch_is_told_as_cancelled(ann: Browser, address: Address) -> None:
    placed = await bought(ann, address("ann"))

    await ann.call("POST", f"/api/orders/{placed['id']}/cancel", expect=200)

    total = placed["total_minor"]
    record = await record_where(ann, lambda each: each["cancelled_at"] and each["order_refunded_minor"] == total)
    page = await ann.call("GET", "/warranty", expect=200)
    assert record["order_number"] == placed["number"]
    assert "Cancelled" in page.text
