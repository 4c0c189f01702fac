"""The kept part of a card: sealed under the key of cards, and that box once more under the person's data key.

The first alone keeps staff with the person's data away from it (P12); the second lets it go with the person (P18).
"""

from services.orders.checkout.card import KeptCard
from services.orders.life.domain import Order
from services.orders.life.mongo import COLLECTION
from shared.keys import KeyProvider
from shared.personal import PersonKey, Place, open_with, seal_with

KEY = "card"


def seal_card(keys: KeyProvider, person: PersonKey, card: KeptCard, *, order_id: str) -> bytes:
    """The box to keep with the order."""
    at = Place(COLLECTION, "card", order_id)
    return person.seal(seal_with(keys.current(KEY), card.encode(), at), at)


def open_card(keys: KeyProvider, person: PersonKey, order: Order, *, purpose: str) -> KeptCard:
    """Undo `seal_card`; counted under the purpose of the reader, and under that of the key of cards.

    Raises:
        Tampered: altered, moved, or a key is not here.
    """
    at = Place(COLLECTION, "card", order.id)
    return KeptCard.decode(open_with(keys, KEY, person.open(order.personal.card, at, purpose=purpose), at))
