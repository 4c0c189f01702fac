"""What follows a purchase: newsletters that are due some days after it, to subscribers, under the same cap as any.

Only who is in the list already, or asked to be with this very purchase, has anything noted; whoever has left has not.
"""

from datetime import timedelta

import structlog

from services.mailer.addresses import key_of
from services.mailer.deps import Deps
from services.mailer.mydata.late import is_forgotten
from shared.contracts.orders import Buyer, Notified, OrderCancelled, PurchaseCompleted

log = structlog.get_logger(__name__)


async def follow_purchase(deps: Deps, purchase: PurchaseCompleted, buyer: Buyer) -> None:
    """Note each follow-up that fits; the same purchase again changes nothing."""
    skus = {item.sku for item in purchase.items}
    fitting = [each for each in await deps.campaigns.follow_ups() if each.follow_up and each.follow_up.fits(skus)]
    if not fitting:
        return
    found = await deps.subscribers.find_by_address(key_of(deps.index, buyer.email))
    if found is None or await is_forgotten(deps, buyer.email, since=purchase.placed_at or purchase.purchased_at):
        return
    for campaign in fitting:
        assert campaign.follow_up is not None
        due_at = purchase.purchased_at + timedelta(days=campaign.follow_up.after_days)
        if await deps.subscribers.follow(found.id, campaign.id, order_id=purchase.order_id, due_at=due_at):
            log.info("a newsletter will follow a purchase", campaign_id=campaign.id, subscriber_id=found.id)


async def follow_no_more(deps: Deps, told: OrderCancelled, to: Notified) -> None:
    """Nothing follows an order that was cancelled."""
    if not to.email:
        return
    found = await deps.subscribers.find_by_address(key_of(deps.index, to.email))
    if found is not None:
        await deps.subscribers.unfollow(found.id, told.order_id)
