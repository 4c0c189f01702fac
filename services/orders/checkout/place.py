"""A purchase, step by step.

1. The order is stored as `charging` under its attempt's key, beside the data key that opens it: of equal requests, one
   gets further.
2. What will be announced is prepared, and its units are held. They are held for a stored order only, so no hold is
   ever without an owner. Meanwhile it is screened (`screening`): only what is stored counts, and once.
3. The provider is asked once, with the order's id as its idempotency key; what is to be reviewed is only set aside.
4. The order ends: paid, with its event in the same write, or declined, as one that is blocked is too. Or it waits: the
   buyer's bank wants to see the buyer, or somebody of the shop looks first.

The charge stands between two writes: whoever dies between these steps leaves a `charging` order, which
`life.resolve` ends. That never charges: see there.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from services.orders.checkout.attempt import KeyUsedOtherwise, OutcomeUnknown, StillInFlight, attempt_of
from services.orders.checkout.card import Ending, KeptCard, keep, refuse_expired
from services.orders.checkout.clearing import cleared, is_captured, screened
from services.orders.checkout.pricing import Destination, Quote
from services.orders.checkout.requests import CheckoutRequest
from services.orders.deps import Deps
from services.orders.life.ask import ask_while_waiting
from services.orders.life.conclude import Announcement, announcement_of, conclude
from services.orders.life.domain import Attempt, Order, Personal
from services.orders.life.kept import seal_card, seal_ending
from services.orders.life.steps import Status
from services.orders.life.store import COLLECTION, KeyTaken
from services.orders.life.view import link_to
from services.orders.payments.provider import Card, Charge, ChargeRequest
from services.orders.persons import Contact, contact_key
from services.orders.quotes.usecases import get_quote, price_now
from services.orders.screening.marks import marks_of
from services.orders.stock.store import SoldOut
from shared.errors import DomainError, TransientError
from shared.personal import PersonKey, Place, WrappedKey
from shared.sealing import NoPublicKey


@dataclass(frozen=True, slots=True)
class Purchase:
    """A request as the route has read it. `account_id` is empty for a guest; `language` is the shopper's; `network` is
    where the request comes from, "" where that is not known.
    """

    request: CheckoutRequest
    key: str
    account_id: str
    language: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that has ended or waits for somebody.

    `is_replay` says that an earlier request placed it. `card` is what may be shown of the card, where this request has
    charged it; without it the view opens what is stored.
    """

    order: Order
    is_replay: bool
    card: Ending | None = None


async def place_order(deps: Deps, purchase: Purchase) -> Placed:
    """Buy, or say what became of the same purchase before.

    Raises:
        InvalidInput, SoldOut, QuoteExpired, QuoteMismatch: nothing is stored or charged.
        KeyUsedOtherwise, StillInFlight: the key belongs to another body, or to a request that has not ended.
        PersonErased: the account was erased a moment ago.
        OutcomeUnknown: the provider did not answer in time; the sweep resolves it.
        TransientError: the database is away; the card was not charged.
    """
    now = deps.clock()
    card = kept_card(purchase.request, now=now)
    attempt = attempt_of(deps.index, purchase.request, key=purchase.key, account_id=purchase.account_id, card=card)
    try:
        priced = await _price(deps, purchase)
    except DomainError:
        # What was bought with this key before stays bought, whatever the shop sells by now.
        if await deps.orders.find_by_key(attempt.key):
            return await _replay(deps, attempt)
        raise
    order, wrapped = await _draft(deps, purchase, attempt=attempt, priced=priced, card=card, at=now)
    try:
        await _store(deps, order, wrapped)
    except KeyTaken:
        return await _replay(deps, attempt)
    announcement = _prepared(deps, order, purchase.request.contact)
    _, verdict = await asyncio.gather(_hold(deps, order), screened(deps, order, card))
    order = await cleared(deps, replace(order, screening=verdict))
    if order.status is not Status.CHARGING:
        return Placed(order, is_replay=False)
    charge = await _charge(deps, order, purchase.request)
    ended = await _end(deps, order, charge, announcement)
    return Placed(ended, is_replay=False, card=card.ending)


def kept_card(request: CheckoutRequest, *, now: datetime) -> KeptCard:
    """What may be kept of the request's card.

    Raises:
        InvalidInput: field `/card/expiry`.
    """
    refuse_expired(request.card.expiry, now=now)
    return keep(request.card.number, expiry=request.card.expiry, holder=request.card.holder)


async def _price(deps: Deps, purchase: Purchase) -> Quote:
    request = purchase.request
    country = request.shipping.country
    if request.quote is not None:
        given = await get_quote(deps, request.quote)
        return given.for_purchase(request.lines, currency=request.currency, country=country, now=deps.clock())
    to = Destination(country, request.currency, request.language or purchase.language)
    return await price_now(deps, request.lines, to)


