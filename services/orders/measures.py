"""Gauges of what lies in orders' database."""

from prometheus_client import Gauge

from services.orders.deps import Deps

OWED_AGE = Gauge(
    "padlock_refunds_age_seconds", "How long the oldest refund or void has waited for the payment provider."
)  # fmt: skip
_LOOKED_AT = 200


async def measure_owed(deps: Deps) -> None:
    """Set it, by the oldest orders that owe something."""
    orders = await deps.orders.unfinished(limit=_LOOKED_AT)
    oldest = min((order.owes_since for order in orders if order.owes_since is not None), default=None)
    OWED_AGE.set(max(0.0, (deps.clock() - oldest).total_seconds()) if oldest else 0.0)
