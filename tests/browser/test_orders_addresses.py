"""Saved addresses, as their owner keeps them: without a script, on a phone, and in three languages."""

import pytest

from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import heading, log_in, registered
from tests.browser.shopping import PLENTY, send_form

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
BERLIN = {"country": "DE", "line1": "Hauptstr. 1", "city": "Berlin", "postcode": "10115"}


@pytest.mark.parametrize("language", ["en", "de", "ja"])
async def test_addresses_are_added_changed_preferred_and_deleted_without_script(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    await registered(shop, address)
    page = (await open_window(language=language, narrow=True, scripts=False)).page
    await log_in(page, address)
    await page.goto("/account")
    await page.click("a[href='/orders/addresses']")
    await page.click("a[href='/orders/addresses/new']")
    await page.fill("#f-name", "Ann Example")
    for name, text in BERLIN.items():
        field = page.locator(f"#f-shipping-{name}")
        await (field.select_option(text) if name == "country" else field.fill(text))
    await page.fill("#f-shipping-postcode", "1")
    await send_form(page, "/orders/addresses/new", method="post")
    assert await page.get_attribute("#f-shipping-postcode", "aria-invalid") == "true"
    await page.fill("#f-shipping-postcode", "10115")
    await send_form(page, "/orders/addresses/new", method="post")
    assert await page.locator("p[role=status]").count() == 1

    await page.click("a[href='/orders/addresses/new']")
    await page.select_option("#f-shipping-country", "JP")
    for name, text in {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001"}.items():
        await page.fill(f"#f-shipping-{name}", text)
    await send_form(page, "/orders/addresses/new", method="post")
    await page.click(".addresses form[action$='/default'] button")
    shown = await page.locator(".addresses p[id]").all_inner_texts()
    assert [text.splitlines()[0] for text in shown] == ["1-2-3 Jingumae", "Hauptstr. 1"]

    await page.goto(f"/checkout?{PLENTY}=1")
    assert await page.input_value("#f-shipping-line1") == "1-2-3 Jingumae"
    await page.goto("/orders/addresses")
    await page.locator(".addresses form[action$='/removal'] button").last.click()
    shown = await page.locator(".addresses p[id]").all_inner_texts()
    assert [text.splitlines()[0] for text in shown] == ["1-2-3 Jingumae"]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
async def test_their_pages_are_sound(shop: Shop, open_window: OpenWindow, address: str, language: str) -> None:
    await registered(shop, address)
    page = (await open_window(language=language, narrow=True)).page
    await log_in(page, address)
    faults = []
    await page.goto("/orders/addresses/new")
    faults += await faults_of(page, language)
    await page.fill("#f-name", "Ann Example")
    for name, text in BERLIN.items():
        field = page.locator(f"#f-shipping-{name}")
        await (field.select_option(text) if name == "country" else field.fill(text))
    await send_form(page, "/orders/addresses/new", method="post")
    faults += await faults_of(page, language)
    await page.click(".addresses a")
    assert await heading(page) != ""
    faults += await faults_of(page, language)

    assert faults == []
