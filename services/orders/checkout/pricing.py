"""What the lines of a request cost, by the shop's prices alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.orders.catalogue.domain import Offer
from services.orders.checkout.requests import LineRequest
from services.orders.checkout.shipping import shipping_minor
from services.orders.life.domain import Line
from services.orders.stock.store import SoldOut
from services.orders.taxes.domain import Tax
from services.orders.taxes.table import tax_on
from shared.errors import FieldError, InvalidInput


@dataclass(frozen=True, slots=True)
class Quote:
    """Priced lines, shipping and tax of a parcel to `country`, in minor units of `currency`."""

    lines: tuple[Line, ...]
    currency: str
    country: str
    shipping_minor: int
    tax: Tax

    @property
    def total_minor(self) -> int:
        """What would be charged."""
        return sum(line.total_minor for line in self.lines) + self.shipping_minor + self.tax.added_minor


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes, in which money it is paid, and in which language its products are called."""

    country: str
    currency: str
    language: str


def quote(
    wanted: Sequence[LineRequest], offers: Mapping[str, Offer], to: Destination, *, sells_in_eu: bool = False
) -> Quote:
    """Price what is wanted.

    Raises:
        InvalidInput: an unknown or repeated SKU, or a product that is not sold in this currency.
        SoldOut: the shop window says that there are not enough; `Stock.reserve` has the last word.
    """
    if faults := [fault for place in range(len(wanted)) if (fault := _fault(place, wanted, offers, to.currency))]:
        raise InvalidInput(fields=faults)
    if short := [place for place, line in enumerate(wanted) if offers[line.sku].stock < line.quantity]:
        raise SoldOut.at(short)
    lines = tuple(_line(line, offers[line.sku], to) for line in wanted)
    weight_g = sum(offers[line.sku].product.weight_g * line.quantity for line in wanted)
    shipping = shipping_minor(to.country, to.currency, weight_g)
    goods_minor = sum(line.total_minor for line in lines)
    tax = tax_on(goods_minor + shipping, country=to.country, sells_in_eu=sells_in_eu)
    return Quote(lines, to.currency, to.country, shipping, tax)


def _fault(place: int, wanted: Sequence[LineRequest], offers: Mapping[str, Offer], currency: str) -> FieldError | None:
    sku = wanted[place].sku
    if sku not in offers:
        return FieldError(f"/lines/{place}/sku", "unknown-sku", "There is no such product.")
    if any(earlier.sku == sku for earlier in wanted[:place]):
        return FieldError(f"/lines/{place}/sku", "repeated-sku", "Each product stands on one line only.")
    if currency not in offers[sku].product.prices:
        return FieldError("/currency", "currency-not-offered", "This product is not sold in this currency.")
    return None


def _line(wanted: LineRequest, offer: Offer, to: Destination) -> Line:
    product = offer.product
    return Line(
        sku=product.sku,
        name=product.name(to.language),
        quantity=wanted.quantity,
        unit_price_minor=product.prices[to.currency],
        warranty_months=product.warranty_months,
    )
