"""By what an order is recognised as of one hand: keyed hashes of normal forms."""

from services.orders.persons import Contact, ShippingAddress
from services.orders.screening.domain import Marks
from services.orders.screening.postal import postal_form
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
