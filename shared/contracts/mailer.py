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


CONTRACTS: tuple[type[Contract], ...] = (SubscriptionChanged, PersonExported, PersonErased)
