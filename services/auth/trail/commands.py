"""`trail verify|anchor`: is the audit trail whole?"""

import argparse
import sys

from services.auth.deps import Deps
from shared.cli import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    verify = actions.add_parser("verify", help="check every chain and anchor; status 1 where anything is wrong")
    verify.add_argument("--anchor", default="", metavar="HASH", help="from the log: this anchor must be there")
    actions.add_parser("anchor", help="anchor now what has grown since the last time; prints the hash to keep")


async def _run(deps: Deps, args: argparse.Namespace) -> int:
    if args.action == "anchor":
        for made in await deps.audit.anchor():
            _say(made.hex())
        return 0
    report = await deps.audit.verify(expected=args.anchor)
    for fault in report.faults:
        _say(str(fault))
    seen = f"{report.entries} entries in {report.chains} chains, {report.anchors} anchors"
    _say(f"{len(report.faults)} faults in {seen}" if report.faults else f"whole: {seen}")
    return 1 if report.faults else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


TRAIL = Command(name="trail", help="verify and anchor the audit trail", add_arguments=_arguments, run=_run)
