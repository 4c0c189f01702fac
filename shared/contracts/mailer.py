"""What mailer announces. Never an address: that is nobody else's business."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.contracts import persons
from shared.events import Contract


class SubscriptionChanged(Contract):
    """A subscription was confirmed or ended. `subscriber_id` is random and says nothing about the person."""

    TYPE: ClassVar[str] = "mailer.subscription.changed.v1"

    subscriber_id: str
    state: Literal["confirmed", "unsubscribed"]
    changed_at: AwareDatetime


class PersonExported(persons.PersonExported):
    """What mailer holds about a person."""

    TYPE: ClassVar[str] = "mailer.person.exported.v1"


class PersonErased(persons.PersonErased):
    """Mailer has forgotten a person, but for suppression and month counts, which hold no identity."""

    TYPE: ClassVar[str] = "mailer.person.erased.v1"


class RangePlanned(Contract):
    """Subscribers who are to get a campaign, by their stored keys: past `after`, up to and with `upto`.

    For mailer's own processes, which share them out. The keys are random and say nothing about persons.
    """

    TYPE: ClassVar[str] = "mailer.range.planned.v1"

    campaign_id: str
    after: str
    upto: str


CONTRACTS: tuple[type[Contract], ...] = (SubscriptionChanged, PersonExported, PersonErased, RangePlanned)
