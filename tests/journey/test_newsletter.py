"""A subscription from the form to the one-click unsubscribe."""

from datetime import UTC, datetime

import pytest

from deploy.commands import run_command
from deploy.demo.newsletters import is_newsletter, places
from deploy.outside.browser import Browser
from deploy.outside.mails import Mail
from deploy.outside.shop import Shop
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together


async def subscribe(shop: Shop, browser: Browser, address: str) -> None:
    body = {"email": address, "name": "Reader", "language": "en", "topics": ["competitions"]}
    await browser.call("POST", "/api/mailer/subscriptions", body, expect=202)
    mail = await shop.mailbox.wait(address)
    await browser.call("GET", mail.link.removeprefix(shop.gateway), expect=200)
    await browser.call("POST", "/api/mailer/subscriptions/confirm", {"token": mail.token}, expect=200)


async def plan(marketing: Browser, subject: str) -> str:
    """An issue that is due now; its id."""
    body = {
        "topic": "competitions",
        "content": {"en": {"subject": subject, "markdown": "Dear {{ name }}, win a watch."}},
        "send_at": datetime.now(UTC).isoformat(),
    }
    return str((await marketing.call("POST", "/api/mailer/campaigns", body, expect=201)).json["id"])


async def send_issue(marketing: Browser, subject: str) -> str:
    issue = await plan(marketing, subject)
    await run_command("mailer", "send")
    return issue


async def test_newsletters_stop_at_the_cap_and_at_the_unsubscribe(
    shop: Shop, browser: Browser, address: Address
) -> None:
    keen, tired = address("keen"), address("tired")
    allowed = places(datetime.now(UTC))
    await subscribe(shop, browser, keen)
    await subscribe(shop, browser, tired)

    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        await send_issue(marketing, "first")
        await unsubscribe(shop, browser, newsletters(shop, tired)[0])
        for number in range(allowed + 1):
            await send_issue(marketing, f"later {number}")

    assert len(newsletters(shop, keen)) == allowed
    assert len(newsletters(shop, tired)) == 1


async def test_who_never_confirmed_gets_nothing_but_the_question(
    shop: Shop, browser: Browser, address: Address
) -> None:
    body = {"email": address("shy"), "name": "Shy", "language": "en", "topics": ["competitions"]}
    await browser.call("POST", "/api/mailer/subscriptions", body, expect=202)
    await shop.mailbox.wait(address("shy"))

    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        await send_issue(marketing, "for the confirmed")

    assert len(shop.mailbox.to(address("shy"))) == 1


def newsletters(shop: Shop, address: str) -> list[Mail]:
    return [mail for mail in shop.mailbox.to(address) if is_newsletter(mail)]


async def unsubscribe(shop: Shop, browser: Browser, mail: Mail) -> None:
    link = mail.headers["list-unsubscribe"].strip("<>").removeprefix(shop.gateway)
    assert mail.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail.text.count(shop.gateway + link) == 1
    for _ in range(3):
        looked = await browser.call("GET", link, headers={"Origin": "https://mail.example"})
        assert looked.status == 200
    await browser.call("POST", link, headers={"Origin": "https://mail.example"}, expect=200)
