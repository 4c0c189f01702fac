"""Newsletters as marketing makes them and as readers steer them, through the gateway: pages, import, purchases."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploy.commands import run_command
from deploy.demo.newsletters import is_newsletter
from deploy.outside.browser import Answer, Browser
from deploy.outside.mails import Mail
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.test_newsletter import subscribe
from tests.journey.test_order_life import bought
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together

DESK = "/desk/newsletter"
CAMPAIGNS = "/api/mailer/campaigns"


def newsletters(shop: Shop, address: str) -> list[Mail]:
    return [mail for mail in shop.mailbox.to(address) if is_newsletter(mail)]


def subjects(shop: Shop, address: str) -> list[str]:
    return [mail.headers["subject"] for mail in newsletters(shop, address)]


def typed(subject: str, markdown: str = "Dear {{ name }}, *win* a watch.") -> dict[str, str]:
    local = datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(minutes=1)
    return {
        "topic": "competitions", "content.en.subject": subject, "content.en.markdown": markdown,
        "send_at": f"{local:%Y-%m-%dT%H:%M}",
    }  # fmt: skip


async def written(marketing: Browser, subject: str) -> str:
    """The path of a campaign that was written on the desk."""
    made = await marketing.submit(f"{DESK}/new", typed(subject))
    found = re.search(rf'action="({DESK}/[^/"]+)/test"', made.text)
    assert found, made.text
    return found[1]


async def page(browser: Browser, path: str) -> str:
    return (await browser.call("GET", path, expect=200, headers={"Accept": "text/html"})).text


async def test_a_newsletter_is_written_paused_and_sent_from_the_desk(
    shop: Shop, browser: Browser, address: Address
) -> None:
    reader = address("reader")
    await subscribe(shop, browser, reader)

    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        home = await page(marketing, "/desk")
        path = await written(marketing, "Written on the desk")
        preview = await page(marketing, f"{path}/preview?language=en")
        forecast = await page(marketing, f"{path}/forecast")
        await marketing.submit(f"{path}/pause", {})
        await run_command("mailer", "send")
        at_rest = subjects(shop, reader)
        await marketing.submit(f"{path}/resume", {})
        await run_command("mailer", "send")
        report = await page(marketing, f"{path}/report")
        late = await marketing.submit(f"{path}/edit", typed("Other"))
        month = await page(marketing, f"{DESK}/calendar")

    assert f'href="{DESK}"' in home
    assert "<em>win</em>" in preview
    assert "would get it now" in forecast
    assert "Written on the desk" not in at_rest
    assert subjects(shop, reader).count("Written on the desk") == 1
    assert "<svg" in report
    assert late.status == 409
    assert path in month
    assert not any(reader in text for text in (preview, forecast, report, month))


async def test_who_pauses_gets_nothing_and_who_goes_on_does(shop: Shop, browser: Browser, address: Address) -> None:
    resting, awake = address("resting"), address("awake")
    await subscribe(shop, browser, resting)
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        await written(marketing, "Before the pause")
        await run_command("mailer", "send")
        link = newsletters(shop, resting)[0].headers["list-unsubscribe"].strip("<>").removeprefix(shop.gateway)
        preferences = link.replace("/unsubscribe?", "/preferences?")
        wishes = {"topics.0": "competitions", "language": "en", "pause": "30"}
        saved = await browser.submit(preferences, wishes)
        await subscribe(shop, browser, awake)  # only now: a month may hold one
        await written(marketing, "During the pause")
        await run_command("mailer", "send")

    assert saved.status == 200
    assert "During the pause" not in subjects(shop, resting)
    assert "During the pause" in subjects(shop, awake)


async def test_an_import_never_revives_who_has_left(
    shop: Shop, browser: Browser, address: Address, tmp_path: Path
) -> None:
    left, new = address("left"), address("new")
    await subscribe(shop, browser, left)
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        await written(marketing, "Before leaving")
        await run_command("mailer", "send")
        link = newsletters(shop, left)[0].headers["list-unsubscribe"].strip("<>").removeprefix(shop.gateway)
        await browser.submit(link, {"List-Unsubscribe": "One-Click"})
        file = tmp_path / "list.csv"
        proof = "2025-05-01T10:00:00Z,old shop,2024-03"
        rows = [f"{left.upper()},Left,en,competitions,{proof}", f"{new},New,en,competitions,,,"]
        file.write_text("\n".join(["email,name,language,topics,consented_at,source,wording", *rows]))
        report = await run_command("mailer", "import", str(file))
        asked = await shop.mailbox.wait(new)
        await written(marketing, "After the import")
        await run_command("mailer", "send")

    assert report.splitlines()[1:3] == ["2,suppressed,", "3,asked,"]
    assert "@" not in report
    assert "/newsletter/confirm?t=" in asked.text
    assert "After the import" not in subjects(shop, left)
    assert newsletters(shop, new) == []


async def test_a_purchase_is_followed_for_the_subscriber_alone(shop: Shop, browser: Browser, address: Address) -> None:
    keen, other = address("keen"), address("other")
    await subscribe(shop, browser, keen)
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        body = {
            "topic": "competitions",
            "content": {"en": {"subject": "Care for it", "markdown": "Dear {{ name }}"}},
            "send_at": datetime.now(UTC).isoformat(),
            "follow_up": {"after_days": 0},
        }
        made = await marketing.call("POST", CAMPAIGNS, body, expect=201)
        for email in (keen, other):
            await bought(browser, email)
            await shop.mailbox.wait(email, "")

        async def sent() -> list[Mail]:
            await run_command("mailer", "send")
            return [mail for mail in newsletters(shop, keen) if mail.headers["subject"] == "Care for it"]

        await eventually(sent, bool)
        await run_command("mailer", "send")
        await marketing.call("POST", f"{CAMPAIGNS}/{made.json['id']}/cancel", expect=200)

    assert subjects(shop, keen).count("Care for it") == 1
    assert newsletters(shop, other) == []


def tag_in(answer: Answer) -> str:
    return next(value for name, value in answer.headers.items() if name.lower() == "etag")


@asynccontextmanager
async def second_person(shop: Shop) -> AsyncIterator[Browser]:
    """A colleague in marketing, appointed for the length of the block."""
    email = f"second-{secrets.token_hex(4)}@staff.example.com"
    login = json.loads(
        (await run_command("auth", "staff", "add", email, "--role", "marketing", "--json")).splitlines()[-1]
    )
    try:
        async with shop.browser() as browser:
            await shop.log_in_with_code(browser, login)
            yield browser
    finally:
        await run_command("auth", "staff", "remove", email)


async def test_a_campaign_to_many_waits_for_a_second_person_who_has_seen_it(
    shop: Shop, browser: Browser, address: Address
) -> None:
    readers = [address(name) for name in ("first", "second")]
    for reader in readers:
        await subscribe(shop, browser, reader)
    few = {"PADLOCK_APPROVAL_ABOVE": "1"}

    async with shop.browser() as author, shop.browser() as support, second_person(shop) as colleague:
        await shop.log_in_staff(author, "marketing")
        await shop.log_in_staff(support, "support")
        path = await written(author, "For many")
        one = CAMPAIGNS + path.removeprefix(DESK)
        waiting = await run_command("mailer", "send", environ=few)
        before = [subjects(shop, reader) for reader in readers]
        own = await author.call("POST", f"{one}/approve")
        other = await support.call("POST", f"{one}/approve")
        seen = tag_in(await colleague.call("GET", one, expect=200))
        await author.submit(f"{path}/edit", typed("For many, in other words") | {"version": seen})
        stale = await colleague.call("POST", f"{one}/approve", headers={"If-Match": seen})
        await run_command("mailer", "send", environ=few)
        still_before = [subjects(shop, reader) for reader in readers]
        seen = tag_in(await colleague.call("GET", one, expect=200))
        await colleague.call("POST", f"{one}/approve", headers={"If-Match": seen}, expect=200)
        await run_command("mailer", "send", environ=few)

    assert "wait for the approval of a second person" in waiting
    assert (own.status, own.json["type"].rpartition("/")[2].rpartition(":")[2]) == (409, "own-approval")
    assert (other.status, stale.status) == (403, 412)
    assert not any("For many" in subject for each in before + still_before for subject in each)
    for reader in readers:
        assert [each for each in subjects(shop, reader) if "For many" in each] == ["For many, in other words"]


@pytest.mark.parametrize("role", ["support", "fraud"])
async def test_other_staff_and_guests_do_not_see_the_desk(shop: Shop, browser: Browser, role: str) -> None:
    guest = await browser.call("GET", DESK)
    async with shop.browser() as staff:
        await shop.log_in_staff(staff, role)
        refused = await staff.call("GET", DESK)

    assert (guest.status, refused.status) == (303, 403)
