"""By what an order is recognised as of one hand: keyed hashes of normal forms."""

from services.orders.persons import Contact, ShippingAddress
from services.orders.screening.domain import Marks
from services.orders.screening.postal import postal_form
from shared.addresses import normalise_email
from shared.personal import BlindIndex

_GOOGLE = frozenset({"gmail.com", "googlemail.com"})


def marks_of(
    index: BlindIndex, *, fingerprint: str, contact: Contact, shipping: ShippingAddress, network: str
) -> Marks:
    """The marks of a checkout; `network` as `shared.http.client.network_of` has it, "" where it is not known."""
    return Marks(
        card=fingerprint,
        address=index.of("screened address", postal_form(shipping)),
        email=_mark_of_mailbox(index, contact.email.casefold()),  # as `normalise_email` of what `Email` let pass
        network=mark_of_network(index, network),
    )


def mark_of_email(index: BlindIndex, email: str) -> str:
    """The mark of an e-mail address."""
    return _mark_of_mailbox(index, normalise_email(email))


def _mark_of_mailbox(index: BlindIndex, normal: str) -> str:
    """One for the addresses that people make of their one mailbox by themselves: `+tags`, and dots at Google.

    Somebody else's mailbox may lose by it where its server means another by a `+`: such servers are rare, and nothing
    but screening goes by this form.
    """
    local, _, domain = normal.rpartition("@")
    name = local.partition("+")[0] or local
    if domain in _GOOGLE:
        name, domain = name.replace(".", ""), "gmail.com"
    return index.of("screened email", f"{name}@{domain}")


def mark_of_network(index: BlindIndex, network: str) -> str:
    """The mark of a network such as "203.0.113.0/24"; "" for none."""
    return index.of("screened network", network) if network else ""
