"""What a buyer does after buying."""

import re
from collections.abc import Awaitable, Callable

import pytest

from deploy.outside.mails import Mail
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import heading, log_in, registered
from tests.browser.shopping import buy, number_of, send_form

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_an_order_is_cancelled_before_it_is_shipped(open_window: OpenWindow, address: str, language: str) -> None:
    page = (await open_window(language=language, narrow=True)).page
    await buy(page, address)

    await page.click("details:has(form[action*='/cancel']) > summary")
    async with page.expect_navigation():
        await page.click("form[action*='/cancel'] button")

    assert await page.locator("[role=status]").count() == 1
    assert await page.locator("#refunds").count() == 1
    assert await page.locator("form[action*='/cancel']").count() == 0
    assert await faults_of(page, language) == []


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_a_consumer_in_the_eu_withdraws_in_two_labelled_steps(
    shop: Shop, open_window: OpenWindow, address: str, language: str
) -> None:
    page = (await open_window(language=language, narrow=True)).page
    withdraw = {"en": "Withdraw from the contract here", "ja": "ここで契約を撤回する", "de": "Vertrag hier widerrufen"}
    confirm = {"en": "Confirm withdrawal", "ja": "撤回を確定する", "de": "Widerruf bestätigen"}
    await buy(page, address, country="DE", shipping_city="Berlin", shipping_postcode="10115", shipping_region="")
    number = await number_of(page)

    async with page.expect_navigation():
        await page.click(f"button:text-is('{withdraw[language]}')")
    faults = await faults_of(page, language)
    assert number in await page.inner_text("main")
    async with page.expect_navigation():
        await page.click(f"button:text-is('{confirm[language]}')")
    faults += await faults_of(page, language)

    assert faults == []
    assert await page.locator("section:has(#withdraw) time").count() == 1
    assert await page.locator(f"button:text-is('{withdraw[language]}')").count() == 0
    told = {"en": "withdrawal", "ja": "撤回", "de": "Widerruf"}[language]
    mails = await eventually(_mails(shop, address), lambda found: any(told in mail.subject for mail in found))
    assert any(number in mail.text for mail in mails if told in mail.subject)


def _mails(shop: Shop, address: str) -> Callable[[], Awaitable[list[Mail]]]:
    async def look() -> list[Mail]:
        return shop.mailbox.to(address)

    return look


async def test_a_guest_finds_an_order_by_mail_and_takes_it_into_an_account(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await buy(page, address)
    number = await number_of(page)
    await page.goto("/orders/find")
    await page.fill("#f-email", address)
    await send_form(page, "/orders/find", method="post")
    assert "links are on their way" in await page.inner_text("[role=status]")
    mails = await eventually(_mails(shop, address), lambda found: any("claim=" in mail.text for mail in found))
    [mail] = [mail for mail in mails if "claim=" in mail.text]

    await page.goto(re.search(r"https://\S+claim=[0-9a-f]+", mail.text)[0])  # type: ignore[index]  # asserted above
    await page.click("main a.button[href^='/login']")
    await page.fill("#f-email", address)
    await page.fill("#f-password", "a watch that tells no time")
    await send_form(page, "/login", method="post")
    async with page.expect_navigation():
        await page.click("form[action$='/claim'] button")

    assert "in your account now" in await page.inner_text("[role=status]")
    await page.goto("/orders")
    assert number in await page.inner_text("main")


async def test_a_stranger_sees_no_order(shop: Shop, open_window: OpenWindow, address: str) -> None:
    buyers, strangers = (await open_window()).page, (await open_window()).page
    await buy(buyers, address)
    await registered(shop, f"other-{address}")
    await log_in(strangers, f"other-{address}")

    await strangers.goto(buyers.url.partition("?")[0])

    assert await heading(strangers) == "There is nothing here"
