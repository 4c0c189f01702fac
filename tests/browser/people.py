"""What people do with the pages, in so many words."""

import re

import pyotp
from playwright.async_api import Page

from deploy.outside.shop import Shop
from tests.browser.conftest import PASSWORD

_CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")


async def registered(shop: Shop, email: str, name: str = "Ann Example", *, language: str = "en") -> None:
    """An account, made through the API by somebody with this language."""
    account = {"email": email, "name": name, "password": PASSWORD}
    async with shop.browser() as browser:
        headers = {"Accept-Language": language}
        await browser.call("POST", "/api/auth/accounts", account, expect=202, headers=headers)
        mail = await shop.mailbox.wait(email)
        await browser.call("POST", "/api/auth/accounts/verify", {"token": mail.token}, expect=200)


async def mailed_code(shop: Shop, email: str) -> str:
    """The code in the newest mail to an address."""
    found = _CODE.search((await shop.mailbox.wait(email)).text)
    assert found, "no code in the mail"
    return found[0]


async def log_in(page: Page, email: str, password: str = PASSWORD, *, next: str = "") -> None:
    """Fill in the login form and send it."""
    await page.goto(f"/login?next={next}" if next else "/login")
    await page.fill("#f-email", email)
    await page.fill("#f-password", password)
    await send(page, "/login")


async def send(page: Page, action: str) -> None:
    """Press the button of the form that goes to `action`, and wait for the page that answers."""
    async with page.expect_navigation():
        await page.locator(f"form[action='{action}'] button[type=submit]").first.click()


async def heading(page: Page) -> str:
    """The page's first heading."""
    return await page.locator("h1").inner_text()


async def add_authenticator(page: Page) -> list[str]:
    """Set up an authenticator app; the recovery codes that were shown."""
    await page.goto("/account/factors")
    await send(page, "/account/factors/authenticator")
    await prove_authenticator(page)
    return await page.locator(".codes li").all_inner_texts()


async def prove_authenticator(page: Page) -> None:
    """Type what the app shows that was set up by the page."""
    app = pyotp.TOTP(await page.locator("main code").first.inner_text())
    await page.fill("#f-otp", app.now())
    await send(page, "/account/factors/authenticator/prove")
