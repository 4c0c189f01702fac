"""What mailer does behind its queues: event type -> use case; and the post office."""

import asyncio
from functools import partial

from services.mailer.deps import Deps
from services.mailer.notices.usecases import message_order, receipt_order
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.domain import TOPICS, Request
from services.mailer.subscriptions.usecases import Applicant, ask
from shared.contracts.auth import MessageRequested, Recipient
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Event
from shared.work import Periodic, Work

MESSAGES = "mailer.messages"
PURCHASES = "mailer.purchases"
_POLL_S = 1.0


def build_work(deps: Deps) -> Work:
    """Two queues, one outbox, one loop that delivers, and a look for what was left behind."""
    return Work(
        handlers={
            MESSAGES: {MessageRequested.TYPE: partial(send_message, deps)},
            PURCHASES: {PurchaseCompleted.TYPE: partial(send_receipt, deps)},
        },
        outboxes=(COLLECTION,),
        periodic=(Periodic("notices", _POLL_S, deps.post.poll),),
        loops=(deps.post.run,),
    )


async def send_message(deps: Deps, event: Event) -> None:
    """Take in a mail that auth wants sent."""
    message = event.read(MessageRequested)
    recipient = deps.unsealer.open(Recipient, message.recipient, event=event, field="recipient")
    await deps.post.take(message_order(message, recipient))


async def send_receipt(deps: Deps, event: Event) -> None:
    """Take in the receipt of a paid order and, where the buyer ticked the box, ask for confirmation of newsletters."""
    purchase = event.read(PurchaseCompleted)
    buyer = deps.unsealer.open(Buyer, purchase.buyer, event=event, field="buyer")
    wanted = [deps.post.take(receipt_order(purchase, buyer))]
    if buyer.newsletter:
        request = Request(f"order-{purchase.order_id}", TOPICS, purchase.language, "checkout")
        wanted.append(ask(deps, Applicant(buyer.email, buyer.name), request))
    await asyncio.gather(*wanted)
