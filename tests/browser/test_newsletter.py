"""Newsletters in Chromium: the pages of readers, from subscribing to leaving, and the marketing desk."""

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deploy.commands import run_command
from deploy.outside.mails import Mail
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.shopping import send_form, work_as

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
LANGUAGES = ("en", "ja", "de")
DESK = "/desk/newsletter"


def _in_days(days: int) -> str:
    return f"{datetime.now(ZoneInfo('Asia/Tokyo')) + timedelta(days=days):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_desk_writes_shows_forecasts_and_reports(shop: Shop, open_window: OpenWindow, language: str) -> None:
    window = await open_window(language=language, narrow=True, scripts=True)
    await work_as(window, shop, "marketing")
    page, faults = window.page, []
    subject = f"A strap {secrets.token_hex(4)}"

    await page.goto(DESK)
    faults += await faults_of(page, language)
    await page.goto(f"{DESK}/new")
    faults += await faults_of(page, language)
    await page.fill("#f-content-en-subject", subject)
    await page.fill("#f-content-en-markdown", "Dear {{ nickname }}, *look*.")
    await page.fill("#f-send_at", _in_days(300))
    await send_form(page, f"{DESK}/new", method="post")
    refused = await page.locator("#f-content-en-markdown-error").count()
    faults += await faults_of(page, language)
    await page.fill("#f-content-en-markdown", "Dear {{ name }}, *look*.")
    await send_form(page, f"{DESK}/new", method="post")
    campaign = page.url.partition("?")[0]
    faults += await faults_of(page, language)
    for part in ("edit", "preview?language=en", "forecast", "report"):
        await page.goto(f"{campaign}/{part}")
        faults += await faults_of(page, language)
        if part.startswith("preview"):
            shown = await page.inner_html("main")
    await page.goto(f"{DESK}/calendar")
    faults += await faults_of(page, language)
    await page.goto(campaign)
    await page.click("form[action$='/cancel'] button[type=submit]")
    await page.wait_for_url("**done=cancel")
    faults += await faults_of(page, language)

    assert refused == 1
    assert "<em>look</em>" in shown
    assert await page.locator("form[action$='/cancel']").count() == 0
    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_reader_subscribes_chooses_and_leaves(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    page, faults = (await open_window(language=language, narrow=True, scripts=False)).page, []
    sound = (await open_window(language=language, narrow=True)).page

    for path in (
        "/newsletter",
        "/newsletter/confirm?t=abc",
        "/newsletter/preferences?t=abc",
        "/newsletter/unsubscribe?t=abc",
    ):
        await sound.goto(path)
        faults += await faults_of(sound, language)
    await page.goto("/newsletter")
    await page.fill("#f-name", "Ann Example")
    await page.fill("#f-email", address)
    await page.check("input[value='offers']")
    await send_form(page, "/newsletter", method="post")
    question = await shop.mailbox.wait(address)
    await page.goto(_link(question, "/newsletter/confirm"))
    await send_form(page, "/newsletter/confirm", method="post")
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        content = {"en": {"subject": f"Issue {secrets.token_hex(4)}", "markdown": "Dear {{ name }}."}}
        send_at = (datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(minutes=1)).isoformat()
        body = {"topic": "offers", "content": content, "send_at": send_at}
        await marketing.call("POST", "/api/mailer/campaigns", body, expect=201)
    await run_command("mailer", "send")

    async def issue() -> list[Mail]:
        return [mail for mail in shop.mailbox.to(address) if mail.subject == content["en"]["subject"]]

    [mail, *_] = await eventually(issue, bool)
    leave = _link(mail, "/newsletter/unsubscribe")
    choose = leave.replace("/unsubscribe", "/preferences")
    for path in (choose, leave):
        await sound.goto(path)
        faults += await faults_of(sound, language)
    await page.goto(choose)
    await page.select_option("#f-pause", "90")
    await page.click("form[action^='/newsletter/preferences'] button[type=submit]")
    saved = await page.locator(".notice").count()
    await page.goto(leave)
    await page.click("form[action^='/newsletter/unsubscribe'] button[type=submit]")
    left = await page.inner_text("main")
    await page.goto(choose)

    assert saved == 1
    assert left
    assert await page.locator("#f-pause").count() == 0
    assert faults == []


def _link(mail: Mail, path: str) -> str:
    """The part of a link that a page of ours has, from a mail's text."""
    start = mail.text.index(path)
    return mail.text[start:].split()[0].rstrip(").>")
