"""Newsletters on a real database, into the test's own mail server, by one process or by many that may be killed."""

import asyncio
import re
import sys
from dataclasses import dataclass, field
from functools import partial

from services.mailer.addresses import cap_identity
from services.mailer.campaigns.domain import Content, plan
from services.mailer.campaigns.mongo import MongoCampaigns
from services.mailer.sending.mongo import MongoClaims, MongoRuns
from services.mailer.sending.progress import Progress
from services.mailer.sending.ranges import Ranges
from services.mailer.sending.recipients import Recipients
from services.mailer.sending.run import Sending
from services.mailer.sending.usecases import send_due
from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.pool import RelayPool
from services.mailer.subscriptions.domain import Request, SubscriptionState, begin, changed
from services.mailer.subscriptions.links import Links, new_subscriber_id
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.subscriptions.usecases import Applicant, sealed_person
from services.mailer.testing.harness import settings_for
from shared.broker import open_bus
from shared.bus import Bus
from shared.datakeys import MongoDataKeys
from shared.keys import Key
from shared.mongo import Database, beside, database_time, open_database
from shared.personal import BlindIndex, PersonalFields
from shared.secrets import Secret
from shared.testing.clock import FixedClock
from shared.testing.keys import MemoryKeys

RANGE = 100
"""Recipients in a range; nobody shares out less."""
_AT_ONCE = 500
_ISSUE = re.compile(rb"\r\nFeedback-ID: ([^:\r]+):")


@dataclass
class Press:
    """Newsletters on a real database, into a real mail server, on a clock that tests set."""

    database: Database
    port: int
    clock: FixedClock = field(default_factory=FixedClock)
    keys: MemoryKeys = field(default_factory=MemoryKeys)

    def __post_init__(self) -> None:
        self.settings = settings_for(
            self.port, smtp_connections=4, run_ttl_s=2, approval_above=1_000_000, range_size=RANGE
        )
        self.subscribers = MongoSubscribers(self.database)
        self.campaigns = MongoCampaigns(self.database)
        self.claims = MongoClaims(self.database)
        self.data_keys = MongoDataKeys(beside(self.database, f"{self.database.name}_keys"))
        self.people = PersonalFields(self.keys, self.data_keys, purposes=self.settings.purposes)
        self.index = BlindIndex(self.keys.get("index", 1))
        self.links = Links(self.keys, public_url=self.settings.public_url)

    def sending(self, bus: Bus | None = None) -> Sending:
        """What a run needs."""
        pool = RelayPool(
            RelayAddress("127.0.0.1", self.port), size=4, hello="shop.example", timeout_s=5, dot_timeout_s=1
        )
        return Sending(
            settings=self.settings,
            clock=self.clock,
            campaigns=self.campaigns,
            claims=self.claims,
            runs=MongoRuns(self.database),
            recipients=Recipients(self.keys, self.data_keys, self.links),
            return_paths=self.settings.return_paths(self.keys),
            relay=pool,
            database_time=partial(database_time, self.database),
            pauses_s=(0.01, 0.02),
            bus=bus,
        )

    async def subscribe(self, count: int) -> list[str]:
        """Confirmed subscribers to offers: the ids of `reader-0000@example.org` and so on."""
        ids: list[str] = []
        for first in range(0, count, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, count))
            ids += await asyncio.gather(*(self._subscriber(f"reader-{n:04}@example.org") for n in numbers))
        return ids

    async def _subscriber(self, address: str) -> str:
        subscriber_id = new_subscriber_id()
        person = await sealed_person(self.people, subscriber_id, Applicant(address, "Reader"), person_id=subscriber_id)
        key = self.index.of("address", cap_identity(address))
        asked = begin(subscriber_id, key, Request("r", ("offers",), "en", "test"), person, at=self.clock())
        await self.subscribers.add(asked)
        confirmed = asked.confirm(1, at=self.clock(), event_id="e")
        assert confirmed is not None
        await self.subscribers.save(confirmed[0], [])
        return subscriber_id

    async def campaign(self, key: str) -> None:
        """A campaign about offers, due now."""
        content = Content("News", "Hello {{ name }}")
        now = self.clock()
        campaign = plan(
            id=key, topic="offers", content={"en": content}, send_at=now, not_after=None, now=now, by="staff",
            hosts=self.settings.link_hosts,
        )  # fmt: skip
        await self.campaigns.add(campaign)

    async def send(self, bus: Bus | None = None) -> Progress:
        """One run, alone or sharing the work out."""
        sending, progress = self.sending(bus), Progress()
        try:
            await send_due(sending, stop=asyncio.Event(), progress=progress)
        finally:
            assert isinstance(sending.relay, RelayPool)
            await sending.relay.close()
        return progress

    async def leave(self, subscriber: str) -> None:
        """Unsubscribe."""
        event = changed(subscriber, SubscriptionState.UNSUBSCRIBED, at=self.clock(), event_id=f"e-{subscriber}")
        await self.subscribers.unsubscribe(subscriber, event, at=self.clock())

    async def work(self, bus: Bus) -> None:
        """Work off ranges until killed."""
        await Ranges(self.sending(bus), bus).run(asyncio.Event())

    def command(self, mongo_url: str, *, works_for: str = "") -> tuple[str, ...]:
        """A process that makes one run, or works off ranges of the broker at `works_for`, and may be killed."""
        secrets = (self.keys.get(purpose, 1).secret.reveal().hex() for purpose in _PURPOSES)
        return (sys.executable, "-m", __spec__.name, mongo_url, self.database.name, str(self.port), works_for, *secrets)


_PURPOSES = ("fields", "link")


def issue_of(message: bytes) -> str:
    """Which campaign a copy is of."""
    found = _ISSUE.search(message)
    assert found is not None
    return found[1].decode()


async def main(url: str, name: str, port: str, works_for: str, *secrets: str) -> None:
    """See `Press.command`."""
    keys = MemoryKeys()
    for purpose, text in zip(_PURPOSES, secrets, strict=True):
        keys.put(Key(purpose, 1, Secret(bytes.fromhex(text))))
    async with open_database(url, name) as database:
        press = Press(database, int(port), keys=keys)
        if not works_for:
            await press.send()
            return
        async with open_bus(works_for, name="press") as bus:
            await press.work(bus)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
