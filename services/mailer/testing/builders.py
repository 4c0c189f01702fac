"""Things that tests begin with, stating only what the test is about."""

from datetime import datetime

from services.mailer.months import CapPlace, Month
from services.mailer.sending.domain import Terms
from services.mailer.subscriptions.domain import Consent, Person, Subscription, SubscriptionState
from services.mailer.subscriptions.links import new_subscriber_id
from shared.testing.clock import NOON

NOVEMBER: Month = "2026-11"
FEBRUARY: Month = "2027-02"


def a_subscription(
    id: str | None = None,
    *,
    state: SubscriptionState = SubscriptionState.CONFIRMED,
    topics: tuple[str, ...] = ("offers",),
    language: str = "en",
    address_key: str = "",
    at: datetime = NOON,
    paused_until: datetime | None = None,
    fewer: bool = False,
) -> Subscription:
    """A confirmed subscription to offers."""
    chosen = id or new_subscriber_id()
    return Subscription(
        id=chosen,
        address_key=address_key or f"key-{chosen}",
        state=state,
        topics=topics,
        language=language,
        consent=Consent("page", "2026-11", at),
        changed_at=at,
        person=Person(b"sealed email", b"sealed name", chosen),
        paused_until=paused_until,
        fewer=fewer,
    )


def terms(
    campaign_id: str = "c-1",
    *,
    fence: str = "f-1",
    run_id: str = "r-1",
    caps: dict[Month, int] | None = None,
    topic: str = "offers",
    at: datetime = NOON,
) -> Terms:
    """Terms under the cap of November."""
    caps = caps or {NOVEMBER: 3}
    return Terms(campaign_id, topic, CapPlace(next(iter(caps)), caps), run_id, fence, at)
