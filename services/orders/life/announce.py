"""The events of an order's life. What mailer needs of the buyer is sealed to it; whoever was erased gets no mail."""

from dataclasses import asdict
from datetime import datetime

from services.orders.deps import Deps
from services.orders.life.domain import BUYER, SHOP, Order
from services.orders.life.store import COLLECTION
from services.orders.life.view import link_to
from services.orders.payments.domain import Refund
from services.orders.persons import Contact
from shared.contracts.orders import (
    Notified,
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    RefundRefused,
    Replaces,
    ShippedItem,
    WithdrawalReceived,
)
from shared.errors import TransientError
from shared.events import Contract, Event, Sealed
from shared.personal import PersonErased, Place
from shared.sealing import NoPublicKey

PURPOSE = "notice"


async def contact_of(deps: Deps, order: Order) -> Contact | None:
    """Whom mails about the order are for; nobody, where the buyer was erased.

    Raises:
        Tampered, WrongShape: who bought cannot be read.
    """
    try:
        person = await deps.people.known(order.personal.person_id)
    except PersonErased:
        return None
    return person.open_model(Contact, order.personal.contact, Place(COLLECTION, "contact", order.id), purpose=PURPOSE)


class Announcer:
    """Makes the events of one order, for one buyer."""

    def __init__(self, deps: Deps, contact: Contact | None) -> None:
        self._deps = deps
        self._contact = contact

    def shipped(self, order: Order, *, tracking: str, at: datetime) -> Event:
        """See `OrderShipped`. The order has its shipment."""
        assert order.shipment is not None
        event_id, carrier = self._deps.new_id(), order.shipment.carrier
        serials = {each.item_id: each.serial for each in order.shipment.serials}
        told = OrderShipped(
            order_id=order.id,
            number=order.number,
            shipped_at=at,
            language=order.language,
            items=tuple(
                ShippedItem(item_id=item.id, sku=item.line.sku, name=item.line.name, serial=serials[item.id])
                for item in order.items
            ),
            replaces=_replaces(order),
            recipient=self.recipient(order, OrderShipped, event_id, carrier=carrier, tracking=tracking),
        )
        return Event.of(told, id=event_id, subject=order.id, at=at)

    def cancelled(self, order: Order, *, at: datetime, by: str, refund_minor: int) -> Event:
        """See `OrderCancelled`."""
        event_id = self._deps.new_id()
        told = OrderCancelled(
            order_id=order.id,
            number=order.number,
            cancelled_at=at,
            by="buyer" if by == BUYER else "shop" if by == SHOP else "staff",
            language=order.language,
            currency=order.currency,
            refund_minor=refund_minor,
            item_ids=tuple(item.id for item in order.items),
            replaces=_replaces(order),
            recipient=self.recipient(order, OrderCancelled, event_id),
        )
        return Event.of(told, id=event_id, subject=order.id, at=at)

    def withdrawal_received(
        self, order: Order, *, at: datetime, refund_minor: int, must_return: bool, is_back: bool = False
    ) -> Event:
        """See `WithdrawalReceived`."""
        event_id = self._deps.new_id()
        told = WithdrawalReceived(
            order_id=order.id,
            number=order.number,
            received_at=at,
            language=order.language,
            currency=order.currency,
            refund_minor=refund_minor,
            must_return=must_return,
            is_back=is_back,
            recipient=self.recipient(order, WithdrawalReceived, event_id),
        )
        return Event.of(told, id=event_id, subject=order.id, at=at)

    def refund_completed(self, order: Order, refund: Refund, *, at: datetime) -> Event:
        """See `RefundCompleted`."""
        event_id = self._deps.new_id()
        told = RefundCompleted(
            refund_id=refund.id,
            order_id=order.id,
            number=order.number,
            completed_at=at,
            language=order.language,
            currency=order.currency,
            amount_minor=refund.amount_minor,
            refunded_minor=order.payment.refunded_minor,
            source=refund.source,
            claim_id=claim_of(refund.source),
            recipient=self.recipient(order, RefundCompleted, event_id),
        )
        return Event.of(told, id=event_id, subject=order.id, at=at)

    def refund_refused(self, order: Order, refund: Refund, reason: str, *, at: datetime) -> Event:
        """See `RefundRefused`: no person in it."""
        told = RefundRefused(
            refund_id=refund.id,
            order_id=order.id,
            amount_minor=refund.amount_minor,
            source=refund.source,
            claim_id=claim_of(refund.source),
            reason=reason,
            refused_at=at,
        )
        return Event.of(told, id=self._deps.new_id(), subject=order.id, at=at)

    def recipient(
        self, order: Order, contract: type[Contract], event_id: str, *, carrier: str = "", tracking: str = ""
    ) -> Sealed:
        """The buyer, as the field `recipient` of this event, for mailer alone.

        Raises:
            TransientError: mailer's public key is not published.
        """
        to = Notified()
        if self._contact is not None:
            name, email = self._contact.name, self._contact.email
            link = link_to(self._deps, order)
            to = Notified(name=name, email=email, order_link=link, carrier=carrier, tracking=tracking)
        try:
            return self._deps.sealer.seal_for(
                {"mailer": to}, event_type=contract.TYPE, event_id=event_id, field="recipient"
            )
        except NoPublicKey as error:
            raise TransientError("mailer's public key is not published") from error


async def announcer_of(deps: Deps, order: Order) -> Announcer:
    """For the order's buyer.

    Raises:
        Tampered, WrongShape: as `contact_of`.
    """
    return Announcer(deps, await contact_of(deps, order))


def claim_of(source: str) -> str:
    """The claim that wants a refund, of its source; empty where it is no claim."""
    kind, _, claim_id = source.partition(":")
    return claim_id if kind == "claim" else ""


def _replaces(order: Order) -> Replaces | None:
    return None if order.replaces is None else Replaces(**asdict(order.replaces))
