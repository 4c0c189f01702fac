"""Newsletters with cap, ledger and DKIM against a bare SMTP loop that hands over the very same mails; claims alone.

The sink is the same for both, over as many connections: Postfix's `smtp-sink`. That each subscriber got exactly one is
then told by the ledger; the first run goes to the bench's own sink, which counts by recipient.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pymongo import WriteConcern

from bench.newsletters import TOPIC, plan_campaign, plant, sealed
from bench.processes import Process
from bench.raw_smtp import SEPARATOR
from bench.report import Memory, Metric, Results, shown
from bench.sink import Sink
from bench.smtp_sink import SmtpSink, find_smtp_sink
from bench.world import World
from services.mailer.months import Calendar
from services.mailer.sending.domain import Terms
from services.mailer.sending.mongo import MongoClaims
from shared.caps import DEFAULT, CapTable
from shared.ids import new_token

POST_OFFICE_MS = 7.6
"""Processor time of a mail by django-post_office, as LIMITS gives it; Celery's `send_mail` takes 8.7."""
CONNECTIONS = 32
SUBSCRIBERS = 6_000
"""So many that a run is longer than its beginning and its end."""
_EVERY_S = 0.01
BATCH = 1000
CLAIMED = 20_000
DURABLE = WriteConcern(w="majority", j=True)


def private_keys() -> dict[str, str]:
    """Settings with a new key of each kind."""
    pairs: dict[str, RSAPrivateKey | Ed25519PrivateKey] = {
        "RSA": generate_private_key(65537, 2048), "ED25519": Ed25519PrivateKey.generate(),
    }  # fmt: skip
    return {
        f"PADLOCK_DKIM_{kind}_KEY": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for kind, key in pairs.items()
    }


@dataclass
class Spent:
    """Processor time from the first mail that the sink took to the last, of the senders and of the database."""

    world: World
    taken: Callable[[], int]
    processes: list[Process]
    first: tuple[float, float, int] | None = None
    last: tuple[float, float, int] = (0.0, 0.0, 0)
    peak_mb: float = 0.0

    async def watch(self) -> None:
        while any(process.is_alive for process in self.processes):
            alive = [process for process in self.processes if process.is_alive]
            if (mails := self.taken()) and len(alive) == len(self.processes) and mails != self.last[2]:
                self.last = (sum(each.cpu_s for each in alive), self.world.cpu_of_database_s(), mails)
                self.first = self.first or self.last
                self.peak_mb = max(self.peak_mb, *(each.peak_mb for each in alive))
            await asyncio.sleep(_EVERY_S)

    @property
    def ms_a_mail(self) -> float:
        """Of senders and database together."""
        sender, database, mails = self._differences()
        return 1000 * (sender + database) / mails if mails else 0.0

    @property
    def sender_ms_a_mail(self) -> float:
        """Of senders alone."""
        sender, _, mails = self._differences()
        return 1000 * sender / mails if mails else 0.0

    def _differences(self) -> tuple[float, float, int]:
        assert self.first is not None
        (sender, database, mails), (sender_0, database_0, mails_0) = self.last, self.first
        return sender - sender_0, database - database_0, mails - mails_0


