"""`announce --since`: purchases told once more, for whoever may have missed them; each consumer knows what it has.

After a restore: an event that had left orders at the moment of the backup, but had not arrived, is in no database.
"""

import argparse
from datetime import UTC, datetime

from services.orders.deps import Deps
from services.orders.life.conclude import announcement_from_store
from services.orders.life.store import COLLECTION
from shared.service import Command

_PAGE = 200


async def announce_again(deps: Deps, since: datetime) -> int:
    """Announce every order that was paid since then; how many. Raises `TransientError` where the database is away."""
    count, before = 0, ""
    while page := await deps.orders.newest(before=before, limit=_PAGE):
        for order in page:
            if order.paid_at is None or order.paid_at < since:
                continue
            announcement = await announcement_from_store(deps, order)
            event = order.purchase(at=order.paid_at, event_id=announcement.event_id, buyer=announcement.buyer)
            if await deps.orders.save(order, [event]) is None:
                continue  # changed just now: it is being told anyway
            deps.relay.announce(COLLECTION, order.id, [event])
            count += 1
        if page[-1].created_at < since:
            break
        before = page[-1].id
    return count


async def _run(deps: Deps, arguments: argparse.Namespace) -> int:
    print(f"{await announce_again(deps, arguments.since)} purchases are announced once more")  # noqa: T201 - a command's answer
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=_moment, required=True, help="paid since then; RFC 3339, such as 2026-11-01T10:00Z"
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day or a time, such as 2026-11-01 or 2026-11-01T10:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


COMMAND = Command("announce", "tell purchases once more, after a restore", add_arguments=_arguments, run=_run)
