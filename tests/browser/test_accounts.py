"""The ways in, as people go them."""

import pytest
from playwright.async_api import Page

from deploy.outside.shop import Shop
from tests.browser.conftest import PASSWORD, OpenWindow
from tests.browser.people import add_authenticator, heading, log_in, mailed_code, registered, send

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]


async def _fill_and_tab(page: Page, text: str) -> None:
    await page.keyboard.type(text)
    await page.keyboard.press("Tab")


async def test_from_registration_to_a_recovery_code(shop: Shop, open_window: OpenWindow, address: str) -> None:
    page = (await open_window()).page
    await page.goto("/register")
    for name, text in (("name", "Ann Example"), ("email", address), ("password", PASSWORD)):
        await page.fill(f"#f-{name}", text)
    await send(page, "/register")

    await page.fill("#f-code", await mailed_code(shop, address))
    await send(page, "/verify")
    assert await heading(page) == "Address confirmed"
    await log_in(page, address)
    assert await heading(page) == "Your account"
    codes = await add_authenticator(page)
    assert len(codes) == 10
    await page.goto("/account")
    await send(page, "/logout")

    await log_in(page, address)
    assert await heading(page) == "One more step"
    await page.fill("#f-recovery_code", codes[0])
    await send(page, "/login/step")

    assert await heading(page) == "Your account"
    await page.goto("/account/activity")
    assert "A recovery code was used" in await page.inner_text("main")


async def test_a_passkey_is_added_logs_in_and_confirms(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    window = await open_window()
    page = window.page
    await window.add_authenticator()
    await log_in(page, address, next="/account/factors")

    await page.fill("#f-name", "Telephone")
    await send(page, "/account/factors/passkeys")
    assert await heading(page) == "Your recovery codes"
    await page.goto("/account/factors")
    assert "Telephone" in await page.inner_text("main")
    await page.goto("/account")
    await send(page, "/logout")
    await page.goto("/login")
    await send(page, "/login/passkey")
    assert await heading(page) == "Your account"

    await page.goto("/confirm?next=/account/data")
    async with page.expect_navigation():
        await page.click("button[data-passkey-options]")
    assert await heading(page) == "Export or erase your data"


async def test_a_forgotten_password_is_chosen_anew(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await page.goto("/login")
    await page.click("a[href='/password/forgot']")
    await page.fill("#f-email", address)
    await send(page, "/password/forgot")

    mail = await shop.mailbox.wait(address, count=2)
    await page.goto(mail.link.removeprefix(shop.gateway))
    await page.fill("#f-password", "three quite other words")
    await send(page, "/password/reset")
    assert "new password is set" in await page.inner_text("[role=status]")

    await log_in(page, address)
    assert await page.locator("[role=alert]").count() == 1
    await log_in(page, address, "three quite other words")
    assert await heading(page) == "Your account"


async def test_logging_in_needs_no_mouse(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await page.goto("/login")

    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await _fill_and_tab(page, address)
    await _fill_and_tab(page, PASSWORD)
    await page.keyboard.press("Space")
    assert await page.is_checked("#f-remember")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")

    assert await heading(page) == "Your account"


async def test_another_browser_is_told_apart_and_logged_out(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    here, there = (await open_window()).page, (await open_window()).page
    await log_in(there, address)
    await log_in(here, address, next="/account/devices")
    rows = here.locator("#sessions + ul > li")
    texts = await rows.all_inner_texts()

    await send(here, "/account/devices/end")

    assert len(texts) == len(set(texts)) == 2
    assert await rows.count() == 1
    await there.goto("/account")
    assert await heading(there) == "Log in"


async def test_logging_out_by_the_back_button_shows_nothing_again(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await log_in(page, address)

    await send(page, "/logout")
    await page.go_back()

    assert address not in await page.inner_text("body")
