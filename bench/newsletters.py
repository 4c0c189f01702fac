"""Newsletters into the bench's own sink: the same subscribers on both sides, sealed as each side seals them."""

import asyncio
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.processes import Process
from bench.raw_parts import Person
from bench.report import Memory, Metric, Results
from bench.sink import Sink
from bench.world import World
from shared.ids import new_id
from shared.keys import FileKeys
from shared.personal import PersonalFields, Place
from shared.testing.datakeys import MemoryDataKeys

SUBSCRIBERS = 4000
TOPIC = "offers"
SUBJECT = "New watches"
MARKDOWN = "Hello {{ name }},\n\n" + 12 * "A new watch has arrived, and it shows the time in lines of light.\n"


class Newsletters:
    """A campaign to everybody, from the first mail that the sink takes to the last."""

    most_rounds = 3
    RATE = Metric("newsletters into a local sink, cap on", "/s")

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}

    async def prepare(self, world: World) -> None:
        await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
        people = [(secrets.token_hex(16), _name(n), f"reader.{n}@example.com") for n in range(SUBSCRIBERS)]
        await plant(world, "ours", *sealed(world, people))
        await plant(world, "raw", *_raw(world, people))
        raw = world.collection("raw", "mailer", "subscribers")
        await raw.create_index([("state", 1), ("topics", 1), ("_id", 1)])
        await raw.create_index("address_key", unique=True)
        await raw.create_index(
            [("live.campaign", 1), ("live.run", 1)], partialFilterExpression={"live.campaign": {"$exists": True}}
        )
        await raw.create_index([("issues.campaign", 1), ("issues.result", 1)])

    async def run(self, world: World, side: str, results: Results) -> None:
        subscribers = world.collection(side, "mailer", "subscribers")
        await subscribers.update_many({}, {"$set": {"months": {}}, "$unset": {"live": "", "issues": ""}})
        async with Sink() as sink:
            await self._send(world, side, sink, await plan_campaign(world, side))
        counts = sink.counts
        if counts.mails != SUBSCRIBERS or counts.most_for_one != 1 or counts.mistakes:
            results.troubles.append(
                f"{side} newsletters: {counts.mails} mails for {SUBSCRIBERS} subscribers, "
                f"{counts.most_for_one} for one, {counts.mistakes} protocol errors"
            )
        results.add(side, self.RATE, counts.per_second)

    async def _send(self, world: World, side: str, sink: Sink, campaign: str) -> None:
        if side == "raw":
            process = await world.spawn(
                side, "mailer", "-m", "bench.raw_mailer", RAW_CAMPAIGN=campaign, RAW_SMTP_PORT=str(sink.port)
            )
        else:
            process = await world.spawn(
                side, "mailer", "-m", "services.mailer", "send", PADLOCK_SMTP_URL=f"smtp://127.0.0.1:{sink.port}"
            )
        watch = asyncio.create_task(self._watch(side, process))
        await process.wait_for_end()
        await watch

    async def _watch(self, side: str, process: Process) -> None:
        """The most memory that a run took."""
        while process.is_alive:
            self._peaks[side] = max(self._peaks.get(side, 0.0), process.peak_mb)
            await asyncio.sleep(0.1)

    def memory(self) -> list[Memory]:
        return [Memory(f"{side} mailer send, at its peak", mb, side == "ours") for side, mb in self._peaks.items()]


async def plan_campaign(world: World, side: str) -> str:
    """A campaign to everybody, due now; its id."""
    if side == "raw":
        return secrets.token_hex(8)
    from services.mailer.campaigns.domain import Campaign, Content
    from services.mailer.campaigns.mongo import MongoCampaigns

    now = datetime.now(UTC)
    campaign = Campaign(
        new_id(), TOPIC, {"en": Content(SUBJECT, MARKDOWN)}, now, now + timedelta(hours=1), now, "bench"
    )
    await MongoCampaigns(world.client[world.sides[side].database("mailer")]).add(campaign)
    return campaign.id


def _name(n: int) -> str:
    return f"Jürgen Müller {n}" if n % 10 == 0 else f"Reader {n}"


async def plant(world: World, side: str, subscribers: list[Any], data_keys: list[Any]) -> None:
    """Store these and nobody else."""
    rows = {
        world.collection(side, "mailer", "subscribers"): subscribers,
        world.keys_collection(side, "mailer"): data_keys,
    }
    for collection, documents in rows.items():
        await collection.delete_many({})
        await collection.insert_many(documents)


def sealed(world: World, people: list[tuple[str, str, str]]) -> tuple[list[Any], list[Any]]:
    keys = FileKeys(world.base / "keys" / "mailer")
    fields = PersonalFields(keys, MemoryDataKeys(), purposes=[])
    subscribers, data_keys = [], []
    for who, name, email in people:
        person, wrapped = fields.new_person(who)
        document = document_of(who) | {"person": who}
        document["email"] = person.seal(email, Place("subscribers", "email", who))
        document["name"] = person.seal(name, Place("subscribers", "name", who))
        subscribers.append(document)
        data_keys.append({"_id": who, "kek": wrapped.kek_version, "box": wrapped.box})
    return subscribers, data_keys


def _raw(world: World, people: list[tuple[str, str, str]]) -> tuple[list[Any], list[Any]]:
    kek = AESGCM(bytes.fromhex(world.secret))
    subscribers, data_keys = [], []
    for who, name, email in people:
        person = Person(who, kek)
        document = document_of(who)
        document["email"] = person.seal(email.encode(), f"subscribers|email|{who}")
        document["name"] = person.seal(name.encode(), f"subscribers|name|{who}")
        subscribers.append(document)
        data_keys.append(person.wrapped)
    return subscribers, data_keys


def document_of(who: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    consent = {"source": "bench", "wording": "2026-11", "requested_at": now, "confirmed_at": now}
    return {
        "_id": who, "address_key": os.urandom(32).hex(), "revision": 1, "months": {}, "state": "confirmed",
        "topics": [TOPIC], "language": "en", "round": 1, "consent": consent, "asks": {"day": "", "keys": []},
        "changed_at": now,
    }  # fmt: skip
