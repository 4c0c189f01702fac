"""The desk in Chromium: an order goes its way, and support sees neither persons nor cards."""

import re

import pytest
from playwright.async_api import Page

from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.shopping import a_foreign_card, buy, number_of, send_form, work_as

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
LANGUAGES = ("en", "ja", "de")
_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def _step(page: Page, name: str) -> None:
    """Press the button of a step; what is folded in is opened first."""
    folded = page.locator(f"details:not([open]):has(form[action$='/{name}']) > summary")
    if await folded.count():
        await folded.click()
    async with page.expect_navigation():
        await page.locator(f"form[action$='/{name}'] button[type=submit]").click()


async def test_support_ships_and_refunds_and_the_buyer_sees_it(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    buyers, desk = (await open_window()).page, await open_window(scripts=False)
    page = desk.page
    await buy(buyers, address)
    number = await number_of(buyers)
    await work_as(desk, shop, "support")
    await page.goto("/desk/orders")
    await page.fill("#f-number", number.lower())
    await send_form(page, "/desk/orders", method="get")
    await page.click(f"text={number}")

    await _step(page, "preparation")
    await page.fill("#f-carrier", "Yamato")
    await page.fill("#f-tracking", "1234-5678-9012")
    await _step(page, "shipment")
    assert "The order is shipped" in await page.inner_text("[role=status]")
    await page.click("summary:has-text('Refund money')")
    await page.fill("#f-amount", "1000000")
    await _step(page, "refunds")
    assert "more than can be refunded" in await page.inner_text("#f-amount-error")
    await page.fill("#f-amount", "600")
    await page.select_option("#f-why", "goodwill")
    await _step(page, "refunds")
    seen = await page.inner_text("main")
    await page.fill("#f-reason", "The carrier asks for the address.")
    await _step(page, "contact")
    told = await page.inner_text("main")

    await buyers.reload()
    bought = await buyers.inner_text("main")
    assert "4242" not in _IDS.sub("", seen)
    assert "Ann Example" not in seen
    assert "Ann Example" in told
    assert "On its way to you." in bought
    assert "1234-5678-9012" in bought
    assert "paid back to your card" in bought
    assert await buyers.locator("form[action*='/cancel']").count() == 0


async def test_a_form_of_yesterday_does_nothing(shop: Shop, open_window: OpenWindow, address: str) -> None:
    buyers, desk = (await open_window()).page, await open_window()
    await buy(buyers, address)
    await work_as(desk, shop, "support")
    await desk.page.goto(f"/desk/orders?number={await number_of(buyers)}")
    await desk.page.click("tbody a")

    await buyers.click("summary")
    async with buyers.expect_navigation():
        await buyers.click("form[action*='/cancel'] button")
    await _step(desk.page, "preparation")

    assert "Somebody else has changed the order" in await desk.page.inner_text("[role=alert]")
    assert "Cancelled" in await desk.page.inner_text(".timeline")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_desk_can_be_read_by_everybody(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    buyers = (await open_window(language=language, narrow=True)).page
    await buy(buyers, address)
    desk = await open_window(language=language, narrow=True)
    page = desk.page
    await work_as(desk, shop, "support")
    faults = []

    await page.goto(f"/desk/orders?number={await number_of(buyers)}")
    faults += await faults_of(page, language)
    await page.click("tbody a")
    faults += await faults_of(page, language)
    await page.evaluate("() => document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
    await _step(page, "shipment")
    faults += await faults_of(page, language)
    await page.fill("#f-carrier", "Yamato")
    await page.fill("#f-tracking", "1234-5678")
    await _step(page, "shipment")
    faults += await faults_of(page, language)
    await buyers.reload()
    faults += await faults_of(buyers, language)

    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_role_fraud_looks_and_decides(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    card = a_foreign_card()
    buyers = (await open_window(language=language, narrow=True)).page
    await buy(buyers, address, quantity=3, card_number=card)
    waiting = await faults_of(buyers, language)
    number = await number_of(buyers)
    desk = await open_window(language=language, narrow=True)
    page = desk.page
    await work_as(desk, shop, "fraud")

    await page.goto("/desk/orders/reviews?limit=100")
    faults = await faults_of(page, language)
    await page.click(f"text={number}")
    faults += await faults_of(page, language)
    seen = await page.inner_text("main")
    await page.fill("#f-note", "The buyer was called back.")
    async with page.expect_navigation():
        await page.click("button[value=approve]")
    faults += await faults_of(page, language)

    assert waiting + faults == []
    assert not any(part in _IDS.sub("", seen) for part in ("Ann Example", "Jingumae", card[:6], card[-4:]))
    await buyers.reload()
    assert await buyers.locator("a[href*='/receipt']").count() == 1
