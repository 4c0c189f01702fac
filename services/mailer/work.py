"""What mailer does behind its queues: event type -> use case; and the post office."""

import asyncio
from functools import partial

import structlog

from services.mailer.claim_events import CLAIMS, claim_handlers
from services.mailer.deps import Deps
from services.mailer.followups import follow_purchase
from services.mailer.measures import count_mails
from services.mailer.mydata.holdings import PERSONS, person_handlers
from services.mailer.mydata.late import ask_for_buyer, is_in_vain
from services.mailer.notices.usecases import requested_message, requested_receipt
from services.mailer.order_events import ORDERS, order_handlers
from services.mailer.subscribers import COLLECTION
from shared.answers import COLLECTION as ANSWERS
from shared.contracts.auth import MessageRequested, Recipient
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Event
from shared.work import Periodic, Work

MESSAGES = "mailer.messages"
PURCHASES = "mailer.purchases"
_POLL_S = 1.0
log = structlog.get_logger(__name__)


def build_work(deps: Deps) -> Work:
    """Six queues, two outboxes, one loop that delivers, and a look for what was left behind."""
    return Work(
        handlers={
            MESSAGES: {MessageRequested.TYPE: partial(send_message, deps)},
            PURCHASES: {PurchaseCompleted.TYPE: partial(send_receipt, deps)},
            ORDERS: order_handlers(deps),
            CLAIMS: claim_handlers(deps),
            PERSONS: person_handlers(deps),
        },
        outboxes=(COLLECTION, ANSWERS),
        periodic=(Periodic("notices", _POLL_S, deps.post.poll),),
        loops=(deps.post.run, deps.ranges.run),
        measures=(partial(count_mails, deps),),
    )


async def send_message(deps: Deps, event: Event) -> None:
    """Take in a mail that auth wants sent, unless it is about an account that is gone."""
    message = event.read(MessageRequested)
    recipient = deps.unsealer.open(Recipient, message.recipient, event=event, field="recipient")
    if await is_in_vain(deps, message, recipient):
        log.info("message to somebody forgotten", template=message.template)
        return
    await deps.post.take(requested_message(message, recipient))


async def send_receipt(deps: Deps, event: Event) -> None:
    """Take in the receipt of a paid order and, where the buyer ticked the box, ask for confirmation of newsletters.
    What follows the purchase is noted for subscribers.

    A buyer who was erased while the order was being charged has no address any more.
    """
    purchase = event.read(PurchaseCompleted)
    buyer = deps.unsealer.open(Buyer, purchase.buyer, event=event, field="buyer")
    if not buyer.email:
        log.warning("no receipt for an erased buyer", order_id=purchase.order_id)
        return
    await asyncio.gather(deps.post.take(requested_receipt(purchase, buyer)), _newsletters(deps, purchase, buyer))


async def _newsletters(deps: Deps, purchase: PurchaseCompleted, buyer: Buyer) -> None:
    if buyer.newsletter:
        await ask_for_buyer(deps, purchase, buyer)
    await follow_purchase(deps, purchase, buyer)
