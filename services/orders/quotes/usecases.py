"""Giving a quote, and finding it again at the checkout."""

from collections.abc import Sequence
from datetime import timedelta

from services.orders.checkout.pricing import Destination, Quote, quote
from services.orders.checkout.requests import LineRequest
from services.orders.deps import Deps
from services.orders.quotes.domain import GivenQuote, QuoteExpired


async def give_quote(deps: Deps, lines: Sequence[LineRequest], to: Destination) -> GivenQuote:
    """Price these lines, and keep the price for `quote_valid_s` seconds.

    Raises:
        InvalidInput, SoldOut: as `pricing.quote`.
    """
    priced = await price_now(deps, lines, to)
    now = deps.clock()
    expires_at = now.replace(microsecond=0) + timedelta(seconds=deps.settings.quote_valid_s)
    given = GivenQuote(deps.new_id(), priced, expires_at)
    await deps.quotes.add(given)
    return given


async def get_quote(deps: Deps, quote_id: str) -> GivenQuote:
    """A quote that still holds.

    Raises:
        QuoteExpired: there is none, or it is over.
    """
    given = await deps.quotes.find(quote_id)
    if given is None or given.expires_at <= deps.clock():
        raise QuoteExpired
    return given


async def price_now(deps: Deps, lines: Sequence[LineRequest], to: Destination) -> Quote:
    """What these lines cost at this moment.

    Raises:
        InvalidInput, SoldOut: as `pricing.quote`.
    """
    offers = (await deps.window.look()).offers
    return quote(lines, offers, to, sells_in_eu=deps.settings.sells_in_eu)
