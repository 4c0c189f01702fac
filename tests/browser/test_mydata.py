"""Taking one's data along and having it erased, by the pages."""

import io
import zipfile

import pytest
from playwright.async_api import Page

from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import heading, log_in, registered, send

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]


async def _reload_until(page: Page, text: str) -> None:
    """Look again, as the page says, until it shows `text`."""

    async def look() -> str:
        await page.reload()
        return await page.inner_text("main")

    await eventually(look, lambda shown: text in shown)


async def test_an_archive_is_gathered_and_downloaded(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    page = (await open_window(narrow=True)).page
    await log_in(page, address, next="/account/data")

    await send(page, "/account/data/export")
    assert "being gathered" in await page.inner_text("[role=status]")
    await _reload_until(page, "Ready")
    faults = await faults_of(page, "en")
    async with page.expect_download() as download:
        await page.click("a[href^='/account/data/exports/']")
    archive = (await (await download.value).path()).read_bytes()

    assert faults == []
    assert any(name.endswith(".json") for name in zipfile.ZipFile(io.BytesIO(archive)).namelist())


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_an_account_is_erased_and_a_receipt_is_left(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    complete = {"en": "Complete:", "ja": "完了しました。すべて", "de": "Vollständig:"}[language]
    await registered(shop, address, language=language)
    page = (await open_window(language=language, narrow=True)).page
    await log_in(page, address, next="/account/data")

    await page.fill("#f-confirmation", address)
    await send(page, "/account/data/erase")
    faults = await faults_of(page, language)
    await page.click("main a.button")
    await _reload_until(page, complete)
    faults += await faults_of(page, language)

    assert faults == []
    assert [cookie["name"] for cookie in await page.context.cookies() if not cookie["name"].endswith("-prefs")] == []
    await log_in(page, address)
    assert await page.locator("main [role=alert]").count() == 1


async def test_an_address_that_is_not_the_accounts_erases_nothing(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await log_in(page, address, next="/account/data")

    await page.fill("#f-confirmation", "somebody@example.org")
    await send(page, "/account/data/erase")

    assert "not the address of your account" in await page.inner_text("#f-confirmation-error")
    await page.goto("/account")
    assert await heading(page) == "Your account"
