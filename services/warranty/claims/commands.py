"""`python -m services.warranty claims ...`: rules tried on past claims."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from services.warranty.claims.decisions import BadClaimRules, load_claim_rules
from services.warranty.claims.dryrun import Outcome, Report, dry_run
from services.warranty.deps import Deps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it may be asked."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    trial = actions.add_parser("try", help="hold rules against past claims; changes nothing")
    trial.add_argument("rules", type=Path, nargs="?", help="file of rules; without it, those in force")
    trial.add_argument("--days", type=float, default=365, help="how far back")
    trial.add_argument("--numbers", action="store_true", help="name the claims that were rejected, yet a rule fits")


async def claims(deps: Deps, arguments: argparse.Namespace) -> int:
    """Do as asked; 0 where it was done."""
    try:
        rules = load_claim_rules(arguments.rules or deps.settings.claim_rules)
    except BadClaimRules as bad:
        sys.stderr.write(f"{bad}\n")
        return 1
    report = await dry_run(deps, rules, days=arguments.days)
    _print(f"{report.claims} claims of {arguments.days:g} days, held against rules {rules.version}")
    _print(*_lines(report))
    _print(f"rejected, and would have been approved: {len(report.against)}")
    if arguments.numbers:
        _print(*(f"    {number}" for number in report.against))
    return 0


def _lines(report: Report) -> Iterable[str]:
    """A table: a column for what the rules say, a row for what became of the claims; then rules and reasons."""
    yield f"{'what became of them':<22}{'approved':>10}{'escalated':>11}"
    for outcome in Outcome:
        yield f"{outcome.value:<22}{report.approved[outcome]:>10}{report.escalated[outcome]:>11}"
    yield f"{'in all':<22}{report.approved.total():>10}{report.escalated.total():>11}"
    for name, counts in report.by_rule.items():
        yield f"approved by {name}: {_told(counts)}"
    for reason, counts in report.by_reason.items():
        yield f"escalated, {reason}: {_told(counts)}"


def _told(counts: Counter[Outcome]) -> str:
    parts = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.most_common())
    return f"{counts.total()} ({parts})"


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
