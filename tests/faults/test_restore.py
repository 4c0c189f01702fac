"""A backup while orders arrive, then everything is lost and restored: what was bought is there once, nobody gets what
they must not, and who was erased stays so.
"""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.commands import run_command
from deploy.demo.newsletters import is_newsletter
from deploy.outside.browser import Browser
from deploy.outside.mails import Mail
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from tests.journey import test_runbook as runbook
from tests.stack import running_shop

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180
PASSWORD = "back up, lose it, have it again"  # of invented persons, in a stack that lives on this machine
LETTERS = str.maketrans("0123456789", "ghijklmnop")
BEFORE = 8


def stack(*words: str, environ: dict[str, str] | None = None, expect: int = 0) -> str:
    """A command of the local stack; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", *words],
        cwd=ROOT, env=os.environ | (environ or {}), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == expect, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


async def subscribe(shop: Shop, browser: Browser, email: str) -> None:
    body = {"email": email, "name": "Reader", "language": "en", "topics": ["offers"]}
    await browser.call("POST", "/api/mailer/subscriptions", body, expect=202)
    mail = await shop.mailbox.wait(email)
    await browser.call("POST", "/api/mailer/subscriptions/confirm", {"token": mail.token}, expect=200)


async def buy(browser: Browser, body: dict[str, Any]) -> str:
    answer = await browser.insist("POST", "/api/orders", body, headers={"Idempotency-Key": secrets.token_hex(16)})
    assert answer.status == 201
    return str(answer.json["number"])


async def test_what_is_restored_loses_doubles_and_reveals_nothing(tmp_path: Path) -> None:
    shop, run = running_shop(), secrets.token_hex(5).translate(LETTERS)
    buyer, erased, leaver, stayer = (f"{who}-{run}@example.org" for who in ("buyer", "erased", "leaver", "stayer"))
    async with shop.browser() as ann, shop.browser() as bob, shop.browser() as marketing:
        for browser, email in ((ann, erased), (bob, buyer)):
            await shop.register(browser, email, "Some Body", PASSWORD)
            await shop.log_in(browser, email, PASSWORD)
        ann_id = (await ann.call("GET", "/api/auth/session", expect=200)).json["account"]["id"]
        for email in (leaver, stayer):
            await subscribe(shop, bob, email)
        await shop.log_in_staff(marketing, "marketing")
        await plan(marketing, "Before the loss")
        await run_command("mailer", "send")
        await plan(marketing, "After the restore")
        sku = str((await bob.all("/api/orders/products"))[0]["sku"])
        body = order(sku, "JPY", name="Some Body", email=buyer)
        before = [await buy(bob, body) for _ in range(BEFORE)]

        arriving = asyncio.create_task(_go_on_buying(bob, body))
        await asyncio.to_thread(stack, "backup", str(tmp_path / "all"))
        after = await _enough(arriving)
        assert after

        await erase(ann)
        await leave(shop, bob, leaver)
        await asyncio.to_thread(stack, "backup", str(tmp_path / "newest"), "--only", "keys")

    await asyncio.to_thread(lose_everything_and_restore, tmp_path)

    async with shop.browser() as ann, shop.browser() as bob:
        await shop.log_in(bob, buyer, PASSWORD)
        placed = Counter(each["number"] for each in await bob.all("/api/orders"))
        assert set(before) <= set(placed) <= set(before) | set(after)

        async def records() -> Counter[str]:
            return Counter(each["order_number"] for each in await bob.all("/api/warranty/purchases"))

        assert await eventually(records, lambda found: found == placed) == placed
        # P14's other half: nobody is sent a second receipt, neither by what waited nor by what is told once more.
        await eventually(lambda: shop_is_quiet(shop), bool)
        receipts = Counter(number for mail in shop.mailbox.to(buyer) for number in placed if number in mail.subject)
        assert set(before) <= receipts.keys()
        assert set(receipts.values()) == {1}
        refused = await ann.call(
            "POST", "/api/auth/session", {"email": erased, "password": PASSWORD, "remember": False}
        )
        assert 400 <= refused.status < 500
    arrived = sum(placed.values()) - len(before)
    print(f"\n  orders before the backup {len(before)}, while it was made {len(after)}, of which it holds {arrived}")
    print(f"  after the restore: orders {len(placed)}, a record and a receipt each; second receipts 0")
    assert is_back_without_a_key(shop, ann_id)
    print("  erased between data and keys: the account is back, without its key, and cannot log in")
    try:
        await newsletters_wait(shop, leaver, stayer)
    finally:
        unlock(shop)


async def _go_on_buying(browser: Browser, body: dict[str, Any]) -> list[str]:
    bought: list[str] = []
    try:
        while True:
            bought.append(await buy(browser, body))
    except asyncio.CancelledError:
        return bought


async def _enough(buying: "asyncio.Task[list[str]]") -> list[str]:
    buying.cancel()
    return await buying


async def plan(marketing: Browser, subject: str) -> None:
    now = datetime.now(UTC)
    campaign = {
        "topic": "offers",
        "content": {"en": {"subject": subject, "markdown": "Dear {{ name }}"}},
        "send_at": now.isoformat(),
        "not_after": (now + timedelta(days=80)).isoformat(),
    }
    await marketing.call("POST", "/api/mailer/campaigns", campaign, expect=201)


async def erase(browser: Browser) -> None:
    """Everywhere, and wait for the last service."""
    gone = await browser.call("DELETE", "/api/auth/me", expect=202)
    token = {"token": gone.json["receipt"]["token"]}
    await eventually(
        lambda: browser.call("POST", "/api/auth/erasures/receipt", token, expect=200),
        lambda answer: bool(answer.json["status"] == "complete"),
    )


async def leave(shop: Shop, browser: Browser, email: str) -> None:
    mail = newsletters(shop, email)[0]
    link = mail.headers["list-unsubscribe"].strip("<>").removeprefix(shop.gateway)
    await browser.call("POST", link, expect=200)


def newsletters(shop: Shop, email: str) -> list[Mail]:
    return [mail for mail in shop.mailbox.to(email) if is_newsletter(mail)]


def lose_everything_and_restore(backups: Path) -> None:
    """By the runbook."""
    stack("down")
    for part in ("mongo", "rabbitmq"):
        shutil.rmtree(ROOT / ".local" / part)
    at = datetime.fromisoformat(json.loads((backups / "all" / "data" / "manifest.json").read_text())["at"])
    since = (at - timedelta(hours=1)).isoformat()
    runbook.run(runbook.SCRIPTS["Restore 1"], BACKUP=str(backups / "all"), NEWEST=str(backups / "newest"), SINCE=since)


async def shop_is_quiet(shop: Shop) -> bool:
    """No event waits anywhere, and no mail."""
    told = await asyncio.to_thread(stack, "metrics", "outbox_pending|queue_messages|notices_waiting")
    return all(line.endswith(" 0.0") for line in told.splitlines() if "padlock_" in line)


def is_back_without_a_key(shop: Shop, account_id: str) -> bool:
    """The restored document of who was erased is there, and the key that would open it is not."""
    with MongoClient[dict[str, Any]](shop.stack.read()["mongo"]) as client:
        document = client["auth"]["accounts"].find_one({"_id": account_id})
        tombstone = client["auth_keys"]["data_keys"].find_one({"_id": account_id})
    return document is not None and tombstone is not None and "box" not in tombstone


def unlock(shop: Shop) -> None:
    """For whoever uses this stack next."""
    with MongoClient[dict[str, Any]](shop.stack.read()["mongo"]) as client:
        client["mailer"]["restored"].delete_many({})


async def newsletters_wait(shop: Shop, leaver: str, stayer: str) -> None:
    """For suppression, which the log tells, and for the next month."""
    before = [len(newsletters(shop, who)) for who in (leaver, stayer)]
    next_month = {"PADLOCK_CLOCK_OFFSET_S": str(40 * 86_400)}
    refused = stack("run", "mailer", "send", environ=next_month, expect=1)
    assert "recover" in refused
    print(f"  mailer send: {refused.strip().splitlines()[-1]}")
    await asyncio.to_thread(runbook.run, runbook.SCRIPTS["Restore 2"], LOGS=str(ROOT / ".local/log/mailer.log"))
    locked = stack("run", "mailer", "send", expect=1)
    assert "nobody knows who has got how many" in locked
    print(f"  mailer recover, then mailer send: {locked.strip().splitlines()[-1]}")
    stack("run", "mailer", "send", environ=next_month)

    after = [len(newsletters(shop, who)) for who in (leaver, stayer)]
    assert after == [before[0], before[1] + 1]
    print("  next month: who unsubscribed after the backup has no newsletter more, who did not has one")
