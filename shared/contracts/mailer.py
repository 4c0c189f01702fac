"""What mailer announces. Never an address: that is nobody else's business."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.events import Contract


class SubscriptionChanged(Contract):
    """A subscription was confirmed or ended. `subscriber_id` is random and says nothing about the person."""

    TYPE: ClassVar[str] = "mailer.subscription.changed.v1"

    subscriber_id: str
    state: Literal["confirmed", "unsubscribed"]
    changed_at: AwareDatetime


CONTRACTS: tuple[type[Contract], ...] = (SubscriptionChanged,)
