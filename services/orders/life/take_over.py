"""A guest's order becomes an account's own, once its owner has shown that they read the guest's mails."""

import hmac
from dataclasses import replace
from datetime import UTC, datetime

from services.orders.deps import Deps
from services.orders.life.change import change
from services.orders.life.domain import Order
from services.orders.life.finish import finish_soon
from services.orders.life.reseal import owned_by
from services.orders.life.store import COLLECTION
from services.orders.persons import Contact
from shared.contracts.orders import Buyer, OrderClaimed
from shared.errors import NotFound, TransientError
from shared.events import Event
from shared.personal import Place
from shared.sealing import NoPublicKey

_SECONDS_DIGITS = 10


class ClaimLinkUnknown(NotFound):
    """The link is not of this order, is over a day old, or the order is another account's by now."""

    code = "claim-link-unknown"


async def claim_order(deps: Deps, account_id: str, order_id: str, token: str) -> Order:
    """Make a guest's order this account's own. `token` comes from the mail, so whoever has it reads that mailbox.

    What is personal is sealed anew under the account's key in the write that changes whose it is; the guest's key goes
    after it. Asked again by the same account it changes nothing.

    Raises:
        ClaimLinkUnknown: see there.
        PersonErased: the guest's data, or the account, was erased.
        TransientError: not done, or finished by the sweep.
    """
    order = await deps.orders.find(order_id)
    if order is None or not _is_good(deps, order, token):
        raise ClaimLinkUnknown
    if not order.account_id:
        order = await _take_over(deps, order, account_id)
    if order.account_id != account_id:
        raise ClaimLinkUnknown
    return order


async def _take_over(deps: Deps, order: Order, account_id: str) -> Order:
    guest = await deps.people.known(order.personal.person_id)
    account = await deps.people.person(account_id)
    place = Place(COLLECTION, "contact", order.id)
    contact = guest.open_model(Contact, order.personal.contact, place, purpose="notice")
    event = _claimed(deps, order, Buyer(account_id=account_id, name=contact.name, email=contact.email))

    def decide(order: Order) -> tuple[Order, list[Event]]:
        if order.account_id:
            return order, []
        own = owned_by(order, guest, account)
        return replace(own, account_id=account_id, leftover_person=guest.person_id, contact_key=""), [event]

    order = await finish_soon(deps, await change(deps, order, decide, save=deps.orders.claim))
    # An erasure drops the key and then forgets cards: if it did not see this order yet, its tombstone is seen here.
    if await deps.data_keys.find(account_id) is None:
        await deps.orders.forget_cards(account_id)
        order = await change(deps, order, lambda order: (order.orphaned(), ()))
    return order


def _claimed(deps: Deps, order: Order, buyer: Buyer) -> Event:
    event_id, at = deps.new_id(), deps.clock()
    try:
        sealed = deps.sealer.seal_for(
            {"warranty": buyer},
            event_type=OrderClaimed.TYPE,
            event_id=event_id,
            field="buyer",
        )
    except NoPublicKey as error:
        raise TransientError("warranty's public key is not published") from error
    return Event.of(OrderClaimed(order_id=order.id, claimed_at=at, buyer=sealed), id=event_id, subject=order.id, at=at)


def claim_token(deps: Deps, order: Order, *, until: datetime) -> str:
    """Proves, until then, that its bearer reads the mails to the order's address: only such a mail carries it."""
    seconds = int(until.timestamp())
    return f"{seconds:0{_SECONDS_DIGITS}x}{deps.index.of('order-claim', f'{order.id} {seconds}')}"


def _is_good(deps: Deps, order: Order, token: str) -> bool:
    try:
        until = datetime.fromtimestamp(int(token[:_SECONDS_DIGITS], 16), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    expected = claim_token(deps, order, until=until)
    return hmac.compare_digest(token.encode(), expected.encode()) and deps.clock() < until
