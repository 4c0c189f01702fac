"""Two processes of every service, both at work: nothing assumes that there is one.

Who took part is read from each process's own metrics, before and after.
"""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from deploy.demo.newsletters import is_newsletter, places
from deploy.outside.browser import Browser
from deploy.outside.patience import eventually
from deploy.outside.shop import Shop, order
from shared.topology import SERVICES
from tests.fleet import Fleet, fleet
from tests.journey.conftest import PASSWORD
from tests.journey.test_claims import CLAIMS, WISH, claim_where
from tests.journey.test_newsletter import newsletters, plan, subscribe, unsubscribe
from tests.journey.test_order_life import PARCEL
from tests.journey.test_p19_guessing import TRIED_AT_MOST, _from, _guess

Address = Callable[[str], str]
AT_ONCE = 8
ROUNDS = 12
PURCHASES = 24
READERS = 6
METRIC = re.compile(r"^(\w+)\{(.*)\} ([\d.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pair:
    """The stack's own process of a service and the one beside it, by the addresses of their probes."""

    urls: tuple[str, str]

    async def counts(self, metric: str, *labels: str) -> tuple[float, float]:
        """What each of the two has counted so far, under all of these labels."""
        async with aiohttp.ClientSession() as session:
            pages = [await (await session.get(f"{url}/metrics")).text() for url in self.urls]
        first, second = (
            sum(float(value) for name, told, value in METRIC.findall(page)
                if name == metric and all(label in told for label in labels))
            for page in pages
        )  # fmt: skip
        return first, second

    async def requests(self, route: str, method: str, status: int) -> tuple[float, float]:
        """How many requests each has answered so."""
        labels = f'route="{route}"', f'method="{method}"', f'status="{status}"'
        return await self.counts("http_request_duration_seconds_count", *labels)


@asynccontextmanager
async def two_of(shop: Shop, *services: str) -> AsyncIterator[dict[str, Pair]]:
    """`serve --work` of each beside the stack's own, and the gateway that spreads requests over both."""
    async with fleet(shop, dict.fromkeys(services, 1)) as processes:
        await asyncio.gather(*(_start(processes, service) for service in services))
        own = shop.stack.read()["services"]
        yield {
            service: Pair((own[service]["url"], f"http://127.0.0.1:{processes.slots[service][0]}"))
            for service in services
        }


async def _start(processes: Fleet, service: str) -> None:
    await processes.start(service, "serve", "--work", port=processes.slots[service][0])


def both(before: tuple[float, float], after: tuple[float, float]) -> bool:
    return all(later > earlier for earlier, later in zip(before, after, strict=True))


def sum_of(before: tuple[float, float], after: tuple[float, float]) -> int:
    return int(sum(after) - sum(before))


async def test_a_whole_journey_through_two_processes_of_each_service(
    shop: Shop, support: Browser, address: Address
) -> None:
    async with two_of(shop, *SERVICES) as pairs, shop.browser() as ann:
        await shop.register(ann, address("ann"), "Ann Example", PASSWORD)
        await shop.log_in(ann, address("ann"), PASSWORD)

        placed = await purchases_are_exact(shop, pairs, ann, address("ann"))
        await a_claim_is_decided_once(pairs, ann, support, placed[0])
        await a_login_is_known_at_both(pairs["auth"], ann)
        await guesses_are_counted_across_both(shop, pairs["auth"], address("ann"))
        await two_senders_at_once_keep_to_the_cap(shop, pairs["mailer"], address)


async def purchases_are_exact(shop: Shop, pairs: dict[str, Pair], ann: Browser, email: str) -> list[dict[str, Any]]:
    """Each request is sent twice at once, under one key: one order, one record, one receipt, whoever gets it."""
    sku = str((await ann.all("/api/orders/products"))[0]["sku"])
    kind = "padlock_events_handled_total", 'type="orders.purchase.completed.v1"', 'outcome="done"'
    handlers = "warranty", "mailer"
    served = await pairs["orders"].requests("/api/orders", "POST", 201)
    handled = {name: await pairs[name].counts(*kind) for name in handlers}
    placed: dict[str, dict[str, Any]] = {}

    async def buy() -> None:
        body, key = order(sku, "JPY", name="Ann Example", email=email), {"Idempotency-Key": secrets.token_hex(16)}
        answers = await asyncio.gather(*(ann.insist("POST", "/api/orders", body, headers=key) for _ in range(2)))
        assert len({answer.json["id"] for answer in answers}) == 1
        placed[answers[0].json["id"]] = answers[0].json

    for _ in range(ROUNDS):
        await asyncio.gather(*(buy() for _ in range(AT_ONCE)))
        at_work = [both(handled[name], await pairs[name].counts(*kind)) for name in handlers]
        if len(placed) >= PURCHASES and all(at_work):
            break
    assert both(served, await pairs["orders"].requests("/api/orders", "POST", 201))
    numbers = Counter(each["number"] for each in placed.values())
    assert set(numbers.values()) == {1}

    async def records() -> Counter[str]:
        return Counter(record["order_number"] for record in await ann.all("/api/warranty/purchases"))

    async def receipts() -> Counter[str]:
        subjects = [mail.subject for mail in shop.mailbox.to(email)]
        return Counter(number for number in numbers for subject in subjects if number in subject)

    assert await eventually(records, lambda found: found.keys() >= numbers.keys()) == numbers
    assert await eventually(receipts, lambda found: found.keys() >= numbers.keys()) == numbers
    assert Counter(each["number"] for each in await ann.all("/api/orders")) == numbers
    for name in handlers:
        assert both(handled[name], await pairs[name].counts(*kind)), name
    return list(placed.values())


async def a_claim_is_decided_once(
    pairs: dict[str, Pair], ann: Browser, support: Browser, placed: dict[str, Any]
) -> None:
    """Six decisions at once, at either process: one counts, one refund is made, the claim is closed once."""
    await support.call("POST", f"/api/orders/{placed['id']}/shipment", PARCEL, expect=200)

    async def mine() -> dict[str, Any]:
        items = await ann.all("/api/warranty/purchases")
        return dict(next(each for each in items if each["order_number"] == placed["number"]))

    item = await eventually(mine, lambda found: bool(found["serial"]))
    opened = await ann.call("POST", CLAIMS, WISH | {"purchase_id": item["id"], "wanted": "refund"}, expect=201)
    path = f"{CLAIMS}/{opened.json['id']}"
    before = await pairs["warranty"].counts("http_request_duration_seconds_count", 'method="POST"', "decision")

    decided = await asyncio.gather(*(support.call("POST", f"{path}/decision", {"outcome": "refund"}) for _ in range(6)))

    assert sorted(answer.status for answer in decided) == [200, 409, 409, 409, 409, 409]
    after = await pairs["warranty"].counts("http_request_duration_seconds_count", 'method="POST"', "decision")
    assert both(before, after)
    ended = await claim_where(ann, path, "closed")
    assert [step["status"] for step in ended["history"]][-3:] == ["approved", "refunded", "closed"]
    desk = await support.call("GET", f"/api/orders/desk/{placed['id']}", expect=200)
    assert desk.json["refunded_minor"] == item["price_minor"]


async def a_login_is_known_at_both(auth: Pair, ann: Browser) -> None:
    """And so is its end: after it neither of the two lets the session in."""
    cookie = {"Cookie": ann.cookies().output(header="", attrs=[], sep=";").strip()}
    before = [await _identity(url, cookie) for url in auth.urls]
    await ann.call("DELETE", "/api/auth/session")
    after = [await _identity(url, cookie) for url in auth.urls]

    assert before == [True, True]
    assert after == [False, False]


async def _identity(url: str, cookie: dict[str, str]) -> bool:
    """Whether this process tells the gateway who it is."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/internal/identity", headers=cookie | {"X-Audience": "orders"}) as answer,
    ):
        return answer.status < 300 and bool(answer.headers.get("X-Identity"))


async def guesses_are_counted_across_both(shop: Shop, auth: Pair, email: str) -> None:
    refused = await auth.requests("/api/auth/session", "POST", 401)
    stopped = await auth.requests("/api/auth/session", "POST", 429)

    statuses: Counter[int] = Counter()
    for network in range(3 * TRIED_AT_MOST):
        async with _from(shop, f"127.9.{network}.1") as stranger:
            statuses[(await _guess(stranger, email)).status] += 1

    assert set(statuses) == {401, 429}
    assert statuses[401] <= TRIED_AT_MOST
    for status, before in ((401, refused), (429, stopped)):
        after = await auth.requests("/api/auth/session", "POST", status)
        assert both(before, after)
        assert sum_of(before, after) == statuses[status]


async def two_senders_at_once_keep_to_the_cap(shop: Shop, mailer: Pair, address: Address) -> None:
    """As many issues as the month allows and one more, all due at once, sent by two runs at the same time."""
    readers = [address(f"reader-{'abcdefgh'[number]}") for number in range(READERS)]
    allowed = places(datetime.now(UTC))
    before = await mailer.requests("/api/mailer/subscriptions", "POST", 202)
    async with shop.browser() as somebody, shop.browser() as marketing:
        await asyncio.gather(*(subscribe(shop, somebody, reader) for reader in readers))
        await shop.log_in_staff(marketing, "marketing")
        for number in range(allowed + 1):
            await plan(marketing, f"Issue {number} of many")

        async with fleet(shop, {}) as senders:
            sent = await asyncio.gather(*(senders.run("mailer", "send") for _ in range(2)))

        assert [status for status, _ in sent] == [0, 0]
        got = {reader: Counter(mail.subject for mail in newsletters(shop, reader)) for reader in readers}
        assert {sum(subjects.values()) for subjects in got.values()} == {allowed}
        assert all(set(subjects.values()) == {1} for subjects in got.values())
        await unsubscribe(shop, somebody, newsletters(shop, readers[0])[0])
        assert len([mail for mail in shop.mailbox.to(readers[0]) if is_newsletter(mail)]) == allowed
    assert both(before, await mailer.requests("/api/mailer/subscriptions", "POST", 202))