async def _draft(
    deps: Deps, purchase: Purchase, *, attempt: Attempt, priced: Quote, card: KeptCard, at: datetime
) -> tuple[Order, WrappedKey | None]:
    request, order_id = purchase.request, deps.new_id()
    person, wrapped = await _person(deps, purchase.account_id, order_id)
    fingerprint = deps.index.of("card", card.recognised_by)
    order = Order(
        id=order_id,
        number=deps.new_number(),
        status=Status.CHARGING,
        attempt=attempt,
        account_id=purchase.account_id,
        language=request.language or purchase.language,
        currency=priced.currency,
        country=request.shipping.country,
        lines=priced.lines,
        shipping_minor=priced.shipping_minor,
        tax=priced.tax,
        personal=_sealed(deps, person, request, card, order_id),
        card_fingerprint=fingerprint,
        newsletter=request.newsletter,
        created_at=at,
        contact_key="" if purchase.account_id else contact_key(deps.index, request.contact.email),
        marks=marks_of(
            deps.index,
            fingerprint=fingerprint,
            contact=request.contact,
            shipping=request.shipping,
            network=purchase.network,
        ),
    )
    return order, wrapped


async def _person(deps: Deps, account_id: str, order_id: str) -> tuple[PersonKey, WrappedKey | None]:
    """The account's key, or a new one for a guest, whom we know by this order only."""
    if account_id:
        return await deps.people.person(account_id), None
    return deps.people.new_person(f"order:{order_id}")


def _sealed(deps: Deps, person: PersonKey, request: CheckoutRequest, card: KeptCard, order_id: str) -> Personal:
    try:
        kept = seal_card(deps.one_way, person, card, order_id=order_id)
    except NoPublicKey as error:
        raise TransientError("the public key of cards is not published") from error
    return Personal(
        person_id=person.person_id,
        contact=person.seal_model(request.contact, Place(COLLECTION, "contact", order_id)),
        shipping=person.seal_model(request.shipping, Place(COLLECTION, "shipping", order_id)),
        card=kept,
        ending=seal_ending(person, card, order_id=order_id),
    )


async def _store(deps: Deps, order: Order, wrapped: WrappedKey | None) -> None:
    """Store the order and, beside it, the key that opens it; nothing is charged before both are there."""
    if wrapped is None:
        await deps.orders.add(order)
        return
    stored, keyed = await asyncio.gather(deps.orders.add(order), deps.data_keys.add(wrapped), return_exceptions=True)
    if isinstance(stored, KeyTaken):
        await deps.data_keys.withdraw(wrapped.person_id)
    for failure in (stored, keyed):
        if isinstance(failure, BaseException):
            raise failure


def _prepared(deps: Deps, order: Order, contact: Contact) -> Announcement:
    try:
        return announcement_of(deps, order, contact)
    except NoPublicKey as error:
        raise TransientError("a reader's public key is not published") from error


async def _hold(deps: Deps, order: Order) -> None:
    try:
        await deps.stock.reserve(order.id, order.wanted, at=order.created_at)
    except SoldOut:
        await deps.orders.withdraw(order.id)
        if not order.account_id:
            await deps.data_keys.withdraw(order.personal.person_id)
        raise


async def _charge(deps: Deps, order: Order, request: CheckoutRequest) -> Charge:
    card = Card(request.card.number, request.card.cvc, request.card.expiry, request.card.holder)
    return_url = link_to(deps, order, part="/payment")
    wanted = ChargeRequest(order.id, order.total_minor, order.currency, is_captured(order), return_url)
    try:
        return await deps.provider.charge(wanted, card=card)
    except TransientError:
        with suppress(TransientError):  # why it was let through, for the sweep that ends it; else it is not known
            await deps.orders.save(order)
        raise OutcomeUnknown(order) from None


async def _end(deps: Deps, order: Order, charge: Charge, announcement: Announcement) -> Order:
    try:
        return await conclude(deps, order, charge, announcement=announcement)
    except TransientError:
        raise OutcomeUnknown(order) from None


async def _replay(deps: Deps, attempt: Attempt) -> Placed:
    order = await deps.orders.find_by_key(attempt.key)
    if order is None:  # it has just ended without a charge, and given its key up
        raise StillInFlight
    if order.attempt.body != attempt.body:
        raise KeyUsedOtherwise
    if order.status is Status.CHARGING:
        raise StillInFlight
    with suppress(TransientError):  # then it waits a little longer
        order = await ask_while_waiting(deps, order)
    return Placed(order, is_replay=True)
