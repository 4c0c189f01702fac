"""Warranty's pages in Chromium: a watch is claimed with a photo from a telephone, and the desk settles it."""

import io
import secrets

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import heading, log_in, registered
from tests.browser.shopping import buy, work_as

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
LANGUAGES = ("en", "ja", "de")


def a_photo(name: str, *, size: tuple[int, int] = (320, 240)) -> FilePayload:
    """Of one colour, another each time."""
    out = io.BytesIO()
    r, g, b = secrets.token_bytes(3)
    Image.new("RGB", size, (r, g, b)).save(out, "JPEG")
    return FilePayload(name=name, mimeType="image/jpeg", buffer=out.getvalue())


async def _follow(page: Page, selector: str) -> None:
    async with page.expect_navigation():
        await page.click(selector)


async def _open_form(page: Page, address: str) -> None:
    """Buy as somebody logged in, and go to the claim form once warranty knows the watch."""
    await log_in(page, address)
    await buy(page, address)
    for _ in range(100):
        await page.goto("/warranty")
        if await page.locator("a[href*='/warranty/claims/new']").count():
            break
        await page.wait_for_timeout(100)  # the record is on its way by event
    await _follow(page, "a[href*='/warranty/claims/new']")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_watch_is_claimed_in_three_steps_with_photos_on_a_narrow_screen_without_script(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    await registered(shop, address, language=language)
    page = (await open_window(language=language, narrow=True, scripts=False)).page
    await _open_form(page, address)
    form_title = await heading(page)

    await page.check("input[name=problem][value=other]")
    await page.check("input[name=wanted][value=repair]")
    await page.fill("#f-words", "It <b>stopped</b>.")
    await page.set_input_files("#f-photo", [a_photo("a.jpg"), a_photo("b.jpg")])
    await _follow(page, "form[action^='/warranty/claims/new'] button[type=submit]")
    made = await page.locator("figure img").count()
    await page.set_input_files("#f-photo", [a_photo("c.jpg")])
    await _follow(page, "form[action$='/photos'] button[type=submit]")
    more = await page.locator("figure img").count()
    await _follow(page, "form[action$='/removal'] button[type=submit] >> nth=0")
    await page.fill("#f-text", "And at one.")
    await _follow(page, "form[action$='/messages'] button[type=submit]")

    assert form_title
    assert (made, more, await page.locator("figure img").count()) == (2, 3, 2)
    assert "And at one." in await page.inner_text("main")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_of_a_claimant_is_sound(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    await registered(shop, address, language=language)
    page = (await open_window(language=language, narrow=True)).page
    await page.goto("/warranty")
    faults = await faults_of(page, language)
    await _open_form(page, address)
    faults += await faults_of(page, language)

    await page.check("input[name=problem][value=other]")
    await page.check("input[name=wanted][value=refund]")
    no_photo = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=b"<svg/>")
    await page.set_input_files("#f-photo", [no_photo])
    await _follow(page, "form[action^='/warranty/claims/new'] button[type=submit]")
    refused = await page.locator("#f-photo-error").count()
    kept = await page.is_checked("input[name=wanted][value=refund]")
    faults += await faults_of(page, language)
    await page.set_input_files("#f-photo", [a_photo("a.jpg")])
    await _follow(page, "form[action^='/warranty/claims/new'] button[type=submit]")
    faults += await faults_of(page, language)
    drawn = await page.evaluate("document.querySelector('figure img').naturalWidth")
    await page.goto("/warranty")
    faults += await faults_of(page, language)

    assert (refused, kept, drawn) == (1, True, 320)
    assert faults == []


async def test_the_desk_sees_the_photo_and_decides(shop: Shop, open_window: OpenWindow, address: str) -> None:
    await registered(shop, address)
    buyers, desk = (await open_window()).page, await open_window()
    await _open_form(buyers, address)
    await buyers.check("input[name=problem][value=other]")
    await buyers.check("input[name=wanted][value=repair]")
    await buyers.set_input_files("#f-photo", [a_photo("a.jpg")])
    await _follow(buyers, "form[action^='/warranty/claims/new'] button[type=submit]")
    claim_id = buyers.url.rpartition("/")[2].partition("?")[0]
    await work_as(desk, shop, "support")
    page = desk.page

    await page.goto("/desk/warranty")
    faults = await faults_of(page, "en")
    await page.goto(f"/desk/warranty/claims/{claim_id}")
    faults += await faults_of(page, "en")
    seen = await page.evaluate("document.querySelector('figure img').naturalWidth")
    await page.fill("#f-note", "We repair it.")
    await _follow(page, "form[action$='/decision'] button[type=submit]")
    faults += await faults_of(page, "en")
    await page.goto("/desk/warranty/units?serial=TF-0")
    faults += await faults_of(page, "en")
    await buyers.reload()

    assert seen == 320
    assert "We repair it." in await buyers.inner_text("main")
    assert "Ann Example" not in await page.inner_text("main")
    assert faults == []
