"""A mailer on memory stores, a fixed clock and a real mail server on loopback."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from services.mailer.addresses import cap_identity
from services.mailer.campaigns.domain import Campaign, Content, plan
from services.mailer.config import Settings
from services.mailer.deps import Deps
from services.mailer.message.dkim import Signer
from services.mailer.notices.post import Post
from services.mailer.sending.progress import Progress
from services.mailer.sending.ranges import Ranges
from services.mailer.sending.recipients import Recipients
from services.mailer.sending.rehearsal import Stage
from services.mailer.sending.run import Sending
from services.mailer.sending.usecases import send_due
from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.pool import RelayPool
from services.mailer.smtp.signed import SignedRelay
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import Person, Request, SubscriptionState, begin
from services.mailer.subscriptions.links import Links, new_subscriber_id
from services.mailer.testing.memory import MemoryClaims, MemoryRuns, MemorySubscribers
from services.mailer.testing.memory_bounces import MemoryReturns
from services.mailer.testing.memory_campaigns import MemoryCampaigns
from services.mailer.testing.memory_disclosures import MemoryDisclosures
from services.mailer.testing.memory_forgotten import MemoryForgotten
from services.mailer.testing.memory_notices import MemoryNotices
from services.mailer.testing.sink import Sink, running_sink
from shared.clock import Clock
from shared.ids import new_id
from shared.leases import Leases
from shared.personal import BlindIndex, PersonalFields, Place
from shared.testing.answers import MemoryAnswers
from shared.testing.bus import MemoryBus
from shared.testing.clock import FixedClock
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.identity import SigningAuth
from shared.testing.keys import MemoryKeys
from shared.testing.relay import MemoryRelay
from shared.testing.restored import MemoryRestored
from shared.testing.sealing import MemorySealing


def settings_for(port: int, **changes: object) -> Settings:
    """Settings of a test: small times, two connections."""
    values: dict[str, object] = {
        "public_url": "https://shop.example",
        "http_port": 0,
        "mongo_url": "mongodb://unused",
        "amqp_url": "amqp://unused",
        "key_dir": Path("/nonexistent"),
        "seal_keys_dir": Path("/nonexistent"),
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "smtp_url": f"smtp://127.0.0.1:{port}",
        "mail_from": "Tokyoflash Japan <news@shop.example>",
        "smtp_connections": 2,
        "smtp_timeout_s": 5,
        "smtp_dot_timeout_s": 1,
        "run_ttl_s": 1,
    }
    return Settings.model_validate(values | changes)


@dataclass
class Shop:
    """Everything that a test needs to send newsletters."""

    settings: Settings
    sink: Sink
    clock: FixedClock = field(default_factory=FixedClock)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    data_keys: MemoryDataKeys = field(default_factory=MemoryDataKeys)
    subscribers: MemorySubscribers = field(default_factory=MemorySubscribers)
    campaigns: MemoryCampaigns = field(default_factory=MemoryCampaigns)

    def __post_init__(self) -> None:
        self.claims = MemoryClaims(self.subscribers.records)
        self.runs = MemoryRuns()
        self.returns = MemoryReturns(self.subscribers.records)
        self.disclosures = MemoryDisclosures(self.keys, self.clock)
        self.return_paths = self.settings.return_paths(self.keys)
        self.links = Links(self.keys, public_url=self.settings.public_url)
        self.people = PersonalFields(self.keys, self.data_keys, purposes=self.settings.purposes)
        self.index = BlindIndex(self.keys.get("index", 1))
        self.notices = MemoryNotices()
        self.sealing = MemorySealing("mailer", "warranty", "auth")
        self.forgotten = MemoryForgotten()
        self.restored = MemoryRestored()
        self.answers = MemoryAnswers()
        self.relay = MemoryRelay()
        self.bus = MemoryBus()
        self.auth = SigningAuth("mailer", self.clock)
        self.pool = RelayPool(
            RelayAddress("127.0.0.1", self.sink.port),
            size=self.settings.smtp_connections,
            hello=self.settings.mail_host,
            timeout_s=self.settings.smtp_timeout_s,
            dot_timeout_s=self.settings.smtp_dot_timeout_s,
        )
        self.outgoing = SignedRelay(self.pool, Signer(self.settings.dkim_keys), self.clock)

    def sending(self, **changes: object) -> Sending:
        """What `send_due` needs."""
        values: dict[str, object] = {
            "settings": self.settings,
            "clock": self.clock,
            "campaigns": self.campaigns,
            "claims": self.claims,
            "runs": self.runs,
            "recipients": Recipients(self.keys, self.data_keys, self.links),
            "return_paths": self.return_paths,
            "relay": self.outgoing,
            "database_time": self._time,
            "wall_clock": self.clock,
            "pauses_s": (0.01, 0.02),
            "restored": self.restored,
        }
        return Sending(**(values | changes))  # type: ignore[arg-type]

    def deps(self) -> Deps:
        """What use cases and edges are given."""
        sending = self.sending()
        self.post = Post(
            self.settings,
            self.clock,
            self.keys,
            self.data_keys,
            notices=self.notices,
            runs=self.runs,
            relay=self.outgoing,
            restored=self.restored,
        )
        return Deps(
            settings=self.settings,
            clock=self.clock,
            new_id=new_id,
            subscribers=self.subscribers,
            campaigns=self.campaigns,
            sending=sending,
            notices=self.notices,
            post=self.post,
            ranges=Ranges(sending, self.bus),
            forgotten=self.forgotten,
            restored=self.restored,
            answers=self.answers,
            data_keys=self.data_keys,
            links=self.links,
            disclosures=self.disclosures,
            returns=self.returns,
            return_paths=self.return_paths,
            people=self.people,
            index=self.index,
            sealer=self.sealing.sealer,
            unsealer=self.sealing.unsealer("mailer"),
            announcer=self.relay,
            leases=NO_LEASES,
            identities=self.auth.verifier,
            ready=_is_ready,
            open_stage=self._open_stage,
        )

    @asynccontextmanager
    async def _open_stage(self, clock: Clock) -> AsyncIterator[Stage]:
        subscribers = MemorySubscribers()
        changes = {
            "campaigns": MemoryCampaigns(),
            "claims": MemoryClaims(subscribers.records),
            "runs": MemoryRuns(),
            "clock": clock,
        }
        yield Stage(self.sending(**changes), subscribers, self.people, self.index)

    async def mails(self) -> list[tuple[str, EmailMessage]]:
        """Deliver the service mails that are due; everything that has arrived so far, read as a mail reader does."""
        await self.post.deliver_due()
        return [(recipient, read_mail(message)) for recipient, message in self.sink.messages]

    async def _time(self) -> datetime:
        return self.clock()

    async def subscriber(self, email: str = "ann@example.org", *, name: str = "Ann", language: str = "en") -> str:
        """A confirmed subscriber to offers."""
        subscriber_id = new_subscriber_id()
        person = await self.people.person(subscriber_id)
        sealed = Person(
            email=person.seal(email, Place(COLLECTION, "email", subscriber_id)),
            name=person.seal(name, Place(COLLECTION, "name", subscriber_id)),
            person_id=subscriber_id,
        )
        key = self.index.of("address", cap_identity(email))
        request = Request("r", ("offers",), language, "test")
        subscription = begin(subscriber_id, key, request, sealed, at=self.clock())
        await self.subscribers.add(subscription)
        confirmed, _ = subscription.confirm(1, at=self.clock(), event_id="e") or (None, None)
        assert confirmed is not None
        assert confirmed.state is SubscriptionState.CONFIRMED
        await self.subscribers.save(confirmed, [])
        return subscriber_id

    async def campaign(
        self, id: str = "c-1", *, send_at: datetime | None = None, not_after: datetime | None = None
    ) -> Campaign:
        """A campaign about offers, due now."""
        campaign = plan(
            id=id,
            topic="offers",
            content={
                "en": Content("News", "Hello {{ name }},\n\nissue " + id),
                "ja": Content("\u304a\u77e5\u3089\u305b", "{{ name }} \u69d8"),
            },
            send_at=send_at or self.clock(),
            not_after=not_after,
            now=self.clock(),
            by="staff",
            hosts=self.settings.link_hosts,
        )
        await self.campaigns.add(campaign)
        return campaign

    async def send(self, **changes: object) -> Progress:
        """One run."""
        progress = Progress()
        await send_due(self.sending(**changes), stop=asyncio.Event(), progress=progress)
        return progress

    def later(self, **passed: float) -> None:
        """Move the clock."""
        self.clock.at += timedelta(**passed)


NO_LEASES = cast("Leases", None)
"""Only `schedule` takes leases, and that is tested on the real database."""


async def _is_ready() -> dict[str, bool]:
    return {"database": True}


def read_mail(message: bytes) -> EmailMessage:
    """As a mail reader sees it."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def body_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The text part, or the one in HTML."""
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


@asynccontextmanager
async def open_shop(**changes: object) -> AsyncIterator[Shop]:
    """A shop with its own mail server."""
    async with running_sink() as sink:
        shop = Shop(settings_for(sink.port, **changes), sink)
        try:
            yield shop
        finally:
            await shop.pool.close()
