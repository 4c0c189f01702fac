"""What arrives after an erasure and was asked before it: nobody's wish any more."""

from datetime import datetime

import structlog

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.notices.post import NoticeRequest
from services.mailer.subscriptions.domain import TOPICS, Request
from services.mailer.subscriptions.usecases import Applicant, ask, forget
from shared.contracts.auth import MessageRequested, Recipient
from shared.contracts.orders import Buyer, PurchaseCompleted

LAST_WORD = "erased"
"""The template of the mail that tells of the erasure itself: asked for with it, and sent after it."""
log = structlog.get_logger(__name__)


async def is_in_vain(deps: Deps, message: MessageRequested, recipient: Recipient) -> bool:
    """Whether the mail is about an account that is gone."""
    return message.template != LAST_WORD and await is_forgotten(deps, recipient.email, since=message.requested_at)


async def is_forgotten(deps: Deps, email: str, *, since: datetime) -> bool:
    """Whether whoever had this address was forgotten at that moment or later."""
    until = await deps.forgotten.until(key_of(deps.index, email))
    return until is not None and since <= until


async def tell(deps: Deps, request: NoticeRequest, *, since: datetime) -> None:
    """Have a service mail sent, unless nobody is named or the person was forgotten at `since` or later."""
    email = request.content.email
    if not email or await is_forgotten(deps, email, since=since):
        log.info("mail to somebody forgotten", template=request.template)
        return
    await deps.post.take(request)


async def ask_for_buyer(deps: Deps, purchase: PurchaseCompleted, buyer: Buyer) -> None:
    """Ask who bought to confirm newsletters, unless the buyer was forgotten since."""
    if await _left_since(deps, purchase, buyer):
        log.info("newsletter wish of somebody forgotten", order_id=purchase.order_id)
        return
    wished_at = _wished_at(purchase)
    request = Request(f"order-{purchase.order_id}", TOPICS, purchase.language, "checkout", wished_at)
    await ask(deps, Applicant(buyer.email, buyer.name), request)
    # An erasure notes its moment and then looks for the subscription: one of the two sees the other.
    if await _left_since(deps, purchase, buyer):
        found = await deps.subscribers.find_by_address(key_of(deps.index, buyer.email))
        if found is not None:
            await forget(deps, found.id)


async def _left_since(deps: Deps, purchase: PurchaseCompleted, buyer: Buyer) -> bool:
    return await is_forgotten(deps, buyer.email, since=_wished_at(purchase))


def _wished_at(purchase: PurchaseCompleted) -> datetime:
    """When the buyer ticked the box; the charge may have taken until after an erasure."""
    return purchase.placed_at or purchase.purchased_at
