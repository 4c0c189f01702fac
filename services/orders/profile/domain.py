"""A name and some addresses, of which one is the default. Nothing is done with them but filling in a checkout."""

from collections.abc import Sequence

from services.orders.persons import ShippingAddress
from shared.addresses import PersonName
from shared.errors import DomainError, ErrorKind, NotFound
from shared.http.routes import RequestModel

MOST_ADDRESSES = 10
FIRST_ID = "home"
"""The id of the address that a profile starts with."""


class ProfileNotFound(NotFound):
    """You have no profile."""

    code = "profile-not-found"


class AddressNotFound(NotFound):
    """You have no such address."""

    code = "address-not-found"


class TooManyAddresses(DomainError):
    """A profile keeps ten addresses at the most."""

    kind = ErrorKind.CONFLICT
    code = "too-many-addresses"


class LastAddress(DomainError):
    """A profile has one address at least: forget the profile instead."""

    kind = ErrorKind.CONFLICT
    code = "last-address"


class Profile(RequestModel):
    """What checkout fills in by itself."""

    name: PersonName
    shipping: ShippingAddress


class SavedAddress(RequestModel):
    """An address under an id."""

    id: str
    shipping: ShippingAddress


class KeptProfile(Profile):
    """A profile as it is kept: `shipping` is the default address, known as `shipping_id`, `others` are the rest."""

    shipping_id: str = FIRST_ID
    others: tuple[SavedAddress, ...] = ()

    @property
    def addresses(self) -> tuple[SavedAddress, ...]:
        """All of them, the default first."""
        return (SavedAddress(id=self.shipping_id, shipping=self.shipping), *self.others)

    def with_added(self, added: SavedAddress, *, is_default: bool) -> "KeptProfile":
        """One more.

        Raises:
            TooManyAddresses: there are ten.
        """
        if len(self.addresses) >= MOST_ADDRESSES:
            raise TooManyAddresses
        return self._of([added, *self.addresses] if is_default else [*self.addresses, added])

    def with_changed(self, changed: SavedAddress, *, is_default: bool) -> "KeptProfile":
        """Another text under an id that is there.

        Raises:
            AddressNotFound: it is not.
        """
        self._refuse_unknown(changed.id)
        addresses = [changed if each.id == changed.id else each for each in self.addresses]
        if is_default:
            addresses.sort(key=lambda each: each.id != changed.id)
        return self._of(addresses)

    def without(self, address_id: str) -> "KeptProfile":
        """One less.

        Raises:
            AddressNotFound: there is none such.
            LastAddress: it is the only one.
        """
        self._refuse_unknown(address_id)
        rest = [each for each in self.addresses if each.id != address_id]
        if not rest:
            raise LastAddress
        return self._of(rest)

    def _refuse_unknown(self, address_id: str) -> None:
        if all(each.id != address_id for each in self.addresses):
            raise AddressNotFound

    def _of(self, addresses: Sequence[SavedAddress]) -> "KeptProfile":
        first, *others = addresses
        return KeptProfile(name=self.name, shipping=first.shipping, shipping_id=first.id, others=tuple(others))
