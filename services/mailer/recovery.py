"""`mailer recover`, after a restore: who unsubscribed since is unsubscribed again, and newsletters are unlocked.

Who unsubscribed after the backup was made stands in the logs of then, by subscriber. How many newsletters of the month
somebody got stands nowhere any more: `services.mailer.locked` waits for the next month.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from services.mailer.deps import Deps
from services.mailer.subscriptions.domain import NoSuchSubscriber
from services.mailer.subscriptions.usecases import ENDED, end
from shared.service import Command

MARK_IS_LATE = timedelta(minutes=5)
"""A backup's mark is later than its moment, by as much as clocks may differ. Ending twice changes nothing."""


async def recover(deps: Deps, arguments: argparse.Namespace) -> int:
    """End the subscriptions that the logs tell of, then note that it was done."""
    as_of = await deps.restored.as_of()
    if as_of is None:
        sys.stderr.write("this database was not restored: there is nothing to recover\n")
        return 1
    ended = unknown = 0
    for subscriber_id in left_since(as_of - MARK_IS_LATE, _lines(arguments.log)):
        try:
            ended += await end(deps, subscriber_id)
        except NoSuchSubscriber:  # came after the backup, and left again
            unknown += 1
    await deps.restored.recover(deps.clock())
    sys.stdout.write(f"{ended} had unsubscribed since, {unknown} of others that are not known any more\n")
    return 0


def left_since(as_of: datetime, lines: Iterable[str]) -> Iterator[str]:
    """Ids of those who unsubscribed after that moment, by the lines of mailer's logs; other lines are passed over."""
    for line in lines:
        try:
            row = json.loads(line)
            is_later = datetime.fromisoformat(row["at"]) >= as_of
        except (ValueError, KeyError, TypeError):
            continue
        if is_later and row.get("event") == ENDED and isinstance(row.get("subscriber_id"), str):
            yield row["subscriber_id"]


def _lines(files: list[Path]) -> Iterator[str]:
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as text:
            yield from text


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log", type=Path, nargs="+", required=True, metavar="FILE",
        help="mailer's logs since the backup: they tell who has unsubscribed",
    )  # fmt: skip


COMMAND = Command("recover", "after a restore: rebuild suppression, then unlock newsletters from next month on",
                  add_arguments=_arguments, run=recover)  # fmt: skip
