"""The sweep: ends what a crash, a cut or a timeout has left behind. It guesses nothing and charges nothing.

An order that stays `charging` beyond every request's time limit is asked after at the provider. Where the provider
knows of no charge, one may still be on its way; so the id is voided there first, which makes a late charge impossible,
and only then the order ends as `failed` and its units go back. A request that wakes up after that finds its charge
voided and its order ended, whatever step it was at.
"""

from collections import defaultdict
from datetime import datetime, timedelta

import structlog

from services.orders.deps import Deps
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.life.steps import OPEN, VAIN, Status
from services.orders.stock.store import Hold, Wanted
from shared.personal import Tampered, WrongShape
from shared.sealing import NoPublicKey

log = structlog.get_logger(__name__)

_ORDERS_A_PAGE = 200
_HOLDS_A_TURN = 2_000


async def sweep(deps: Deps) -> None:
    """One turn: first the orders, then the holds of orders that have ended."""
    before = deps.clock() - timedelta(seconds=deps.settings.resolve_after_s)
    behind = ""
    # Page by page to the end: those that cannot be resolved stay, and must not stand in the way of the others.
    while page := await deps.orders.standing_since(Status.CHARGING, before, limit=_ORDERS_A_PAGE, behind=behind):
        for order in page:
            await _resolve(deps, order)
        behind = page[-1].id
    await _settle_holds(deps, before)


async def _resolve(deps: Deps, order: Order) -> None:
    charge = await deps.provider.lookup(order.id) or await deps.provider.void(order.id)
    try:
        ended = await conclude(deps, order, charge)
    except (Tampered, WrongShape, NoPublicKey) as error:
        # The order stays as it is, and the next one must not wait for it. No traceback: it comes again at each turn.
        log.error("order not resolved", order_id=order.id, reason=type(error).__name__)  # noqa: TRY400
        return
    log.warning("order resolved", order_id=order.id, state=ended.status.value)


async def _settle_holds(deps: Deps, before: datetime) -> None:
    """Give back what ended orders still hold, and forget what paid ones do."""
    holds = await deps.stock.holds_before(before, limit=_HOLDS_A_TURN)
    statuses = await deps.orders.statuses({hold.order_id for hold in holds})
    sold: dict[str, list[str]] = defaultdict(list)
    for hold in holds:
        status = statuses.get(hold.order_id)
        if status in OPEN:
            continue
        if status is None or status in VAIN:  # or withdrawn as sold out
            await _give_back(deps, hold)
        else:
            sold[hold.sku].append(hold.order_id)
    for sku, order_ids in sold.items():
        await deps.stock.forget(sku, order_ids)


async def _give_back(deps: Deps, hold: Hold) -> None:
    await deps.stock.release(hold.order_id, [Wanted(hold.sku, hold.quantity)])
    log.warning("hold given back", order_id=hold.order_id, sku=hold.sku, quantity=hold.quantity)
