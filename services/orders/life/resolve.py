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
from services.orders.life.ask import Settle, ask_provider, settle
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.life.steps import OPEN, VAIN, Status
from services.orders.stock.store import Hold, Wanted
from shared.errors import TransientError

log = structlog.get_logger(__name__)

_ORDERS_A_PAGE = 200
_HOLDS_A_TURN = 2_000
_SILENT_IN_A_ROW = 3


async def sweep(deps: Deps) -> None:
    """One turn: first the orders, then the holds of orders that have ended.

    Raises:
        TransientError: the provider or the database left a question open; the next turn asks it again.
    """
    before = deps.clock() - timedelta(seconds=deps.settings.resolve_after_s)
    unanswered = await _each(deps, Status.CHARGING, before, _find_out)
    await _settle_holds(deps, before)
    if unanswered:
        raise unanswered


async def ask_about_waiting(deps: Deps) -> None:
    """One turn over the orders that wait for their buyer or for a review; those that waited too long for their buyer
    are voided.

    Raises:
        TransientError: as `sweep`.
    """
    before = deps.clock() - timedelta(seconds=deps.settings.payment_ask_every_s)
    for status, how in ((Status.NEEDS_ACTION, _wait_for_the_buyer), (Status.IN_REVIEW, ask_provider)):
        if unanswered := await _each(deps, status, before, how):
            raise unanswered


async def _each(deps: Deps, status: Status, before: datetime, how: Settle) -> TransientError | None:
    """Settle every order of a status. One that cannot be settled does not stop the others; several in a row do.

    Returns:
        The last question that was left open.
    """
    behind, silent, unanswered = "", 0, None
    # Page by page to the end: those that cannot be resolved stay, and must not stand in the way of the others.
    while page := await deps.orders.standing_since(status, before, limit=_ORDERS_A_PAGE, behind=behind):
        for order in page:
            try:
                await settle(deps, order, how)
                silent = 0
            except TransientError as error:
                silent, unanswered = silent + 1, error
                if silent == _SILENT_IN_A_ROW:
                    raise
        behind = page[-1].id
    return unanswered


async def _find_out(deps: Deps, order: Order) -> Order:
    charge = await deps.provider.lookup(order.id) or await deps.provider.void(order.id)
    return await conclude(deps, order, charge)


async def _wait_for_the_buyer(deps: Deps, order: Order) -> Order:
    patience = timedelta(seconds=deps.settings.payment_action_timeout_s)
    if deps.clock() - order.created_at < patience:
        return await ask_provider(deps, order)
    return await conclude(deps, order, await deps.provider.void(order.id))


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
