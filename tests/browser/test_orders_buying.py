"""Buying a watch, as people do it."""

import re

import pytest

from deploy.outside.shop import CARD, Shop
from tests.browser.conftest import OpenWindow
from tests.browser.looks import faults_of
from tests.browser.people import heading, registered
from tests.browser.shopping import (
    DECLINED,
    NEEDS_THE_BANK,
    OTHER,
    PLENTY,
    SOLD_OUT,
    buy,
    check_out,
    fill,
    send_form,
    typed,
)

pytestmark = [pytest.mark.together, pytest.mark.asyncio(loop_scope="session")]
_FOUR_DIGITS = re.compile(r"ending (\d{4})")


async def test_a_guest_buys_without_script_from_the_catalogue_to_the_receipt(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    window = await open_window(scripts=False)
    page = window.page
    await page.goto("/")
    await page.fill("#f-q", "two rings")
    await send_form(page, "/", method="get")
    await page.click("text=Kisai Orbit")
    await page.fill("#f-quantity", "2")
    await send_form(page, "/cart", method="get")
    await page.click("text=Back to the shop")
    await page.click("text=Hikari Grid")
    await send_form(page, "/cart", method="get")
    assert await page.locator("input.count").evaluate_all("(all) => all.map((each) => each.value)") == ["2", "1"]
    await page.select_option("#f-country", "DE")
    await send_form(page, "/cart", method="get")
    total = await page.inner_text("tr.total td")
    await page.click("text=Go to checkout")
    assert not await page.is_checked("#f-newsletter")

    await check_out(page, typed(address, shipping_city="Berlin", shipping_postcode="10115"))

    order = await page.inner_text("main")
    assert "Paid. Thank you!" in order
    assert await page.inner_text("tr.total td") == total
    await page.click("text=Receipt to print")
    receipt = await page.inner_text("main")
    assert (await heading(page)).startswith("Receipt for order ")
    assert _FOUR_DIGITS.findall(receipt) == ["4242"]
    assert await page.locator("tr.total td").inner_text() == total
    assert {name.rpartition("-")[2] for name in [each["name"] for each in await page.context.cookies()]} <= {"prefs"}
    mail = await shop.mailbox.wait(address)
    assert re.search(r"/orders/[^/?]+", page.url)[0] in mail.text  # type: ignore[index]  # it is an order's page


async def test_an_account_has_its_address_filled_in_and_finds_its_order(
    shop: Shop, open_window: OpenWindow, address: str
) -> None:
    await registered(shop, address)
    page = (await open_window()).page
    await page.goto(f"/checkout?{PLENTY}=1&country=JP")
    await page.click("text=Log in to have your details filled in")
    await page.fill("#f-email", address)
    await page.fill("#f-password", "a watch that tells no time")
    await send_form(page, "/login", method="post")
    assert f"{PLENTY}=1" in page.url
    await page.check("#f-keep")
    await check_out(page, typed(address))

    await page.goto(f"/checkout?{PLENTY}=1")
    assert await page.input_value("#f-shipping-line1") == "1-2-3 Jingumae"
    assert "only to speed up your shopping" in await page.inner_text("main")
    await check_out(page, {"contact-email": address} | {f"card-{name}": text for name, text in CARD.items()})

    number = (await heading(page)).removeprefix("Order ")
    await page.goto("/account")
    await page.click("a[href='/orders']")
    assert number in await page.inner_text("main")
    await page.click(f"text={number}")
    assert await heading(page) == f"Order {number}"


@pytest.mark.parametrize("language", ["en", "ja", "de"])
async def test_each_fault_is_told_above_and_beside_its_field(
    open_window: OpenWindow, address: str, language: str
) -> None:
    page = (await open_window(language=language, narrow=True)).page
    await page.goto(f"/checkout?{PLENTY}=1&country=JP")
    await page.evaluate("() => document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
    wrong = {"contact_email": "ann", "shipping_city": "", "card_number": "4242 4242 4242 4241", "card_cvc": "1"}

    await check_out(page, typed(address, **wrong))

    await page.locator("[role=alert]:focus").wait_for()
    ids = await page.locator("[role=alert] a").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    assert sorted(ids) == sorted(f"#f-{name.replace('_', '-')}" for name in wrong)
    for target in ids:
        assert await page.get_attribute(target, "aria-invalid") == "true"
        assert f"{target[1:]}-error" in (await page.get_attribute(target, "aria-describedby") or "")
    await page.click(f"[role=alert] a[href='{ids[0]}']")
    assert await page.evaluate("() => '#' + document.activeElement.id") == ids[0]
    assert await page.input_value("#f-shipping-line1") == "1-2-3 Jingumae"
    assert [await page.input_value(f"#f-card-{name}") for name in ("number", "cvc")] == ["", ""]
    assert await faults_of(page, language) == []

    await check_out(page, typed(address))

    assert "4242" in await page.inner_text("main")


async def test_a_declined_card_is_told_and_another_one_pays(open_window: OpenWindow, address: str) -> None:
    page = (await open_window()).page

    await buy(page, address, card_number=DECLINED)

    assert "declined" in await page.inner_text("#f-card-number-error")
    await fill(page, {"card-number": CARD["number"], "card-cvc": "123"})
    await send_form(page, "/checkout", method="post")
    assert "Paid. Thank you!" in await page.inner_text("main")


async def test_what_is_sold_out_cannot_be_bought(open_window: OpenWindow) -> None:
    page = (await open_window()).page

    await page.goto(f"/products/{SOLD_OUT}")
    assert await page.locator("main form").count() == 0
    await page.goto(f"/cart?{SOLD_OUT}=1&{OTHER}=1")
    assert "Sold out" in await page.inner_text("main .error")
    assert await page.locator("a[href^='/checkout']").count() == 0
    await page.click("text=Remove >> nth=0")

    assert await page.locator("a[href^='/checkout']").count() == 1


@pytest.mark.parametrize(("answer", "told"), [("approve", "Paid. Thank you!"), ("refuse", "nothing was charged")])
async def test_a_bank_that_asks_sends_the_buyer_back_to_the_order(
    open_window: OpenWindow, address: str, answer: str, told: str
) -> None:
    page = (await open_window(scripts=False)).page

    await buy(page, address, card_number=NEEDS_THE_BANK)
    assert "Your bank wants to hear from you" in await page.inner_text("main")
    await page.click("text=Go on at your bank")
    async with page.expect_navigation():
        await page.click(f"button[value={answer}]")

    assert re.search(r"/orders/[^/?]+\?t=", page.url)
    assert told in await page.inner_text("main")
