"""`python -m services.orders screening ...`: the block list, and rules tried on past orders."""

import argparse
import sys
from pathlib import Path

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.store import Filter
from services.orders.screening.blocks import Block
from services.orders.screening.domain import Decision, Kind
from services.orders.screening.dryrun import Report, dry_run
from services.orders.screening.issuers import load_issuers
from services.orders.screening.marks import mark_of_email, mark_of_network
from services.orders.screening.rules import BadRules, load_rules
from shared.addresses import parse_email
from shared.http.client import network_written
from shared.publickeys import CARD

_PAGE = 200
BY = "command"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it may be asked."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    trial = actions.add_parser("dry-run", help="try rules on past orders; needs the key `card`")
    trial.add_argument("rules", type=Path, nargs="?", help="file of rules; without it, those in force")
    trial.add_argument("--days", type=float, default=90, help="how far back")
    trial.add_argument("--numbers", action="store_true", help="name the orders that would be decided otherwise")
    actions.add_parser("list", help="the block list")
    block = actions.add_parser("block", help="put a card, an address or a network on the block list")
    block.add_argument("kind", choices=[kind.value for kind in Kind])
    which = block.add_mutually_exclusive_group(required=True)
    which.add_argument("--order", help="that of this order, by its number or id")
    which.add_argument("--stdin", action="store_true", help="an e-mail address or network, such as 203.0.113.0/24")
    unblock = actions.add_parser("unblock", help="take an entry off the block list")
    unblock.add_argument("id", help="as `list` shows it")


async def screening(deps: Deps, arguments: argparse.Namespace) -> int:
    """Do as asked; 0 where it was done."""
    match arguments.action:
        case "dry-run":
            return await _dry_run(deps, arguments)
        case "list":
            return await _list(deps)
        case "block":
            return await _block(deps, arguments)
        case _:
            return await _unblock(deps, arguments)


async def _dry_run(deps: Deps, arguments: argparse.Namespace) -> int:
    if not deps.keys.versions(CARD):
        return _refused(f"the key `{CARD}` is not here: run this with the environment of the screening commands")
    try:
        rules = load_rules(arguments.rules or deps.settings.screening_rules)
    except BadRules as bad:
        return _refused(*bad.mistakes)
    issuers = load_issuers(deps.settings.screening_issuers)
    report = await dry_run(deps, rules, issuers, days=arguments.days)
    _print(f"{report.orders} checkouts of {arguments.days:g} days, held against rules {rules.version}")
    _print_report(report, numbers=arguments.numbers)
    return 0


def _print_report(report: Report, *, numbers: bool) -> None:
    _print(f"{'decision':<10}{'now':>8}{'before':>8}")
    for decision in Decision:
        _print(f"{decision.value:<10}{report.decisions[decision]:>8}{report.before[decision]:>8}")
    _print(f"{'unscreened':<10}{'':>8}{report.before[None]:>8}")
    for rule, count in report.rules.most_common():
        _print(f"rule {rule}: {count}")
    for (before, now), changed in sorted(report.changes.items(), key=str):
        _print(f"{before.value if before else 'unscreened'} -> {now.value}: {len(changed)}")
        if numbers:
            _print(*(f"    {number}" for number in changed))
    _print(f"paid, and would have been blocked: {report.paid_but_blocked}")
    _print(f"cards that cannot be read any more: {report.unreadable}")


async def _list(deps: Deps) -> int:
    behind = ""
    while page := await deps.blocks.entries(behind=behind, limit=_PAGE):
        for block in page:
            _print("\t".join([block.id, block.by, block.at.isoformat(), block.note]))
        behind = page[-1].id
    return 0


async def _block(deps: Deps, arguments: argparse.Namespace) -> int:
    kind = Kind(arguments.kind)
    if arguments.order:
        order = await _order(deps, arguments.order)
        mark, note = order.marks.of(kind), f"order {order.number}"
    else:
        # Never an argument: other users of the machine see those.
        try:
            mark, note = _mark_of(deps, kind, sys.stdin.readline().strip()), ""
        except ValueError as wrong:
            return _refused(str(wrong))
    if not mark:
        return _refused(f"there is no {kind.value} to block")
    block = Block(kind, mark, BY, deps.clock(), note)
    await deps.blocks.add(block)
    _print(block.id)
    return 0


async def _order(deps: Deps, named: str) -> Order:
    """The order with this number, else with this id."""
    for order in await deps.orders.newest(before="", limit=1, only=Filter(number=named.strip().upper())):
        return order
    return await deps.orders.get(named)


def _mark_of(deps: Deps, kind: Kind, text: str) -> str:
    if kind is Kind.EMAIL:
        return mark_of_email(deps.index, parse_email(text))
    return mark_of_network(deps.index, network_written(text)) if kind is Kind.NETWORK and text else ""


async def _unblock(deps: Deps, arguments: argparse.Namespace) -> int:
    return 0 if await deps.blocks.remove(arguments.id) else _refused("there is no such entry")


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _refused(*reasons: str) -> int:
    sys.stderr.writelines(f"{reason}\n" for reason in reasons)
    return 1
