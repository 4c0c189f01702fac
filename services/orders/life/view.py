"""An order as its buyer sees it, and the link under which a guest finds it again."""

import hashlib
import hmac

from pydantic import AwareDatetime

from services.orders.checkout.card import Ending
from services.orders.deps import Deps
from services.orders.life.domain import Line, Order, OrderNotFound
from services.orders.life.kept import open_ending
from services.orders.life.lifeview import LifeView, life_of
from services.orders.life.withdrawal_right import may_withdraw, withdraw_until
from services.orders.taxes.domain import Tax
from shared.http.routes import ResponseModel
from shared.identity import Identity


class LineView(ResponseModel):
    """One product of an order."""

    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    total_minor: int


class CardView(ResponseModel):
    """All that is ever shown of a card, to its owner alone."""

    ending: str
    brand: str


class TaxView(ResponseModel):
    """The tax of a purchase: in its prices where it is `included`, else added to goods and shipping."""

    kind: str
    """none, consumption_tax, vat, gst or sales_tax."""
    rate_bp: int
    """In basis points: 1000 is 10 %."""
    amount_minor: int
    included: bool


class OrderView(LifeView):
    """An order, for its buyer. Money in minor units of `currency`."""

    id: str
    number: str
    status: str
    currency: str
    lines: tuple[LineView, ...]
    shipping_minor: int
    tax: TaxView
    total_minor: int
    total: int
    """The same as `total_minor`."""
    created_at: AwareDatetime
    card: CardView | None
    """None where the order replaces a unit of another, at no charge."""
    payment: str
    """created, needs_action, authorised, captured, failed, cancelled, partly_refunded or refunded."""
    action_url: str
    """Where the buyer's bank wants to see the buyer, while the payment needs action; else empty."""
    can_withdraw: bool
    """A consumer in the EU may withdraw from the purchase."""
    withdraw_until: AwareDatetime | None
    """When the time for that is over; none as long as nothing was delivered."""
    view_link: str
    """The order's page. For a guest it carries the token that opens it: whoever has the link sees the order."""


class OrderSummary(ResponseModel):
    """An order in a list."""

    id: str
    number: str
    status: str
    currency: str
    units: int
    total_minor: int
    created_at: AwareDatetime


async def view_of(deps: Deps, order: Order, card: Ending | None = None) -> OrderView:
    """The order for its buyer; equal for equal orders, so that a replayed answer is the first one's equal.

    What is shown of the card is opened where it is not at hand.

    Raises:
        PersonErased: the buyer was erased.
    """
    person = None
    if card is None or order.shipment is not None:
        person = await deps.people.known(order.personal.person_id)
    if card is None and person is not None and order.personal.ending:
        card = open_ending(person, order, purpose="order")
    return OrderView(
        id=order.id,
        number=order.number,
        status=order.status.value,
        currency=order.currency,
        lines=tuple(line_view(line) for line in order.lines),
        shipping_minor=order.shipping_minor,
        tax=tax_view(order.tax),
        total_minor=order.total_minor,
        total=order.total_minor,
        created_at=order.created_at,
        card=None if card is None else CardView(ending=card.last4, brand=card.brand),
        payment=order.payment.state.value,
        action_url=order.payment.action_url,
        can_withdraw=may_withdraw(order, sells_in_eu=deps.settings.sells_in_eu, now=deps.clock()),
        withdraw_until=withdraw_until(order),
        view_link=link_to(deps, order),
        **life_of(order, person, purpose="order"),
    )


def summary_of(order: Order) -> OrderSummary:
    """The order in a list."""
    return OrderSummary(
        id=order.id,
        number=order.number,
        status=order.status.value,
        currency=order.currency,
        units=order.units,
        total_minor=order.total_minor,
        created_at=order.created_at,
    )


def link_to(deps: Deps, order: Order, *, part: str = "") -> str:
    """The order's page at the gateway, or a `part` below it, such as "/payment": an account logs in to see it, a guest
    has a token in the link.
    """
    page = f"{deps.settings.public_url}/orders/{order.id}{part}"
    return page if order.account_id else f"{page}?t={_token(deps, order)}"


def link_proof(deps: Deps, order: Order) -> str:
    """What tells others that a token is that of a guest's link, and not what it is; "" where an account logs in."""
    return "" if order.account_id else hashlib.sha256(_token(deps, order).encode()).hexdigest()


async def find_visible(deps: Deps, order_id: str, *, who: Identity | None, token: str) -> Order:
    """The order, for the account that placed it or for whoever has a guest's link.

    Raises:
        OrderNotFound: there is none, or it is not for this asker; nobody learns which.
    """
    order = await deps.orders.find(order_id)
    if order is None or not _may_see(deps, order, who, token):
        raise OrderNotFound
    return order


def _may_see(deps: Deps, order: Order, who: Identity | None, token: str) -> bool:
    if order.account_id:
        return who is not None and who.subject == order.account_id
    return hmac.compare_digest(token.encode(), _token(deps, order).encode())


def _token(deps: Deps, order: Order) -> str:
    # Not stored, but made again from the order's id: a replayed answer and the receipt carry the same one.
    return deps.index.of("order-view", order.id)


def tax_view(tax: Tax) -> TaxView:
    """The tax as it is shown."""
    return TaxView(kind=tax.kind, rate_bp=tax.rate_bp, amount_minor=tax.amount_minor, included=tax.included)


def line_view(line: Line) -> LineView:
    """One product, as it was bought."""
    return LineView(
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.total_minor,
    )
