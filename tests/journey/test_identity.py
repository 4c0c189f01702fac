"""Who is asking: cookies, roles, and the gateway as no way round."""

import aiohttp
import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together


async def test_without_the_box_every_cookie_ends_with_the_browser(
    shop: Shop, browser: Browser, address: Address
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)

    login = await shop.log_in(browser, address("ann"), PASSWORD)

    assert login.cookies
    for cookie in login.cookies:
        name, attributes = cookie.split("=", 1)[0], cookie.lower()
        assert name.startswith("__Host-")
        assert "max-age" not in attributes or "max-age=0" in attributes
        assert all(word in attributes for word in ("secure", "httponly", "samesite=lax", "path=/"))
        assert "domain=" not in attributes


async def test_a_remembered_browser_is_logged_in_again_after_it_was_closed(
    shop: Shop, browser: Browser, address: Address
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)

    browser.forget("-session")

    session = await browser.call("GET", "/api/auth/session", expect=200)
    assert session.json["fresh"] is False


async def test_logging_out_ends_it_for_good(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)

    await browser.call("DELETE", "/api/auth/session", expect=204)

    assert (await browser.call("GET", "/api/auth/session")).status == 401


async def test_an_identity_header_of_the_clients_own_is_worth_nothing(shop: Shop, browser: Browser) -> None:
    forged = {"X-Identity": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwicm9sZXMiOlsiYWRtaW4iXX0."}

    through = await browser.call("GET", "/api/warranty/purchases", headers=forged)
    async with (
        aiohttp.ClientSession() as direct,
        direct.get(
            f"{shop.stack.read()['services']['warranty']['url']}/api/warranty/purchases", headers=forged
        ) as around,
    ):
        assert around.status == 401

    assert through.status == 401


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/internal/identity"])
async def test_what_is_for_operators_is_not_reached_through_the_gateway(browser: Browser, path: str) -> None:
    assert (await browser.call("GET", path)).status == 404


async def test_each_staff_role_reaches_its_own_desk_only(shop: Shop, browser: Browser) -> None:
    await shop.log_in_staff(browser, "support")

    assert (await browser.call("GET", "/api/orders/desk")).status == 200
    assert (await browser.call("GET", "/api/mailer/campaigns")).status == 403


async def test_a_cross_site_request_is_refused(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD)

    by_fetch = await browser.call("DELETE", "/api/auth/session", headers={"Sec-Fetch-Site": "cross-site"})
    by_origin = await browser.call("DELETE", "/api/auth/session", headers={"Origin": "https://evil.example"})

    assert (by_fetch.status, by_origin.status) == (403, 403)
    assert (await browser.call("GET", "/api/auth/session")).status == 200
