"""Every page of the shop in each language: readable by machine and person, on a telephone, without a foreign host."""

import pytest

from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import log_in, registered
from tests.browser.shopping import NEEDS_THE_BANK, OTHER, PLENTY, SOLD_OUT, buy

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
LANGUAGES = ("en", "ja", "de")
CART = f"{PLENTY}=2&{OTHER}=10"
FOR_EVERYBODY = ("/", f"/?{CART}&q=licht", "/?q=zebra", f"/products/{PLENTY}?{CART}", f"/products/{SOLD_OUT}", "/cart",
                 f"/cart?{CART}&country=DE", f"/cart?{SOLD_OUT}=1", f"/checkout?{CART}", "/orders/none", "/orders/find",
                 "/products/none")  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_shops_pages_can_be_read_by_everybody(open_window: OpenWindow, language: str) -> None:
    page = (await open_window(language=language, narrow=True)).page
    faults = []

    for path in FOR_EVERYBODY:
        await page.goto(path)
        faults += await faults_of(page, language)

    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_buyers_pages_can_be_read_by_everybody(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    await registered(shop, address, language=language)
    page = (await open_window(language=language, narrow=True)).page
    await log_in(page, address, next="/orders")
    faults = await faults_of(page, language)

    await buy(page, address, card_number=NEEDS_THE_BANK)
    faults += await faults_of(page, language)
    await page.click("main a.button")
    faults += await faults_of(page, language)
    async with page.expect_navigation():
        await page.click("button[value=approve]")
    faults += await faults_of(page, language)
    await page.click("a[href$='/receipt']")
    faults += await faults_of(page, language)
    await page.goto("/orders")
    faults += await faults_of(page, language)

    assert faults == []
