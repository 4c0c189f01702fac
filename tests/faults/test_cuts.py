"""Purchases, records and mails while connections are cut at exact points of their protocols: nothing lost or doubled.

A second process of the service speaks to broker, database or mail server through a proxy that cuts it (`proof/cuts`).
Some points as part of `make test`; `make faults` takes all of them. `SEED=` makes the dice fall alike.
"""

import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.commands import run_command
from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from proof.beside import gateway_with, process_beside, settings_of
from proof.cuts.proxy import Cut, Proxy, running
from proof.cuts.reading import Amqp, Mongo, Reader, Smtp
from tests.faults.ledgers import compare
from tests.faults.test_kills import PASSWORD
from tests.faults.told import tell
from tests.journey.test_newsletter import newsletters, plan, subscribe
from tests.stack import running_shop

SEED = int(os.environ.get("SEED", "20261122"))
LONG = "ORDERS" in os.environ
PURCHASES = 40 if LONG else 12
READERS = 30 if LONG else 8


@dataclass(frozen=True)
class Point:
    """One point to cut at: whose connection, to what, and where; `short` ones belong to every run."""

    service: str
    setting: str
    reader: type[Reader]
    cut: Cut
    short: bool = False

    def __str__(self) -> str:
        return f"{self.service} {self.reader.__name__} {self.cut}"


def _of(service: str, setting: str, reader: type[Reader], *cuts: tuple[Any, ...]) -> Iterator[Point]:
    for name, when, *short in cuts:
        yield Point(service, setting, reader, Cut(name, when), bool(short))


POINTS = [
    *_of("orders", "AMQP_URL", Amqp, ("publish", "before"), ("publish", "after"), ("content", "after"),
         ("confirm", "before", True)),
    *_of("orders", "MONGO_URL", Mongo, ("insert", "before"), ("answer to insert", "before", True),
         ("update", "before"), ("answer to update", "before"), ("answer to findAndModify", "before")),
    *_of("warranty", "AMQP_URL", Amqp, ("deliver", "before"), ("deliver", "after"), ("ack", "before", True),
         ("ack", "after")),
    *_of("warranty", "MONGO_URL", Mongo, ("insert", "before"), ("answer to insert", "before")),
    *_of("mailer", "AMQP_URL", Amqp, ("ack", "before"), ("ack", "after")),
    *_of("mailer", "SMTP_URL", Smtp, ("MAIL", "after"), ("RCPT", "after"), ("answer to DATA", "before"),
         ("text", "after"), ("dot", "before"), ("dot", "after", True), ("answer to dot", "before")),
]  # fmt: skip
CHOSEN = [point for point in POINTS if LONG or point.short]


@contextmanager
def cutting(shop: Shop, point: Point) -> Iterator[Proxy]:
    """A second process of the service, behind the proxy; where it serves, the gateway asks it alone."""
    data, name = shop.stack.read(), f"PADLOCK_{point.setting}"
    address = urlsplit(settings_of(point.service)[name])
    proxy = Proxy((address.hostname or "", address.port or 0), point.reader, point.cut, random.Random(SEED))
    with ExitStack() as undone:
        undone.enter_context(running(proxy))
        changed = address._replace(netloc=f"{address.netloc.rpartition(':')[0]}:{proxy.port}")
        if point.setting == "MONGO_URL":  # the driver must not find the way around
            changed = changed._replace(query="directConnection=true&authSource=admin")
        beside = process_beside(point.service, "serve", "--work", environ={name: changed.geturl()})
        _, url = undone.enter_context(beside)
        own = urlsplit(data["services"][point.service]["url"]).netloc
        undone.enter_context(gateway_with(data, {f"server {own} ": f"server {urlsplit(url).netloc} "}))
        yield proxy


@pytest.mark.parametrize("point", CHOSEN, ids=str)
async def test_what_is_cut_is_neither_lost_nor_doubled(point: Point) -> None:
    shop, begun = running_shop(), time.monotonic()
    email = f"cut-{secrets.token_hex(5)}@example.org".translate(str.maketrans("0123456789", "ghijklmnop"))
    async with shop.browser() as buyer, shop.browser() as support:
        await shop.register(buyer, email, "Cut", PASSWORD)
        await shop.log_in(buyer, email, PASSWORD, remember=True)
        await shop.log_in_staff(support, "support")
        body = order(str((await buyer.all("/api/orders/products"))[0]["sku"]), "JPY", name="Cut", email=email)
        with cutting(shop, point) as proxy:
            placed = await bought_until_cut(buyer, body, proxy)
            told = f"SEED={SEED} {point}: {proxy.history}, seen {dict(proxy.seen)}"

            assert proxy.history, f"nothing was cut: {told}"
            await compare(shop, buyer, support, placed, email, told=[told])
    tell(f"purchases, cut: {point}", cases=len(placed), faults=len(proxy.history), begun=begun)


async def bought_until_cut(buyer: Browser, body: dict[str, Any], proxy: Proxy) -> dict[str, str]:
    """Purchases, until there are enough and something was cut, or too many; the number of each by its id."""
    placed: dict[str, str] = {}
    while len(placed) < PURCHASES or (not proxy.history and len(placed) < 10 * PURCHASES):
        key = {"Idempotency-Key": secrets.token_hex(16)}
        answer = await buyer.insist("POST", "/api/orders", body, headers=key)
        assert answer.status == 201, f"{answer.status} {answer.text}"
        placed[answer.json["id"]] = answer.json["number"]
    return placed


LETTER_POINTS = [point for point in POINTS if point.setting == "SMTP_URL" and (LONG or point.short)]


@pytest.mark.parametrize("point", LETTER_POINTS, ids=lambda point: str(point.cut))
async def test_no_newsletter_comes_twice_whatever_is_cut(point: Point) -> None:
    shop, begun = running_shop(), time.monotonic()
    run = secrets.token_hex(5).translate(str.maketrans("0123456789", "ghijklmnop"))
    readers = [f"cut-{run}-{number}@example.org" for number in range(READERS)]
    address = urlsplit(settings_of("mailer")["PADLOCK_SMTP_URL"])
    proxy = Proxy((address.hostname or "", address.port or 25), Smtp, point.cut, random.Random(SEED))
    async with shop.browser() as browser, shop.browser() as marketing:
        for reader in readers:
            await subscribe(shop, browser, reader)
        await shop.log_in_staff(marketing, "marketing")
        with running(proxy):
            await plan(marketing, f"cut {run}")
            await run_command("mailer", "send", environ={"PADLOCK_SMTP_URL": f"smtp://127.0.0.1:{proxy.port}"})
        await run_command("mailer", "send")

    got = Counter(len(newsletters(shop, reader)) for reader in readers)
    told = f"SEED={SEED} {point}: {proxy.history}, readers by copies {dict(got)}"
    assert proxy.history, f"nothing was cut: {told}"
    assert max(got) <= 1, told
    unknown = got[0]
    assert unknown <= len(proxy.history), f"more were left out than were cut: {told}"
    tell(f"newsletters, cut: {point.cut}", cases=READERS, faults=len(proxy.history), begun=begun)
