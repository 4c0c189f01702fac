"""P5 to P8, P10 and P15 over every mail that this stack has ever sent: whoever else caused it, the rules hold."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from deploy.demo.newsletters import CAPS, OTHERWISE
from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from proof.mails import Arrived, arrived
from services.mailer.addresses import cap_identity
from tests.journey.test_newsletter import send_issue, subscribe
from tests.journey.test_purchase import a_sku, key
from tests.recording import Tried

ZONE = ZoneInfo("Asia/Tokyo")
_MAILS: list[Arrived] = []


@pytest.fixture
async def mails(shop: Shop, browser: Browser, address: Callable[[str], str]) -> list[Arrived]:
    """All of them, among them at least a receipt and a newsletter."""
    if not _MAILS:
        buyer, reader = address("mailed"), address("reading")
        placed = await browser.call(
            "POST",
            "/api/orders",
            order(await a_sku(browser), "JPY", name="Mai", email=buyer),
            headers=key(),
            expect=201,
        )
        await subscribe(shop, browser, reader)
        async with shop.browser() as marketing:
            await shop.log_in_staff(marketing, "marketing")
            await send_issue(marketing, "what all mails have")
        await shop.mailbox.wait(buyer, placed.json["number"])
        _MAILS[:] = arrived(shop.stack.resolve(shop.stack.read()["mail_dir"]))
        assert {"receipt", "confirm"} <= {mail.template for mail in _MAILS}
        assert any(mail.campaign and mail.delivered == (reader,) for mail in _MAILS)
    return _MAILS


async def test_each_mail_has_one_recipient_and_names_nobody_else(mails: list[Arrived], tried: Tried) -> None:
    tried(len(mails))

    several = [mail.file for mail in mails if len(mail.delivered) != 1 or mail.named != mail.delivered]
    assert several == []


async def test_no_address_has_more_newsletters_in_a_month_than_the_cap(mails: list[Arrived], tried: Tried) -> None:
    issues = [mail for mail in mails if mail.campaign]
    tried(len(issues))

    assert above_the_cap(issues) == []


async def test_no_address_has_an_issue_twice(mails: list[Arrived], tried: Tried) -> None:
    issues = Counter((mail.delivered, mail.campaign) for mail in mails if mail.campaign)
    tried(len(issues))

    assert [who for who, number in issues.items() if number > 1] == []


async def test_each_newsletter_has_its_link_at_the_foot_and_for_one_click(mails: list[Arrived], tried: Tried) -> None:
    for mail in (mail for mail in mails if mail.campaign):
        tried(1)
        link = mail.headers["list-unsubscribe"].strip("<>")
        assert mail.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert link in mail.text[-600:], mail.file
        assert link.replace("&", "&amp;") in mail.html[-2500:], mail.file
        token = link.partition("t=")[2]
        assert len(token) > 20
        assert mail.delivered[0].partition("@")[0] not in token
        signed = mail.headers["dkim-signature"]
        fields = re.sub(r"\s", "", signed.partition("h=")[2].partition(";")[0]).split(":")
        assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(fields), mail.file


async def test_other_mails_carry_no_advertising(mails: list[Arrived], tried: Tried) -> None:
    for mail in (mail for mail in mails if not mail.campaign):
        tried(1)
        assert "list-unsubscribe" not in mail.headers, mail.file
        assert "list-id" not in mail.headers, mail.file
        assert mail.headers["auto-submitted"] == "auto-generated", mail.file


async def test_no_mail_names_a_foreign_host_or_shows_an_image(shop: Shop, mails: list[Arrived], tried: Tried) -> None:
    own = urlsplit(shop.gateway).netloc
    tried(len(mails))

    assert {mail.file: mail.hosts - {own} for mail in mails if mail.hosts - {own}} == {}
    assert [mail.file for mail in mails if "<img" in mail.html or "url(" in mail.html] == []


async def test_each_receipt_comes_once_or_twice_as_the_same_message(mails: list[Arrived], tried: Tried) -> None:
    receipts: dict[tuple[str, str], list[str]] = {}
    for mail in (mail for mail in mails if mail.template == "receipt"):
        receipts.setdefault((mail.delivered[0], mail.headers["subject"]), []).append(mail.headers["message-id"])
    tried(len(receipts))

    assert [who for who, ids in receipts.items() if len(ids) > 2 or len(set(ids)) > 1] == []


def above_the_cap(issues: list[Arrived]) -> list[tuple[str, str]]:
    """Address and month of whoever has more than that month allows."""
    counted = Counter((cap_identity(mail.delivered[0]), f"{mail.sent_at.astimezone(ZONE):%Y-%m}") for mail in issues)
    return [key for key, number in counted.items() if number > CAPS.get(int(key[1][5:]), OTHERWISE)]


def test_one_too_many_is_seen_however_the_address_is_spelt_and_in_the_shops_month() -> None:
    def issue(to: str, at: datetime) -> Arrived:
        headers = {"date": f"{at:%a, %d %b %Y %H:%M:%S} +0000", "feedback-id": "c1:offers:newsletter:example.com"}
        return Arrived("a.eml", (to,), (to,), headers, "", "")

    autumn = datetime(2026, 9, 30, 16, tzinfo=UTC)  # in Tokyo it is October
    within = [issue("ann@gmail.com", autumn), issue("ann@gmail.com", autumn - timedelta(hours=2))]
    above = [issue("ann@gmail.com", autumn), issue("A.nn+x@googlemail.com", autumn + timedelta(days=9))]

    assert above_the_cap(within) == []
    assert [month for _, month in above_the_cap(above)] == ["2026-10"]
    assert within[0].campaign == "c1"
