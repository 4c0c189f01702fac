"""One step of an order: read, decide, write where nobody has written meanwhile; else read and decide again."""

from collections.abc import Awaitable, Callable, Sequence

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.mongo import COLLECTION
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
    that it names. `save` is how it is stored where not by `Orders.save`.

    Raises:
        ChangedMeanwhile: another version stands there.
        DomainError: what `decide` raises.
        TransientError: not written, nobody knows, or others are quicker each time.
    """
    for _ in range(_TRIES):
        _refuse_other(order, if_match)
        changed, events = decide(order)
        if changed is order:
            return order
        saved = await (save or deps.orders.save)(changed, events)
        if saved is not None:
            deps.relay.announce(COLLECTION, order.id, events)
            return saved
        order = await deps.orders.get(order.id)
    raise TransientError("an order is being changed by many", retry_after_s=1)


def _refuse_other(order: Order, if_match: str | None) -> None:
    # RFC 9110 section 13.1.1: a list of tags, or any version at all.
    if if_match is None or if_match.strip() == "*":
        return
    if tag_of(order) not in {tag.strip() for tag in if_match.split(",")}:
        raise ChangedMeanwhile
