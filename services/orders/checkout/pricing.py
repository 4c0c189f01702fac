"""What the lines of a request cost, by the shop's prices alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.orders.catalogue.domain import Offer
from services.orders.checkout.requests import LineRequest
from services.orders.checkout.shipping import shipping_minor
from services.orders.life.domain import Line
from services.orders.stock.store import SoldOut
from shared.errors import FieldError, InvalidInput


@dataclass(frozen=True, slots=True)
class Quote:
    """Priced lines and shipping, in minor units of `currency`."""

    lines: tuple[Line, ...]
    currency: str
    shipping_minor: int


def quote(
    wanted: Sequence[LineRequest], offers: Mapping[str, Offer], *, currency: str, country: str, language: str
) -> Quote:
    """Price what is wanted.

    Raises:
        InvalidInput: an unknown or repeated SKU, or a product that is not sold in this currency.
        SoldOut: the shop window says that there are not enough; `Stock.reserve` has the last word.
    """
    if faults := [fault for place, line in enumerate(wanted) if (fault := _fault(place, wanted, offers, currency))]:
        raise InvalidInput(fields=faults)
    if short := [place for place, line in enumerate(wanted) if offers[line.sku].stock < line.quantity]:
        raise SoldOut.at(short)
    lines = tuple(_line(line, offers[line.sku], currency, language) for line in wanted)
    return Quote(lines, currency, shipping_minor(country, currency))


def _fault(place: int, wanted: Sequence[LineRequest], offers: Mapping[str, Offer], currency: str) -> FieldError | None:
    sku = wanted[place].sku
    if sku not in offers:
        return FieldError(f"/lines/{place}/sku", "unknown-sku", "There is no such product.")
    if any(earlier.sku == sku for earlier in wanted[:place]):
        return FieldError(f"/lines/{place}/sku", "repeated-sku", "Each product stands on one line only.")
    if currency not in offers[sku].product.prices:
        return FieldError("/currency", "currency-not-offered", "This product is not sold in this currency.")
    return None


def _line(wanted: LineRequest, offer: Offer, currency: str, language: str) -> Line:
    product = offer.product
    return Line(
        sku=product.sku,
        name=product.name(language),
        quantity=wanted.quantity,
        unit_price_minor=product.prices[currency],
        warranty_months=product.warranty_months,
    )
