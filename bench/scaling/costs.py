"""What one of each operation costs: processor time of the service, the database and the broker, bytes, journal.

Each is driven straight at the service (or at its queue) on databases of the bench's own, one after the other, for what
the database does is counted for all.
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.load import MakeRequest, Target, request, run
from bench.logins import Logins
from bench.mailing import CONNECTIONS as SMTP_CONNECTIONS
from bench.mailing import private_keys
from bench.newsletters import SUBSCRIBERS, plan_campaign, plant, sealed
from bench.processes import Process
from bench.scaling.claiming import claims
from bench.scaling.meter import Cost, Meter
from bench.sections import CONNECTIONS, PAGE, Checkouts, Sessions
from bench.sink import Sink
from bench.world import World

_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_WAIT_S = 90


async def measure(world: World, *, seconds: float) -> AsyncIterator[Cost]:
    """One operation after the other."""
    sessions, meter = Sessions(), Meter(world)
    checkouts = Checkouts(seconds, sessions)
    await checkouts.prepare(world)
    logins = Logins(seconds, sessions)
    await logins.prepare(world)

    async def over_http(name: str, service: str, make: MakeRequest, connections: int = CONNECTIONS) -> Cost:
        here = world.sides["ours"]
        target, process = Target(here.ports[service]), here.processes[service]
        await run(target, make, connections=connections, seconds=0.5)  # caches and connections; not counted
        before = await meter.read(process, 0)
        answers = await run(target, make, connections=connections, seconds=seconds)
        return Cost.between(name, before, await meter.read(process, answers.good))

    yield await over_http("registration", "auth", _registration, 16)
    yield await over_http("login", "auth", logins._login, 16)
    yield await over_http("session check", "auth", sessions.check)
    yield await over_http("catalogue read", "orders", _read)
    await world.empty_queues("ours")
    yield await over_http("checkout, to the published event", "orders", checkouts._checkout)
    yield await _records(world, meter)
    yield await claims(world, meter, sessions, checkouts)
    async with Sink() as sink:
        yield await _receipts(world, meter, sink)
    async with Sink() as sink:
        yield await _newsletters(world, meter, sink)


async def _records(world: World, meter: Meter) -> Cost:
    """Purchases that wait in its queue, by a warranty that starts now."""
    records = world.collection("ours", "warranty", "purchases")
    process = await world.start("ours", "warranty")
    return await _drained("purchase to record", meter, process, records.estimated_document_count)


async def _receipts(world: World, meter: Meter, sink: Sink) -> Cost:
    """Likewise by mailer, into a sink."""
    await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
    url = {"PADLOCK_SMTP_URL": f"smtp://127.0.0.1:{sink.port}"}
    process = await world.spawn("ours", "mailer", "-m", "services.mailer", "work", name="receipts", **url)

    async def sent() -> int:
        return sink.counts.mails

    cost = await _drained("receipt, signed by nobody", meter, process, sent)
    await process.stop()
    return cost


async def _newsletters(world: World, meter: Meter, sink: Sink) -> Cost:
    """A campaign to everybody, with cap, ledger and two signatures."""
    people = [(secrets.token_hex(16), f"Reader {n}", f"reader.{n}@example.com") for n in range(SUBSCRIBERS)]
    await plant(world, "ours", *sealed(world, people))
    await plan_campaign(world, "ours")
    process = await world.spawn(
        "ours", "mailer", "-m", "services.mailer", "send", name="newsletters",
        PADLOCK_SMTP_URL=f"smtp://127.0.0.1:{sink.port}", PADLOCK_SMTP_CONNECTIONS=str(SMTP_CONNECTIONS),
        **private_keys(),
    )  # fmt: skip

    async def sent() -> int:
        return sink.counts.mails

    return await _drained("newsletter copy, signed twice", meter, process, sent, most=SUBSCRIBERS)


async def _drained(
    name: str, meter: Meter, process: Process, count: Callable[[], Awaitable[int]], *, most: int = 0
) -> Cost:
    """From the first that is seen to the last: its start is not counted, nor that it waits for nothing at the end."""
    before = after = await meter.read(process, 0)
    async with asyncio.timeout(_WAIT_S):
        async with _polled(count) as seen:
            async for done in seen:
                if done and not before.done:
                    before = after = await meter.read(process, done)
                elif done > after.done and process.is_alive:
                    after = await meter.read(process, done)
                elif after.done > before.done or (most and done >= most):
                    break
    return Cost.between(name, before, after)


@asynccontextmanager
async def _polled(count: Callable[[], Awaitable[int]]) -> AsyncIterator[AsyncIterator[int]]:
    """Counts, each as soon as it is another; one that stands still for three seconds comes once more, as the last."""

    async def look() -> AsyncIterator[int]:
        last, still = -1, 0
        while still < 30 or last == 0:
            done = await count()
            still = 0 if done != last else still + 1
            if done != last:
                yield done
            last = done
            await asyncio.sleep(0.1)
        yield last

    yield look()


_next = itertools.count()


def _registration() -> bytes:
    """Of somebody new, each from another network."""
    number = next(_next)
    name = secrets.token_hex(8).translate(_LETTERS)
    body = json.dumps({"email": f"{name}@example.org", "name": "Ann", "password": "a watch that tells no time"})
    network = f"10.{100 + number // 62_500}.{number // 250 % 250}.{number % 250}"
    headers = {"X-Forwarded-For": network}
    return request("POST", "/api/auth/accounts", host="localhost", headers=headers, body=body.encode())


def _read() -> bytes:
    return request("GET", PAGE, host="localhost", headers={"X-Request-Id": "r-1"})


def cost_table(costs: Sequence[Cost]) -> str:
    """As Markdown."""
    lines = [
        "| one | service, ms | database, ms | broker, ms | bytes to and from the database | journal, bytes | syncs |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {each.name} | {each.service_ms:.2f} | {each.database_ms:.2f} | {each.broker_ms:.2f} "
        f"| {each.database_bytes:,.0f} | {each.journal_bytes:,.0f} | {each.syncs:.2f} |"
        for each in costs
    ]
    return "\n".join(lines)


def as_dict(cost: Cost) -> dict[str, Any]:
    """For the file."""
    return {name: getattr(cost, name) for name in Cost.__slots__}
