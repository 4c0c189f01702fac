"""A postal address as an envelope has it."""

from collections.abc import Sequence

from services.orders.addressforms import form_of
from services.orders.checkout.shipping import countries
from services.orders.persons import ShippingAddress


def postal_lines(shipping: ShippingAddress, language: str) -> Sequence[str]:
    """Its lines, without those that are empty; the country by its name in this language, the postcode on its side."""
    postcode, city, region = (shipping.postcode or "", shipping.city, shipping.region or "")
    if form_of(shipping.country).has_postcode_first:
        place = [f"{postcode} {city}", region]
    else:
        place = [", ".join(filter(None, (city, " ".join(filter(None, (region, postcode))))))]
    country = countries(language).get(shipping.country, shipping.country)
    lines = [shipping.line1, shipping.line2 or "", *place, country]
    return [line.strip() for line in lines if line.strip()]
