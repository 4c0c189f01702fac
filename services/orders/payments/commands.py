"""`python -m services.orders payments reconcile`: each difference on a line, then how much was compared."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime

from services.orders.deps import Deps
from services.orders.payments.differences import Difference
from services.orders.payments.reconcile import Counted, reconcile
from shared.service import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    comparing = actions.add_parser(
        "reconcile", help="compare the provider's ledger with the orders; 1 where they differ"
    )
    comparing.add_argument(
        "--since", type=_moment, help="day or time (RFC 3339) from which on; all there is without it"
    )
    comparing.add_argument("--json", action="store_true", help="one JSON object a line, the last one the summary")


async def _reconcile(deps: Deps, arguments: argparse.Namespace) -> int:
    counted, differences = Counted(), 0
    async for difference in reconcile(deps, since=arguments.since, counted=counted):
        differences += 1
        _print(json.dumps(asdict(difference)) if arguments.json else _line(difference))
    summary = {"orders": counted.orders, "charges": counted.charges, "differences": differences}
    told = ", ".join(f"{count} {name}" for name, count in summary.items())
    _print(json.dumps(summary) if arguments.json else told)
    return 1 if differences else 0


def _line(found: Difference) -> str:
    ours = f"ours: {found.ours or 'no order'} {found.ours_minor}"
    theirs = f"theirs: {found.theirs or 'no charge'} {found.theirs_minor}"
    names = " ".join(filter(None, (found.number, found.order_id, found.reference)))
    return f"{found.kind.value}\t{names}\t{found.currency}\t{ours}\t{theirs}"


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's answer


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day or a time, such as 2026-11-01 or 2026-11-01T10:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


COMMAND = Command("payments", "compare with the payment provider", add_arguments=_add_arguments, run=_reconcile)
