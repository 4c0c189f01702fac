"""`trail verify|anchor`: is the audit trail whole?"""

import argparse
import sys

from services.auth.deps import Deps
from services.auth.trail.verify import Report
from shared.service import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    verify = actions.add_parser("verify", help="check every chain and anchor; status 1 where anything is wrong")
    verify.add_argument("--anchor", default="", metavar="HASH", help="from the log: this anchor must be there")
    actions.add_parser("anchor", help="anchor now what has grown since the last time; prints the newest hash")


async def _run(deps: Deps, args: argparse.Namespace) -> int:
    if args.action == "anchor":
        return await _anchor(deps)
    report = await deps.audit.verify(expected=args.anchor)
    for fault in report.faults:
        _say(str(fault))
    for version, count in sorted(report.unproven.items()):
        _say(f"version {version} of the key trail is not here: {count} entries and anchors cannot be checked")
    _say(_summary(report))
    return 0 if report.is_whole else 1


def _summary(report: Report) -> str:
    seen = f"{report.entries} entries in {report.chains} chains, {report.anchors} anchors"
    if report.faults:
        return f"{len(report.faults)} faults in {seen}"
    return f"whole: {seen}" if report.is_whole else f"no fault found, but not all could be checked: {seen}"


async def _anchor(deps: Deps) -> int:
    """Print one hash, for a command that takes one: the newest anchor stands for all before it."""
    if not await deps.audit.anchor():
        sys.stderr.write("nothing new since the newest anchor\n")
    if newest := await deps.audit.newest_anchor():
        _say(newest.hex())
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


TRAIL = Command(name="trail", help="verify and anchor the audit trail", add_arguments=_arguments, run=_run)
