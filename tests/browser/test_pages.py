"""Every page of auth in each language: readable by machine and person, on a telephone, without a foreign host."""

import pytest
from playwright.async_api import Page

from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import log_in, prove_authenticator, registered, send

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
LANGUAGES = ("en", "ja", "de")
FOR_GUESTS = ("/register", "/verify", "/verify?t=abc", "/login", "/password/forgot", "/password/reset?t=abc",
              "/email/confirm?t=abc", "/privacy", "/erased?t=abc", "/account/nothing-here")  # fmt: skip
FOR_OWNERS = ("/account", "/account/name", "/account/email", "/account/password", "/account/devices",
              "/account/factors", "/account/activity", "/account/data", "/account/preferences",
              "/confirm?next=/account/data")  # fmt: skip


async def _refused(page: Page, path: str, fields: dict[str, str]) -> None:
    """Send a form that cannot be taken, past what the browser itself would catch."""
    await page.goto(path)
    await page.evaluate("() => document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
    for name, text in fields.items():
        await page.fill(f"form[action='{path}'] [name={name}]", text)
    await send(page, path)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_for_guests_can_be_read_by_everybody(open_window: OpenWindow, language: str) -> None:
    window = await open_window(language=language, narrow=True)
    faults = []

    for path in FOR_GUESTS:
        await window.page.goto(path)
        faults += await faults_of(window.page, language)
    for path, fields in (
        ("/register", {"name": "<b>", "email": "ann", "password": "short"}),
        ("/login", {"email": "nobody@example.org", "password": "not the right one"}),
        ("/verify", {"email": "nobody@example.org", "code": "AAAA-AAAA"}),
        ("/password/forgot", {"email": "ann"}),
    ):
        await _refused(window.page, path, fields)
        faults += await faults_of(window.page, language)

    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_for_owners_can_be_read_by_everybody(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    await registered(shop, address, language=language)
    window = await open_window(language=language, narrow=True)
    page = window.page
    await log_in(page, address)
    faults = []

    for path in FOR_OWNERS:
        await page.goto(path)
        faults += await faults_of(page, language)
    await _refused(page, "/account/password", {"current_password": "not the right one", "new_password": "short"})
    faults += await faults_of(page, language)
    await page.goto("/account/factors")
    await send(page, "/account/factors/authenticator")
    faults += await faults_of(page, language)
    await prove_authenticator(page)
    faults += await faults_of(page, language)
    await page.goto("/account")
    await send(page, "/logout")
    await log_in(page, address)
    faults += await faults_of(page, language)

    assert faults == []


async def test_what_is_wrong_has_the_focus_and_leads_to_its_field(open_window: OpenWindow) -> None:
    page = (await open_window()).page

    await _refused(page, "/register", {"name": "Ann", "email": "ann", "password": "short"})

    await page.locator("[role=alert]:focus").wait_for()
    assert (await page.title()).startswith("Error:")
    await page.click("main [role=alert] a[href='#f-email']")
    assert await page.evaluate("() => document.activeElement.id") == "f-email"
    described = await page.get_attribute("#f-email", "aria-describedby")
    assert "e-mail address" in await page.inner_text(f"#{described}")


async def test_a_password_is_judged_while_it_is_typed_and_nothing_is_sent(open_window: OpenWindow) -> None:
    window = await open_window()
    await window.page.goto("/register")
    asked = len(window.asked)
    told = window.page.locator("[data-strength-of=f-password]")

    await window.page.type("#f-password", "a few words")
    await window.page.wait_for_function("() => document.querySelector('[data-strength-of]').textContent !== ''")
    short = await told.inner_text()
    await window.page.fill("#f-password", "aaaaaaaaaaaaaaaaaaaa")
    await window.page.wait_for_function(
        "(was) => document.querySelector('[data-strength-of]').textContent !== was", arg=short
    )

    assert "4 more characters" in short
    assert "repeats" in await told.inner_text()
    assert len(window.asked) == asked


async def test_the_account_page_follows_the_chosen_language(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await log_in(page, address, next="/account/preferences")

    await page.select_option("#f-language", "ja")
    await send(page, "/account/preferences")

    assert await page.get_attribute("html", "lang") == "ja"
    assert await faults_of(page, "ja") == []


async def test_a_guest_changes_the_language_by_keyboard_and_stays(open_window: OpenWindow) -> None:
    page = (await open_window()).page
    await page.goto("/verify?t=abc")

    await page.focus("footer button[lang=de]")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")

    assert page.url.endswith("/verify?t=abc")
    assert await faults_of(page, "de") == []
