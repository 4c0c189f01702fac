"""What is left of a card. All of it goes with its person, for the outer box is under the person's data key (P18).

The kept parts serve fraud rules and nothing else (P12). Within that box they are sealed to a public key: checkout puts
them away and can never read them again; the private half is only where orders are screened (`screening`).
What the buyer sees, "card ending 4242", is a value of its own.
"""

from services.orders.checkout.card import Ending, KeptCard
from services.orders.life.domain import Order
from services.orders.life.store import COLLECTION
from shared.keys import KeyProvider
from shared.oneway import OneWaySealer, open_one_way
from shared.personal import PersonKey, Place
from shared.publickeys import CARD

__all__ = ["CARD", "open_card", "open_ending", "seal_card", "seal_ending"]


def seal_card(sealer: OneWaySealer, person: PersonKey, card: KeptCard, *, order_id: str) -> bytes:
    """The box of the kept parts, to go with the order.

    Raises:
        NoPublicKey: the public key of cards is not published.
    """
    at = Place(COLLECTION, "card", order_id)
    return person.seal(sealer.seal(CARD, card.encode(), at), at)


def open_card(keys: KeyProvider, person: PersonKey, order: Order, *, purpose: str) -> KeptCard:
    """Undo `seal_card`; counted under the purpose of the reader, and under that of the key of cards.

    Raises:
        Tampered: altered, moved, or a key is not here, as in every process that does not screen.
    """
    at = Place(COLLECTION, "card", order.id)
    return KeptCard.decode(open_one_way(keys, CARD, person.open(order.personal.card, at, purpose=purpose), at))


def seal_ending(person: PersonKey, card: KeptCard, *, order_id: str) -> bytes:
    """The box of what the buyer sees of the card."""
    return person.seal(card.ending.encode(), Place(COLLECTION, "card_ending", order_id))


def open_ending(person: PersonKey, order: Order, *, purpose: str) -> Ending:
    """What the buyer sees of the card.

    Raises:
        Tampered: altered, moved, or another person's.
    """
    at = Place(COLLECTION, "card_ending", order.id)
    return Ending.decode(person.open(order.personal.ending, at, purpose=purpose))
