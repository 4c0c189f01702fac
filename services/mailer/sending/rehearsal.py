"""A rehearsal of another month: the very same sending, on its own clock and database, to invented subscribers."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from services.mailer.addresses import cap_identity
from services.mailer.campaigns.domain import Content, plan
from services.mailer.sending.progress import Progress
from services.mailer.sending.run import Sending
from services.mailer.sending.usecases import send_due
from services.mailer.smtp.pool import BeforeDot, Delivery, MailRelay
from services.mailer.smtp.session import Envelope, Outcome
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import Person, Request, begin
from services.mailer.subscriptions.links import new_subscriber_id
from services.mailer.subscriptions.store import Subscribers
from shared.ids import new_id, new_token
from shared.personal import BlindIndex, PersonalFields, Place

TOPIC = "offers"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a rehearsal takes place: an empty database, its own clock, the real relay."""

    sending: Sending
    subscribers: Subscribers
    people: PersonalFields
    index: BlindIndex


async def rehearse(stage: Stage, *, subscribers: int, issues: int) -> dict[str, int]:
    """Send `issues` campaigns, one by one, to `subscribers` people; returns what the relay took, by address."""
    run = new_token(4).lower().replace("_", "x").replace("-", "y")
    addresses = [f"rehearsal-{run}-{number:03}@example.org" for number in range(1, subscribers + 1)]
    for address in addresses:
        await _confirmed_subscriber(stage, address)
    counted = _Counted(stage.sending.relay)
    sending = replace(stage.sending, relay=counted)
    for number in range(1, issues + 1):
        await _plan_issue(sending, number)
        await send_due(sending, stop=asyncio.Event(), progress=Progress())
    return {address: counted.accepted[address] for address in addresses}


async def _confirmed_subscriber(stage: Stage, address: str) -> None:
    subscriber_id = new_subscriber_id()
    now = stage.sending.clock()
    key = await stage.people.person(subscriber_id)
    person = Person(
        email=key.seal(address, Place(COLLECTION, "email", subscriber_id)),
        name=key.seal("Rehearsal", Place(COLLECTION, "name", subscriber_id)),
        person_id=key.person_id,
    )
    request = Request(new_id(), (TOPIC,), "en", "rehearsal")
    asked = begin(subscriber_id, stage.index.of("address", cap_identity(address)), request, person, at=now)
    await stage.subscribers.add(asked)
    decided = asked.confirm(asked.round, at=now, event_id=new_id())
    assert decided is not None
    await stage.subscribers.save(decided[0], [])


async def _plan_issue(sending: Sending, number: int) -> None:
    now = sending.clock()
    content = Content(f"Rehearsal, issue {number}", f"Hello {{{{ name }}}},\n\nthis is rehearsed issue {number}.")
    campaign = plan(
        id=new_id(),
        topic=TOPIC,
        content={"en": content},
        send_at=now,
        not_after=now + timedelta(hours=1),
        now=now,
        by="rehearsal",
        hosts=sending.settings.link_hosts,
    )
    await sending.campaigns.add(campaign)


class _Counted:
    """A relay that notes what it took."""

    def __init__(self, relay: MailRelay) -> None:
        self._relay = relay
        self.accepted: Counter[str] = Counter()

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """See `MailRelay.deliver`."""
        delivery = await self._relay.deliver(envelope, message, before_dot=before_dot)
        self.accepted[envelope.recipient] += delivery.outcome is Outcome.ACCEPTED
        return delivery
