"""Mails about claims: each step to the claimant, what is overdue to the shop itself. None for whoever was erased."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from services.mailer.deps import Deps
from services.mailer.mydata.late import tell
from services.mailer.notices.claimlife import closed, late, near, opened, updated
from shared.consumer import Handler
from shared.contracts.warranty import ClaimNotice, ClaimOpened, ClaimOverdue, ClaimReminded, ClaimResolved, ClaimUpdated
from shared.events import Event

CLAIMS = "mailer.claims"


def claim_handlers(deps: Deps) -> Mapping[str, Handler]:
    """For the queue of what happens to claims."""
    handlers: Mapping[str, Callable[[Deps, Event], Awaitable[None]]] = {
        ClaimOpened.TYPE: tell_opened,
        ClaimUpdated.TYPE: tell_updated,
        ClaimResolved.TYPE: tell_resolved,
        ClaimReminded.TYPE: tell_due_soon,
        ClaimOverdue.TYPE: tell_overdue,
    }
    return {type_: partial(handler, deps) for type_, handler in handlers.items()}


async def tell_opened(deps: Deps, event: Event) -> None:
    """The claim has arrived, and by when there will be an answer."""
    told = event.read(ClaimOpened)
    to = deps.unsealer.open(ClaimNotice, told.recipient, event=event, field="recipient")
    await tell(deps, opened(told, to), since=event.time)


async def tell_updated(deps: Deps, event: Event) -> None:
    """The claim has taken a step, or the staff have written. A step that tells nobody anything has no mail."""
    told = event.read(ClaimUpdated)
    to = deps.unsealer.open(ClaimNotice, told.recipient, event=event, field="recipient")
    letter = updated(told, to, event_id=event.id)
    if letter is not None:
        await tell(deps, letter, since=event.time)


async def tell_resolved(deps: Deps, event: Event) -> None:
    """How the claim has ended."""
    told = event.read(ClaimResolved)
    to = deps.unsealer.open(ClaimNotice, told.recipient, event=event, field="recipient")
    await tell(deps, closed(told, to), since=event.time)


async def tell_due_soon(deps: Deps, event: Event) -> None:
    """The shop's own address hears of a deadline that is near."""
    await deps.post.take(near(event.read(ClaimReminded), to=deps.settings.shop_contact))


async def tell_overdue(deps: Deps, event: Event) -> None:
    """The shop's own address hears of a deadline that has passed."""
    await deps.post.take(late(event.read(ClaimOverdue), to=deps.settings.shop_contact))
