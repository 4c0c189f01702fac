"""The mails that auth asks mailer to send: events with a recipient that only mailer can read."""

from datetime import datetime

from shared.contracts.auth import MailTemplate, MessageRequested, Recipient
from shared.events import Event
from shared.ids import new_id
from shared.sealing import Sealer

READER = "mailer"


def mail(
    sealer: Sealer,
    template: MailTemplate,
    recipient: Recipient,
    *,
    account_id: str,
    at: datetime,
    language: str = "en",
    expires_at: datetime | None = None,
) -> Event:
    """A mail to be announced with the write that causes it. The event's id is the mail's natural key."""
    event_id = new_id()
    sealed = sealer.seal_for(
        {READER: recipient}, event_type=MessageRequested.TYPE, event_id=event_id, field="recipient"
    )
    requested = MessageRequested(
        message_id=event_id,
        template=template,
        language=language,
        requested_at=at,
        expires_at=expires_at,
        recipient=sealed,
    )
    return Event.of(requested, id=event_id, subject=account_id, at=at)
