"""What follows from mail that came back."""

import contextlib
import math
from collections.abc import Mapping

import structlog
from prometheus_client import Counter

from services.mailer.bounces.reading import Kind, Reading, read_return
from services.mailer.bounces.store import Noted, Return
from services.mailer.bounces.tags import Stream, Tag
from services.mailer.campaigns.domain import CampaignIsOver
from services.mailer.campaigns.usecases import pause_campaign
from services.mailer.deps import Deps
from services.mailer.notices.domain import CampaignFacts, Content
from services.mailer.notices.post import NoticeRequest
from services.mailer.sending.domain import Result
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import SubscriptionState, changed
from shared.errors import InvalidInput

RETURNS = Counter("padlock_mail_returns_total", "Mail that came back, by stream and kind.", ["stream", "kind"])
log = structlog.get_logger(__name__)


async def receive(deps: Deps, *, recipient: str, sender: str, message: bytes) -> bool:
    """Take in a mail that came back; whether it is about a copy of ours.

    Raises:
        TransientError: the database is away, or the copy's outcome is not stored yet: to be delivered again.
    """
    reading = read_return(message, is_null_sender=sender.strip("<> ") == "")
    tag = deps.return_paths.read(recipient) or _tag_named(deps, reading)
    if tag is None:
        RETURNS.labels(stream="unknown", kind=reading.kind or "none").inc()
        return False
    await take(deps, tag, reading)
    return True


def _tag_named(deps: Deps, reading: Reading) -> Tag | None:
    """A complaint goes to the address that was registered for complaints: the copy is named inside."""
    for path in reading.paths:
        if (tag := deps.return_paths.read(path)) is not None:
            return tag
    try:
        return Tag(Stream.NEWSLETTER, deps.links.read_subscriber(reading.link.partition("?t=")[2]), b"")
    except InvalidInput:
        return None


async def take(deps: Deps, tag: Tag, reading: Reading) -> None:
    """Note it; a hard bounce or a complaint ends the subscription, soft bounces do by their number.

    Told twice, it is as if it were told once.

    Raises:
        TransientError: see `receive`.
    """
    RETURNS.labels(stream=tag.stream.name.lower(), kind=reading.kind or "none").inc()
    if reading.kind is None:
        return
    noted = await deps.returns.note(Return(tag, reading.kind, reading.status, deps.clock()))
    if noted is None:
        return
    if _ends(deps, noted, reading.kind) and not noted.is_over:
        await _suppress(deps, noted.subscriber_id)
    if noted.campaign_id:
        await _watch(deps, noted.campaign_id)


def _ends(deps: Deps, noted: Noted, kind: Kind) -> bool:
    return kind is not Kind.SOFT or noted.soft >= deps.settings.soft_bounces


async def _suppress(deps: Deps, subscriber_id: str) -> None:
    now = deps.clock()
    event = changed(subscriber_id, SubscriptionState.UNSUBSCRIBED, at=now, event_id=deps.new_id())
    if await deps.subscribers.unsubscribe(subscriber_id, event, at=now):
        deps.announcer.announce(COLLECTION, subscriber_id, [event])
        log.info("subscription ended by what came back", subscriber_id=subscriber_id)


async def _watch(deps: Deps, campaign_id: str) -> None:
    """A flood of what came back pauses the campaign and tells staff: at the limit, and whenever it has doubled."""
    counts = await deps.returns.counts(campaign_id)
    settings = deps.settings
    least = {Kind.HARD: settings.bounces_least, Kind.COMPLAINT: settings.complaints_least}
    if not any(counts[kind] >= least[kind] and _is_looked_at(counts[kind]) for kind in least):
        return
    results = await deps.sending.claims.results(campaign_id)
    sent = results[Result.ACCEPTED] + results[Result.UNKNOWN]
    limits = {
        Kind.HARD: max(least[Kind.HARD], settings.bounces_percent * sent / 100),
        Kind.COMPLAINT: max(least[Kind.COMPLAINT], settings.complaints_percent * sent / 100),
    }
    for kind, limit in limits.items():
        if counts[kind] >= limit:
            facts = _facts(campaign_id, sent, counts)
            await _stop(deps, facts, f"{kind.value}:{int(math.log2(counts[kind] / limit))}")


def _is_looked_at(count: int) -> bool:
    """Of a large campaign's returns not each is held against all that was sent: 8 to 16 in each doubling are."""
    return count % max(1, 1 << max(0, count.bit_length() - 4)) == 0


def _facts(campaign_id: str, sent: int, counts: Mapping[Kind, int]) -> CampaignFacts:
    return CampaignFacts(number=campaign_id, sent=sent, bounced=counts[Kind.HARD], complained=counts[Kind.COMPLAINT])


async def _stop(deps: Deps, facts: CampaignFacts, level: str) -> None:
    key = f"flood:{facts.number}:{level}"
    if await deps.notices.find(key) is not None:
        return  # staff know, and may have resumed it
    with contextlib.suppress(CampaignIsOver):
        await pause_campaign(deps, facts.number)
    log.error("much of a campaign came back: it is paused", campaign_id=facts.number)
    content = Content(
        email=deps.settings.shop_contact, link=f"{deps.settings.public_url}/desk/newsletter", campaign=facts
    )
    await deps.post.take(NoticeRequest(key, "campaign-flood", "en", content))
