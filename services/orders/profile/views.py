"""An address as it is shown to whose it is, and to support."""

from services.orders.persons import ShippingAddress
from shared.http.routes import ResponseModel


class ShippingView(ResponseModel):
    """Where to."""

    line1: str
    line2: str | None
    city: str
    region: str | None
    postcode: str
    country: str


def shipping_view(shipping: ShippingAddress) -> ShippingView:
    """The address."""
    return ShippingView(**shipping.model_dump())
