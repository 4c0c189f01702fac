"""Everything that a use case of mailer needs, opened once."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from services.mailer.bounces.mongo import MongoReturns
from services.mailer.bounces.store import Returns
from services.mailer.bounces.tags import ReturnPaths
from services.mailer.campaigns.mongo import MongoCampaigns, ensure_campaign_indexes
from services.mailer.campaigns.store import Campaigns
from services.mailer.config import Settings
from services.mailer.disclosure.trail import Disclosures, MongoDisclosures
from services.mailer.message.dkim import Signer
from services.mailer.mydata.forgotten import Forgotten, MongoForgotten
from services.mailer.notices.mongo import MongoNotices, ensure_notice_indexes
from services.mailer.notices.post import Post
from services.mailer.notices.store import Notices
from services.mailer.sending.mongo import MongoClaims, MongoRuns, ensure_run_indexes
from services.mailer.sending.ranges import Ranges
from services.mailer.sending.recipients import Recipients
from services.mailer.sending.rehearsal import Stage
from services.mailer.sending.run import Sending
from services.mailer.smtp.guard import GuardedRelay
from services.mailer.smtp.limits import Limits, parse_limits
from services.mailer.smtp.pool import MailRelay, RelayPool
from services.mailer.smtp.signed import SignedRelay
from services.mailer.subscribers import ensure_subscriber_indexes
from services.mailer.subscriptions.links import Links
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.subscriptions.store import Subscribers
from shared.answers import Answers, MongoAnswers, ensure_answer_indexes
from shared.bus import Bus
from shared.clock import Clock
from shared.datakeys import MongoDataKeys
from shared.health import Readiness
from shared.identity import IdentityVerifier
from shared.ids import new_id
from shared.leases import Leases
from shared.mongo import Database, database_time, open_database, translated
from shared.outbox import Announcer
from shared.personal import BlindIndex, DataKeys, PersonalFields
from shared.restored import MongoRestored, Restored
from shared.runtime import Runtime
from shared.sealing import Sealer, Unsealer


@dataclass(frozen=True, slots=True)
class Deps:
    """What use cases and edges are given."""

    settings: Settings
    clock: Clock
    new_id: Callable[[], str]
    subscribers: Subscribers
    campaigns: Campaigns
    sending: Sending
    notices: Notices
    post: Post
    ranges: Ranges
    forgotten: Forgotten
    restored: Restored
    answers: Answers
    data_keys: DataKeys
    links: Links
    disclosures: Disclosures
    returns: Returns
    return_paths: ReturnPaths
    people: PersonalFields
    index: BlindIndex
    sealer: Sealer
    unsealer: Unsealer
    announcer: Announcer
    leases: Leases
    identities: IdentityVerifier
    ready: Readiness
    open_stage: Callable[[Clock], AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def open_deps(runtime: Runtime) -> AsyncIterator[Deps]:
    """Build the stores on what the kit has opened; close the connections to the relay at the end."""
    settings = runtime.settings
    assert isinstance(settings, Settings)
    links = Links(runtime.keys, public_url=settings.public_url)
    limits = Limits(settings.smtp_per_second, parse_limits(settings.domain_limits))
    async with (
        open_relay(settings, runtime.clock, limits, stream="notices") as notice_relay,
        open_relay(settings, runtime.clock, limits, stream="newsletters") as newsletter_relay,
    ):
        sending = build_sending(
            runtime,
            settings,
            runtime.database,
            runtime.data_keys,
            links=links,
            relay=newsletter_relay,
            clock=runtime.clock,
            bus=runtime.bus,
        )
        notices = MongoNotices(runtime.database)
        yield Deps(
            settings=settings,
            clock=runtime.clock,
            new_id=new_id,
            subscribers=MongoSubscribers(runtime.database),
            campaigns=sending.campaigns,
            sending=sending,
            notices=notices,
            post=Post(
                settings,
                runtime.clock,
                runtime.keys,
                runtime.data_keys,
                notices=notices,
                runs=sending.runs,
                relay=notice_relay,
                restored=sending.restored,
            ),
            ranges=Ranges(sending, runtime.bus),
            forgotten=MongoForgotten(runtime.database),
            restored=sending.restored,
            answers=MongoAnswers(runtime.database, runtime.relay),
            data_keys=runtime.data_keys,
            links=links,
            disclosures=MongoDisclosures(runtime.database, runtime.keys, runtime.clock),
            returns=MongoReturns(runtime.database),
            return_paths=sending.return_paths,
            people=runtime.people,
            index=runtime.index,
            sealer=runtime.sealer,
            unsealer=runtime.unsealer,
            announcer=runtime.relay,
            leases=runtime.leases,
            identities=runtime.identities,
            ready=runtime.ready,
            open_stage=partial(_open_stage, runtime, settings, links, newsletter_relay),
        )


@asynccontextmanager
async def open_relay(settings: Settings, clock: Clock, limits: Limits, *, stream: str) -> AsyncIterator[MailRelay]:
    """Mails wait for their turn, are signed, and go over connections that are made when they are needed."""
    connections = settings.notice_connections if stream == "notices" else settings.smtp_connections
    pool = RelayPool(
        settings.relay,
        size=connections,
        hello=settings.mail_host,
        timeout_s=settings.smtp_timeout_s,
        dot_timeout_s=settings.smtp_dot_timeout_s,
    )
    try:
        yield GuardedRelay(SignedRelay(pool, Signer(settings.dkim_keys), clock), limits, stream)
    finally:
        await pool.close()


def build_sending(
    runtime: Runtime,
    settings: Settings,
    database: Database,
    data_keys: DataKeys,
    *,
    links: Links,
    relay: MailRelay,
    clock: Clock,
    bus: Bus | None = None,
) -> Sending:
    """What `send` needs, on one database and one clock."""
    return Sending(
        settings=settings,
        clock=clock,
        campaigns=MongoCampaigns(database),
        claims=MongoClaims(database),
        runs=MongoRuns(database),
        recipients=Recipients(runtime.keys, data_keys, links),
        return_paths=settings.return_paths(runtime.keys),
        relay=relay,
        database_time=partial(database_time, database),
        restored=MongoRestored(database),
        bus=bus,
    )


async def ensure_all_indexes(database: Database) -> None:
    """Create what is missing."""
    for ensure in (
        ensure_subscriber_indexes,
        ensure_campaign_indexes,
        ensure_notice_indexes,
        ensure_run_indexes,
        ensure_answer_indexes,
    ):
        await ensure(database)


@asynccontextmanager
async def _open_stage(
    runtime: Runtime, settings: Settings, links: Links, relay: MailRelay, clock: Clock
) -> AsyncIterator[Stage]:
    """A database of its own, emptied first, on a clock of its own; the relay is the real one."""
    async with open_database(settings.mongo_url.get_secret_value(), settings.rehearsals) as database:
        with translated():
            for name in await database.list_collection_names():
                await database.drop_collection(name)
        await ensure_all_indexes(database)
        data_keys = MongoDataKeys(database)  # beside what they open: nobody of these exists
        yield Stage(
            sending=build_sending(runtime, settings, database, data_keys, links=links, relay=relay, clock=clock),
            subscribers=MongoSubscribers(database),
            people=PersonalFields(runtime.keys, data_keys, purposes=settings.purposes),
            index=runtime.index,
        )
