"""By what an order is recognised as of one hand: keyed hashes of normal forms."""

import unicodedata

from services.orders.persons import Contact, ShippingAddress
from services.orders.screening.domain import Marks
from shared.addresses import normalise_email
from shared.personal import BlindIndex


def marks_of(
    index: BlindIndex, *, fingerprint: str, contact: Contact, shipping: ShippingAddress, network: str
) -> Marks:
    """The marks of a checkout; `network` as `shared.http.client.network_of` has it, "" where it is not known."""
    return Marks(
        card=fingerprint,
        address=index.of("screened address", postal_form(shipping)),
        email=index.of("screened email", contact.email.casefold()),  # as `normalise_email` of what `Email` let pass
        network=mark_of_network(index, network),
    )


def mark_of_email(index: BlindIndex, email: str) -> str:
    """The mark of an e-mail address."""
    return index.of("screened email", normalise_email(email))


def mark_of_network(index: BlindIndex, network: str) -> str:
    """The mark of a network such as "203.0.113.0/24"; "" for none."""
    return index.of("screened network", network) if network else ""


def postal_form(shipping: ShippingAddress) -> str:
    """A postal address less what people write in many ways: case, accents, spaces, signs, the order of its lines."""
    words = [_plain(part or "") for part in (shipping.line1, shipping.line2)]
    where = [_plain(part) for part in (shipping.postcode, shipping.city)]
    return "|".join([shipping.country, *where, *sorted(word for word in words if word)])


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if char.isalnum())
