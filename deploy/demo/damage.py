"""`kill -9` while people buy, and the count at the end."""

import asyncio
import os
import secrets
import signal
from collections import Counter, defaultdict
from typing import Any

from deploy.demo import newsletters
from deploy.demo.play import Play
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order

VICTIMS = ("rabbitmq", "orders", "mongod", "warranty")
AT_ONCE = 4


async def buy_while_things_break(play: Play, ann: Browser, sku: str, *, purchases: int) -> None:
    """`purchases` orders of one watch each; in between the broker, a service, the database and a service die."""
    play.tell.chapter(f"{purchases} more purchases, while broker, database and two services are killed (kill -9)")
    kill_at = {purchases * (n + 1) // (len(VICTIMS) + 1): victim for n, victim in enumerate(VICTIMS)}
    gate = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        async with gate:
            if victim := kill_at.get(number):
                kill(play.shop, victim)
                play.tell.fact(f"kill -9 {victim}")
            body = order(sku, "JPY", name="Ann Example", email=play.address("ann"))
            answer = await ann.insist("POST", "/api/orders", body, headers={"Idempotency-Key": secrets.token_hex(16)})
        if answer.status == 201:
            play.bought.append(answer.json)
            play.by_account += 1
        else:
            play.tell.check(f"purchase {number}: {answer.status} {answer.json}", is_so=False)
        done += 1
        play.tell.progress("purchases answered", done, purchases)

    async with asyncio.TaskGroup() as group:
        for number in range(purchases):
            group.create_task(one(number))


def kill(shop: Shop, name: str) -> None:
    """`kill -9` of a part or of every process of a service; the supervisor must bring it back."""
    data = shop.stack.read()
    pids = data["services"][name]["pids"] if name in data["services"] else data["parts"][name]["pids"]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


async def final_count(play: Play, ann: Browser, newsletters_due: dict[str, int]) -> None:
    """Everything that was promised, counted from outside."""
    play.tell.chapter("The count")
    wanted = len(play.bought)
    async with play.shop.browser() as support:
        await play.shop.log_in_staff(support, "support")
        charges = await _charges(support, {placed["id"] for placed in play.bought})
    records = await records_of(ann, at_least=play.by_account)
    receipts = await _receipts(play)
    numbers = {placed["number"] for placed in play.bought}
    play.tell.count("orders paid", len({placed["id"] for placed in play.bought}), wanted)
    play.tell.count("orders of Ann as the shop lists them", len(await ann.all("/api/orders")), play.by_account)
    play.tell.count("charges for these orders", sum(charges.values()), wanted)
    play.tell.count("purchase records of Ann", len({record["id"] for record in records}), play.by_account)
    play.tell.count("orders with a receipt", len(receipts), len(numbers))
    twice = sum(len(ids) > 1 for ids in receipts.values())
    kept = all(len(ids) <= 2 and len(set(ids)) == 1 for ids in receipts.values())
    play.tell.check(f"receipts sent twice (outcome unknown), with the same Message-ID: {twice}", kept)
    _count_newsletters(play, newsletters_due)


async def records_of(browser: Browser, *, at_least: int) -> list[dict[str, Any]]:
    """The purchase records of whoever is logged in, once there are so many."""
    return await eventually(lambda: browser.all("/api/warranty/purchases"), lambda records: len(records) >= at_least)


async def _charges(support: Browser, orders: set[str]) -> Counter[str]:
    listed = await support.all("/api/orders/payments/sandbox/charges")
    return Counter(row["order_id"] for row in listed if row["order_id"] in orders and row["outcome"] == "paid")


async def _receipts(play: Play) -> dict[str, list[str]]:
    """Message-IDs of the receipts by order number, once every order has one, or after waiting long enough."""
    numbers = {placed["number"] for placed in play.bought}

    async def look() -> dict[str, list[str]]:
        return _receipts_now(play, numbers)

    try:
        return await eventually(look, lambda found: len(found) == len(numbers))
    except TimeoutError:
        return await look()


def _receipts_now(play: Play, numbers: set[str]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for mail in play.shop.mailbox.mails():
        if play.run in mail.to and not newsletters.is_newsletter(mail):
            for number in numbers:
                if number in mail.subject:
                    found[number].append(mail.message_id)
    return dict(found)


def _count_newsletters(play: Play, due: dict[str, int]) -> None:
    received = newsletters.received_by(play.shop, play.run)
    by_number = Counter(received[address] for address in due)
    rows = [(str(number), str(readers)) for number, readers in sorted(by_number.items())]
    play.tell.table([("newsletters received", "readers"), *rows])
    play.tell.count("readers with exactly what they were due", sum(received[a] == n for a, n in due.items()), len(due))
