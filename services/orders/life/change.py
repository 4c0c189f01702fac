"""One step of an order: read, decide, write where nobody has written meanwhile; else read and decide again."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.store import COLLECTION
from shared.errors import DomainError, ErrorKind, TransientError
from shared.events import Event

Decide = Callable[[Order], tuple[Order, Sequence[Event]]]
"""What the order becomes and announces; the same order where there is nothing to do."""
Save = Callable[[Order, Sequence[Event]], Awaitable[Order | None]]
_TRIES = 8


class ChangedMeanwhile(DomainError):
    """The order is not as you have seen it any more: read it again."""

    kind = ErrorKind.STALE
    code = "changed-meanwhile"


def tag_of(order: Order) -> str:
    """The order's ETag (RFC 9110 section 8.8.3): it changes with every step."""
    return f'"{order.version}"'


async def change(
    deps: Deps, order: Order, decide: Decide, *, if_match: str | None = None, save: Save | None = None
) -> Order:
    """Take a step from where the order stands now; of several at once, each decides on what the former left.

    `order` is as it was read; `if_match` is the header, where there was one: the step is then taken only from a version
    that it names. A step that was taken already is none: whoever lost the answer is told so, whatever version they saw
    (RFC 9110 section 13.1.1). `save` is how it is stored where not by `Orders.save`.

    Raises:
        ChangedMeanwhile: another version stands there.
        DomainError: what `decide` raises.
        TransientError: not written, nobody knows, or others are quicker each time.
    """
    for _ in range(_TRIES):
        if not _is_meant(order, if_match):
            return _done_already(order, decide)
        changed, events = decide(order)
        if changed is order:
            return order
        saved = await (save or deps.orders.save)(changed, events)
        if saved is not None:
            deps.relay.announce(COLLECTION, order.id, events)
            return saved
        order = await deps.orders.get(order.id)
    raise TransientError("an order is being changed by many", retry_after_s=1)


def _is_meant(order: Order, if_match: str | None) -> bool:
    # RFC 9110 section 13.1.1: a list of tags, or any version at all.
    if if_match is None or if_match.strip() == "*":
        return True
    return tag_of(order) in {tag.strip() for tag in if_match.split(",")}


def _done_already(order: Order, decide: Decide) -> Order:
    """The order, where there is nothing left to do on it.

    Raises:
        ChangedMeanwhile: there is.
    """
    with suppress(DomainError, TransientError):
        if decide(order)[0] is order:
            return order
    raise ChangedMeanwhile
