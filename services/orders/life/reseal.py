"""What is sealed for one person or order, sealed anew for another: no value is looked at on the way."""

from dataclasses import dataclass, replace

from services.orders.life.domain import Order, Personal
from services.orders.life.store import COLLECTION
from shared.personal import PersonKey, Place

PURPOSE = "order"


@dataclass(frozen=True, slots=True)
class Move:
    """From a place that `old` opens in the order `order_id` to one that `new` does in the order `to_id`."""

    old: PersonKey
    new: PersonKey
    order_id: str
    to_id: str

    def box(self, field: str, box: bytes) -> bytes:
        """The same value in a box for its new place; what is empty stays empty.

        Raises:
            Tampered: altered, moved, or not of `old`.
        """
        if not box:
            return b""
        plain = self.old.open(box, Place(COLLECTION, field, self.order_id), purpose=PURPOSE)
        return self.new.seal(plain, Place(COLLECTION, field, self.to_id))


def recipient_for(personal: Personal, move: Move) -> Personal:
    """Who bought and where it goes; no card.

    Raises:
        Tampered: as `Move.box`.
    """
    contact, shipping = move.box("contact", personal.contact), move.box("shipping", personal.shipping)
    return Personal(person_id=move.new.person_id, contact=contact, shipping=shipping, card=b"", ending=b"")


def owned_by(order: Order, old: PersonKey, new: PersonKey) -> Order:
    """The same order with everything that is personal in it under another person's key.

    The kept part of the card stays in its inner box, which only the screening process opens.

    Raises:
        Tampered: as `Move.box`.
    """
    move, own = Move(old, new, order.id, order.id), order.personal
    personal = replace(
        recipient_for(own, move), card=move.box("card", own.card), ending=move.box("card_ending", own.ending)
    )
    parcel = order.shipment and replace(order.shipment, tracking=move.box("tracking", order.shipment.tracking))
    review = order.review and replace(order.review, note=move.box("review", order.review.note))
    return replace(order, personal=personal, shipment=parcel, review=review)
