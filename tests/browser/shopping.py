"""What people do in the shop, in so many words."""

import secrets
from collections.abc import Mapping

from playwright.async_api import Page
from stdnum import luhn

from deploy.outside.chromium import Window
from deploy.outside.shop import ADDRESS, CARD, Shop

PLENTY, SOLD_OUT = "TF-KISAI-01", "TF-SHINRIN-06"
OTHER = "TF-HIKARI-04"
DECLINED, NEEDS_THE_BANK = "4000 0000 0000 0002", "4000 0000 0000 3220"


def typed(email: str, **changes: str) -> dict[str, str]:
    """What somebody types into the checkout, by the fields' ids."""
    fields = {
        "contact-name": "Ann Example",
        "contact-email": email,
        **{f"shipping-{name}": text for name, text in ADDRESS.items() if name != "country"},
        **{f"card-{name}": text for name, text in CARD.items()},
    }
    return fields | {name.replace("_", "-"): text for name, text in changes.items()}


async def fill(page: Page, fields: Mapping[str, str]) -> None:
    """Type into fields by their ids."""
    for name, text in fields.items():
        await page.fill(f"#f-{name}", text)


async def check_out(page: Page, fields: Mapping[str, str]) -> None:
    """Fill in the checkout that is open, and press the button."""
    await fill(page, fields)
    await send_form(page, "/checkout", method="post")


async def work_as(window: Window, shop: Shop, role: str) -> None:
    """Be staff of a role in this window."""
    async with shop.browser() as browser:
        await shop.log_in_staff(browser, role)
        cookies = [{"name": each.key, "value": each.value, "url": shop.gateway} for each in browser.cookies().values()]
    await window.context.add_cookies(cookies)  # type: ignore[arg-type]  # playwright's own dictionary


async def number_of(page: Page) -> str:
    """The number of the order whose page is open."""
    return (await page.locator("h1").inner_text()).split()[-1]


async def send_form(page: Page, action: str, *, method: str) -> None:
    """Press the button of the form that goes to `action` by `method`."""
    async with page.expect_navigation():
        await page.locator(f"form[action='{action}'][method={method}] button[type=submit]").first.click()


async def buy(
    page: Page, email: str, *, sku: str = PLENTY, quantity: int = 1, country: str = "JP", **changes: str
) -> None:
    """Buy straight away; the page is then the order's."""
    await page.goto(f"/checkout?{sku}={quantity}&country={country}")
    await check_out(page, typed(email, **changes))


def a_foreign_card() -> str:
    """A card from Nigeria that nobody has paid with before, so that its first larger order is looked at."""
    body = f"400056{secrets.randbelow(10**9):09}"
    return body + luhn.calc_check_digit(body)
