"""Newsletters under the cap: as many issues as the month allows, one more that the cap stops, and the other month."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.commands import run_command
from deploy.demo.tell import Teller
from deploy.outside.browser import Browser
from deploy.outside.mails import Mail
from deploy.outside.shop import Shop

CAPS = {11: 3, 12: 3}
OTHERWISE = 1
EDGE = timedelta(hours=26)
"""A copy sent this close to a month's edge needs a place in both months."""
SHOP_ZONE = ZoneInfo("Asia/Tokyo")


def places(moment: datetime) -> int:
    """How many newsletters one address may get at `moment`, having had none: what the policy promises."""
    months = {(moment + shift).astimezone(SHOP_ZONE).month for shift in (-EDGE, timedelta(), EDGE)}
    return min(CAPS.get(month, OTHERWISE) for month in months)


async def play(shop: Shop, tell: Teller, *, run: str, subscribers: int) -> dict[str, int]:
    """Returns how many newsletters each address of this run must have received in the end."""
    addresses = [f"reader-{number:03}-{run}@example.org" for number in range(subscribers)]
    await _subscribe(shop, tell, addresses)
    allowed = places(datetime.now(UTC))
    tell.chapter(f"{allowed + 1} newsletters to {subscribers} readers; this month allows {allowed}")
    expected = dict.fromkeys(addresses, allowed)
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        for issue in range(1, allowed + 2):
            campaign = await _issue(tell, marketing, run, issue)
            received = _received(shop, run)
            tell.fact(f"issue {issue}: {sum(received.values())} newsletters in mailboxes so far")
            if issue == 1:
                await _unsubscribe(shop, tell, addresses[0], run)
                expected[addresses[0]] = 1
    report = await _report(shop, campaign)
    tell.check("the last issue was stopped by the cap for every reader", report.get("accepted") == 0)
    tell.check("nobody has more than allowed", all(_received(shop, run)[a] <= expected[a] for a in addresses))
    await _rehearse(tell, allowed)
    return expected


async def _subscribe(shop: Shop, tell: Teller, addresses: list[str]) -> None:
    tell.chapter(f"{len(addresses)} people subscribe, and each confirms by the link in the mail")
    done = 0

    async def one(browser: Browser, address: str) -> None:
        nonlocal done
        body = {"email": address, "name": "Reader", "language": "en", "topics": ["offers", "new-products"]}
        await browser.call("POST", "/api/mailer/subscriptions", body, expect=202)
        mail = await shop.mailbox.wait(address)
        await browser.call("POST", "/api/mailer/subscriptions/confirm", {"token": mail.token}, expect=200)
        done += 1
        tell.progress("confirmed", done, len(addresses))

    async with shop.browser() as browser:
        gate = asyncio.Semaphore(16)

        async def gated(address: str) -> None:
            async with gate:
                await one(browser, address)

        async with asyncio.TaskGroup() as group:
            for address in addresses:
                group.create_task(gated(address))


async def _issue(tell: Teller, marketing: Browser, run: str, number: int) -> str:
    body = {
        "topic": "offers",
        "content": {
            "en": {"subject": f"Issue {number} of {run}", "markdown": f"Hello {{{{ name }}}},\n\nissue {number}."}
        },
        "send_at": datetime.now(UTC).isoformat(),
    }
    made = await marketing.call("POST", "/api/mailer/campaigns", body, expect=201)
    out = await run_command("mailer", "send")
    tell.fact(f"mailer send: {out.strip().splitlines()[-1]}")
    return str(made.json["id"])


async def _unsubscribe(shop: Shop, tell: Teller, address: str, run: str) -> None:
    mail = [mail for mail in shop.mailbox.to(address) if is_newsletter(mail)][-1]
    link = mail.headers["list-unsubscribe"].strip("<>").partition("/newsletter")
    async with shop.browser() as client:
        looked = await client.call("GET", f"/newsletter{link[2]}")
        done = await client.call("POST", f"/newsletter{link[2]}")
    tell.check("one reader unsubscribes by one click in the mail client", looked.status == 200 and done.status == 200)


async def _report(shop: Shop, campaign: str) -> Mapping[str, Any]:
    async with shop.browser() as marketing:
        await shop.log_in_staff(marketing, "marketing")
        answer = await marketing.call("GET", f"/api/mailer/campaigns/{campaign}/report", expect=200)
    report: Mapping[str, Any] = answer.json
    return report


async def _rehearse(tell: Teller, allowed: int) -> None:
    now = datetime.now(UTC)
    other = 2 if allowed == CAPS[11] else 12
    at = datetime(now.year + 1, other, 10, 10, 0, tzinfo=SHOP_ZONE)
    wanted = places(at)
    tell.chapter(f"Rehearsal on a clock of its own: {at:%B %Y}, which allows {wanted}")
    issues = max(2, wanted + 1)
    out = await run_command(
        "mailer", "rehearse", "--at", at.isoformat(), "--subscribers", "12", "--issues", str(issues), "--json"
    )
    accepted = json.loads(out)["accepted"]
    counts = set(accepted.values())
    tell.check(f"{issues} issues to {len(accepted)} readers: each got exactly {wanted}", counts == {wanted})


def _received(shop: Shop, run: str) -> Counter[str]:
    return Counter(mail.to for mail in shop.mailbox.mails() if run in mail.to and is_newsletter(mail))


def is_newsletter(mail: Mail) -> bool:
    """Whether it is marketing: those alone carry the one-click header."""
    return "list-unsubscribe" in mail.headers


def received_by(shop: Shop, run: str) -> Counter[str]:
    """Newsletters in the mailbox by address of this run."""
    return _received(shop, run)