class Mailing:
    """A campaign to everybody, signed with Ed25519 alone and then with RSA-2048 beside it, against the bare loop.

    An RSA signature takes longer than the bare loop takes for a mail: what the rate of both is, is shown.
    """

    most_rounds = 5
    MOST_MS = round(POST_OFFICE_MS / 5, 2)
    RATES: ClassVar = {
        "ED25519": Metric("newsletters with cap, ledger, Ed25519", "/s"),
        "RSA": shown("newsletters with cap, ledger, RSA and Ed25519", "/s"),
    }
    CPU: ClassVar = {
        "ED25519": Metric("CPU of one, sender and database, Ed25519", "ms", most=MOST_MS),
        "RSA": Metric("CPU of one, sender and database, RSA, Ed25519", "ms", most=MOST_MS),
    }
    SENDER = shown("CPU of one, sender alone, Ed25519", "ms")

    def __init__(self) -> None:
        both = private_keys()
        self._keys = {"RSA": both, "ED25519": {name: key for name, key in both.items() if "ED25519" in name}}
        self._mails = Path()
        self._peak_mb = 0.0
        self._trouble = ""

    async def prepare(self, world: World) -> None:
        await asyncio.to_thread(find_smtp_sink)
        await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
        people = [(secrets.token_hex(16), f"Reader {n}", f"reader.{n}@example.com") for n in range(SUBSCRIBERS)]
        await plant(world, "ours", *sealed(world, people))
        self._mails = world.base / "mails"
        async with Sink(keep=True) as sink:  # the mails of the bare loop are those that ours has written
            await self._send(world, sink.port, lambda: sink.counts.mails, "RSA")
            self._mails.write_bytes(SEPARATOR.join(sink.kept))
        counts = sink.counts
        if counts.mails != SUBSCRIBERS or counts.most_for_one != 1 or counts.mistakes:
            self._trouble = f"mailing: {counts.mails} mails, {counts.most_for_one} for one, {counts.mistakes} mistakes"

    async def run(self, world: World, side: str, results: Results) -> None:
        if self._trouble:
            results.troubles.append(self._trouble)
        for kind in self._keys if side == "ours" else ["both"]:
            async with SmtpSink(world.base / "log") as sink:
                if side == "ours":
                    spent = await self._send(world, sink.port, sink.look, kind)
                    await self._check_ledger(world, results)
                    self._peak_mb = max(self._peak_mb, spent.peak_mb)
                else:
                    spent = await self._loop(world, sink)
                sink.look()
            if sink.mails != SUBSCRIBERS:
                results.troubles.append(f"{side} mailing: {sink.mails} mails")
            self._note(side, [kind] if side == "ours" else list(self._keys), sink.per_second, spent, results)

    async def _check_ledger(self, world: World, results: Results) -> None:
        """Everybody has one copy, accepted."""
        one = {"issues": {"$size": 1}, "issues.0.result": "accepted", "live": {"$exists": False}}
        got = await world.collection("ours", "mailer", "subscribers").count_documents(one)
        if got != SUBSCRIBERS:
            results.troubles.append(f"mailing: {got} of {SUBSCRIBERS} have exactly one accepted copy")

    def _note(self, side: str, kinds: Sequence[str], per_second: float, spent: Spent, results: Results) -> None:
        for kind in kinds:
            results.add(side, self.RATES[kind], per_second)
            results.add(side, self.CPU[kind], spent.ms_a_mail)
        if "ED25519" in kinds:
            results.add(side, self.SENDER, spent.sender_ms_a_mail)

    async def _send(self, world: World, port: int, taken: Callable[[], int], kind: str) -> Spent:
        await world.collection("ours", "mailer", "subscribers").update_many(
            {}, {"$set": {"months": {}}, "$unset": {"live": "", "issues": ""}}
        )
        await plan_campaign(world, "ours")
        process = await world.spawn(
            "ours", "mailer", "-m", "services.mailer", "send", PADLOCK_SMTP_URL=f"smtp://127.0.0.1:{port}",
            PADLOCK_SMTP_CONNECTIONS=str(CONNECTIONS), PADLOCK_APPROVAL_ABOVE=str(10 * SUBSCRIBERS), **self._keys[kind],
        )  # fmt: skip
        return await _watched(world, taken, process)

    async def _loop(self, world: World, sink: SmtpSink) -> Spent:
        process = await world.spawn(
            "raw", "mailer", "-m", "bench.raw_smtp", RAW_MAILS=str(self._mails), RAW_SMTP_PORT=str(sink.port),
            RAW_CONNECTIONS=str(CONNECTIONS),
        )  # fmt: skip
        return await _watched(world, sink.look, process)

    def memory(self) -> list[Memory]:
        return [Memory("ours mailer send with DKIM, at its peak", self._peak_mb, is_ours=True)]


async def _watched(world: World, taken: Callable[[], int], *processes: Process) -> Spent:
    spent = Spent(world, taken, list(processes))
    watching = asyncio.create_task(spent.watch())
    for process in processes:
        await process.wait_for_end()
    await watching
    return spent


class Claiming:
    """The claim alone: `Claims.claim` over ids at hand against one conditional `update_many` and one read."""

    most_rounds = 7
    RATE = Metric("claims alone, a thousand ids a call", "/s", least_ratio=0.6)

    async def prepare(self, world: World) -> None:
        await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
        people = [(secrets.token_hex(16), f"Reader {n}", f"reader.{n}@example.com") for n in range(CLAIMED)]
        await plant(world, "ours", *sealed(world, people))
        self._ids = sorted(who for who, _, _ in people)

    async def run(self, world: World, side: str, results: Results) -> None:
        subscribers = world.collection("ours", "mailer", "subscribers")
        await subscribers.update_many({}, {"$set": {"months": {}}, "$unset": {"live": "", "issues": ""}})
        claim = self._ours if side == "ours" else self._raw
        batches = [self._ids[at : at + BATCH] for at in range(0, len(self._ids), BATCH)]
        began = time.perf_counter()
        claimed = sum([await claim(world, batch) for batch in batches])
        results.add(side, self.RATE, claimed / (time.perf_counter() - began))
        if claimed != len(self._ids):
            results.troubles.append(f"{side}: {claimed} of {len(self._ids)} claimed")

    async def _ours(self, world: World, ids: list[str]) -> int:
        now = datetime.now(UTC)
        place = _calendar().place_at(now)
        claims = MongoClaims(world.client.get_database(world.sides["ours"].database("mailer"), write_concern=DURABLE))
        return len(await claims.claim(ids, Terms("c", TOPIC, place, "bench", new_token(12), now)))

    async def _raw(self, world: World, ids: list[str]) -> int:
        subscribers = world.collection("ours", "mailer", "subscribers").with_options(write_concern=DURABLE)
        months, fence = [*_calendar().place_at(datetime.now(UTC)).caps], new_token(12)
        wanted: dict[str, Any] = {"_id": {"$in": ids}, "state": "confirmed", "live": None}
        wanted |= {f"months.{month}": {"$not": {"$gte": 3}} for month in months}
        counted = {f"months.{month}": 1 for month in months}
        await subscribers.update_many(wanted, {"$set": {"live": {"fence": fence}}, "$inc": counted})
        return len(await subscribers.find({"_id": {"$in": ids}, "live.fence": fence}, {"_id": 1}).to_list(None))

    def memory(self) -> list[Memory]:
        return []


def _calendar() -> Calendar:
    from zoneinfo import ZoneInfo

    return Calendar(ZoneInfo("Asia/Tokyo"), CapTable.parse(DEFAULT))
