"""What a subscriber can do, one function each."""

from dataclasses import dataclass

import structlog

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.notices.domain import Content
from services.mailer.notices.post import NoticeRequest
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import (
    Person,
    Request,
    Subscription,
    SubscriptionState,
    Wishes,
    begin,
    changed,
)
from services.mailer.subscriptions.links import new_subscriber_id
from services.mailer.subscriptions.store import Changed
from shared.errors import TransientError
from shared.events import Event
from shared.personal import PersonalFields, PersonErased, Place

_TRIES = 5
ENDED = "unsubscribed"
"""The log line of an ended subscription."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks for newsletters."""

    email: str
    name: str


async def ask(deps: Deps, applicant: Applicant, request: Request) -> None:
    """Begin opting in: a confirmation mail goes out, unless it would be one too many or nothing is to be confirmed.

    Whoever asks learns nothing: it always ends the same way.
    """
    address_key = key_of(deps.index, applicant.email)
    for _ in range(_TRIES):
        try:
            asked = await _asked(deps, address_key, applicant, request)
        except Changed:
            continue
        if asked is not None:
            await send_confirmation(deps, asked, applicant, request)
        return
    raise TransientError("this address is being changed by somebody else")


async def _asked(deps: Deps, address_key: str, applicant: Applicant, request: Request) -> Subscription | None:
    now = deps.clock()
    found = await deps.subscribers.find_by_address(address_key)
    if found is None:
        subscriber_id = new_subscriber_id()
        person = await sealed_person(deps.people, subscriber_id, applicant, person_id=subscriber_id)
        subscription = begin(subscriber_id, address_key, request, person, at=now)
        await deps.subscribers.add(subscription)
        return subscription
    if found.state is SubscriptionState.CONFIRMED:
        return None
    asked = found.ask(request, await _sealed_again(deps, found, applicant), at=now)
    return None if asked is None else await deps.subscribers.save(asked, [])


async def _sealed_again(deps: Deps, found: Subscription, applicant: Applicant) -> Person:
    """Under the key that the person has; whoever was erased is another person to us, and gets another key."""
    if found.person is not None:
        try:
            return await sealed_person(deps.people, found.id, applicant, person_id=found.person.person_id)
        except PersonErased:  # at this very moment
            pass
    return await sealed_person(deps.people, found.id, applicant, person_id=new_subscriber_id())


async def sealed_person(people: PersonalFields, subscriber_id: str, applicant: Applicant, *, person_id: str) -> Person:
    """The subscriber's name and address under the data key of `person_id`.

    Raises:
        PersonErased: this person was erased.
    """
    person = await people.person(person_id)
    return Person(
        email=person.seal(applicant.email, Place(COLLECTION, "email", subscriber_id)),
        name=person.seal(applicant.name, Place(COLLECTION, "name", subscriber_id)),
        person_id=person_id,
    )


async def send_confirmation(deps: Deps, asked: Subscription, applicant: Applicant, request: Request) -> None:
    """The mail that asks to confirm; the same request sends it once."""
    link = deps.links.confirm_url(asked.id, asked.round, at=deps.clock())
    content = Content(email=applicant.email, link=link, topics=asked.topics)
    await deps.post.take(NoticeRequest(f"confirm:{request.key}", "confirm", asked.language, content))


async def confirm(deps: Deps, token: str) -> None:
    """Confirm by the mailed link; a second time changes nothing.

    Raises:
        InvalidInput: the token is incomplete.
        LinkIsOver: too old, or the subscription has ended since.
    """
    now = deps.clock()
    confirmation = deps.links.read_confirmation(token, at=now)
    for _ in range(_TRIES):
        subscription = await deps.subscribers.get(confirmation.subscriber_id)
        decided = subscription.confirm(confirmation.round, at=now, event_id=deps.new_id())
        if decided is None:
            return
        try:
            await _save(deps, decided[0], [decided[1]])
        except Changed:
            continue
        return
    raise TransientError("this subscription is being changed by somebody else")


async def _save(deps: Deps, subscription: Subscription, events: list[Event]) -> None:
    await deps.subscribers.save(subscription, events)
    deps.announcer.announce(COLLECTION, subscription.id, events)


async def unsubscribe(deps: Deps, token: str) -> None:
    """End the subscription by the link of any newsletter, however old; on return a majority has it as ended.

    Raises:
        InvalidInput: the token is incomplete.
    """
    await end(deps, deps.links.read_subscriber(token))


async def end(deps: Deps, subscriber_id: str) -> bool:
    """End a subscription; whether this call did it. The log tells by its id, for after a restore (`recovery`)."""
    now = deps.clock()
    event = changed(subscriber_id, SubscriptionState.UNSUBSCRIBED, at=now, event_id=deps.new_id())
    is_ended = await deps.subscribers.unsubscribe(subscriber_id, event, at=now)
    if is_ended:
        deps.announcer.announce(COLLECTION, subscriber_id, [event])
        log.info(ENDED, subscriber_id=subscriber_id)
    return is_ended


async def preferences(deps: Deps, token: str) -> Subscription:
    """The subscription that the link belongs to.

    Raises:
        InvalidInput: the token is incomplete.
    """
    return await deps.subscribers.get(deps.links.read_subscriber(token))


async def prefer(deps: Deps, token: str, wishes: Wishes) -> Subscription:
    """Choose topics, language, a pause and fewer: on return no copy that goes against it begins its final dot.

    Raises:
        InvalidInput: the token is incomplete.
        NotSubscribed: there is nothing to choose any more.
    """
    for _ in range(_TRIES):
        subscription = await preferences(deps, token)
        try:
            saved = await deps.subscribers.save(subscription.prefer(wishes, at=deps.clock()), [])
        except Changed:
            continue
        await deps.sending.claims.release(saved.id)
        return saved
    raise TransientError("this subscription is being changed by somebody else")


async def forget(deps: Deps, subscriber_id: str) -> None:
    """Erase the person. The address's hash, its state and its month counts stay, so that the cap does."""
    await end(deps, subscriber_id)
    person = (await deps.subscribers.get(subscriber_id)).person
    if person is not None:  # first the key: the document tells which one it was
        await deps.people.erase(person.person_id)
    await deps.subscribers.forget(subscriber_id)
