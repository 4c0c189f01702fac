"""The status page of a running shop, as staff of each role see it."""

import re
from collections.abc import Callable

import pytest

from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from services.auth import VERSION
from shared.topology import SERVICES, queues_of
from tests.journey.conftest import PASSWORD


@pytest.mark.parametrize("role", ["support", "marketing", "fraud", "officer", "admin"])
async def test_staff_see_what_is_up_and_what_waits(shop: Shop, role: str) -> None:
    async with shop.browser() as browser:
        await shop.log_in_staff(browser, role)

        async def page() -> str:
            return (await browser.call("GET", "/desk/status", expect=200)).text

        text = await eventually(page, lambda found: found.count("answers broker") == len(SERVICES))
    assert f"Version {VERSION}" in text
    parts = dict(zip(SERVICES, re.split(r"<h2>\w+</h2>", text)[1:], strict=True))
    for service, part in parts.items():
        assert "does not answer" not in part, service
        assert "documents whose events wait" in part
        for queue in queues_of(service):
            assert f"messages in queue {queue}<" in part
    assert "open claims resolution overdue" in parts["warranty"]
    assert "receipts and notices that wait" in parts["mailer"]
    assert "@" not in text


async def test_customers_and_guests_find_nothing_there(shop: Shop, address: Callable[[str], str]) -> None:
    async with shop.browser() as browser:
        assert (await browser.call("GET", "/desk/status")).status == 404
        await shop.register(browser, address("nosy"), "Nosy Customer", PASSWORD)
        await shop.log_in(browser, address("nosy"), PASSWORD)

        assert (await browser.call("GET", "/desk/status")).status == 404
