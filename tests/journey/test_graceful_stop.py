"""Processes that are stopped under load finish what they have taken, and nobody is sent to them any more.

Each service has a process more, which is started and stopped again and again while requests pass through the gateway;
none of them fails, and no message is lost.
"""

import secrets
from collections import Counter
from collections.abc import Callable

import pytest

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.fleet import fleet
from tests.journey.conftest import PASSWORD
from tests.journey.steady import Request, Steady, going_on

STOPS = 3
LETTERS = str.maketrans("0123456789", "ghijklmnop")


def requests(service: str, sku: str, email: str) -> list[Request]:
    """Writes, for a proxy may not repeat them; warranty's by a page that only reads."""
    if service == "auth":
        return [("PUT", "/api/auth/preferences", {"language": "ja", "currency": "JPY"}, 200)]
    if service == "orders":
        return [("POST", "/api/orders", order(sku, "JPY", name="Graceful Buyer", email=email), 201)]
    if service == "mailer":
        reader = f"{secrets.token_hex(8).translate(LETTERS)}@example.org"
        body = {"email": reader, "name": "Reader", "language": "en", "topics": ["offers"]}
        return [("POST", "/api/mailer/subscriptions", body, 202)]
    return [("GET", "/api/warranty/purchases?limit=1", None, 200)]


@pytest.mark.parametrize("service", ["auth", "orders", "mailer", "warranty"])
async def test_no_request_and_no_message_is_lost(shop: Shop, address: Callable[[str], str], service: str) -> None:
    email = address(f"stop-{service}")
    async with fleet(shop, {service: 1}) as processes, shop.browser() as browser:
        await shop.register(browser, email, "Graceful Buyer", PASSWORD)
        await shop.log_in(browser, email, PASSWORD)
        sku = str((await browser.all("/api/orders/products"))[0]["sku"])
        load = Steady(lambda: requests(service, sku, email))
        async with going_on(browser, load):
            for _ in range(STOPS):
                beside = await processes.start(service, "serve", "--work", port=processes.slots[service][0])
                await load.more()
                assert await beside.stop() == 0
                await load.more()

        assert load.failed == []
        if service == "orders":
            await each_has_a_record(browser, {answer["number"] for answer in load.answered})
    assert await run_command(service, "dead", "list") == ""


async def each_has_a_record(browser: Browser, numbers: set[str]) -> None:
    async def records() -> Counter[str]:
        return Counter(each["order_number"] for each in await browser.all("/api/warranty/purchases"))

    found = await eventually(records, lambda found: found.keys() >= numbers)
    assert set(found.values()) == {1}
