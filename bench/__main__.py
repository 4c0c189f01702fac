"""`make bench`: ours and the raw prototype in turns, medians, a table; exits non-zero where a target is missed."""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench.gateways import GatewayChecks
from bench.logins import Logins
from bench.mailing import Claiming, Mailing
from bench.million import Million
from bench.newsletters import Newsletters
from bench.orders import CatalogueReads, Endurance, LeastCheckouts, ToTheBroker
from bench.report import Memory, Results, table
from bench.sections import Checkouts, Purchases, Section, SessionChecks, Sessions
from bench.warranty import Backlog, ClaimQueue
from bench.world import SIDES, NoStack, World, open_world

SECTIONS = (
    "sessions", "gateway", "logins", "checkouts", "least", "catalogue", "publishing", "purchases", "claims",
    "newsletters", "mailing", "claiming",
)  # fmt: skip
LONG = ("endurance", "backlog", "million")  # only where it is asked for by name
GROUPS = {
    "auth": ("sessions", "gateway", "logins"),
    "orders": ("checkouts", "least", "catalogue", "publishing"),
    "warranty": ("backlog", "purchases", "claims"),
    "mailer": ("newsletters", "mailing", "claiming"),
}
LOGINS_LAST = 2.5  # times as long: there are few of them in a second
RESULT = Path(".local") / "bench.json"


async def bench(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    results = Results()
    wanted = {name for word in arguments.only or SECTIONS for name in GROUPS.get(word, (word,))}
    async with open_world() as world:
        sections = {name: section for name, section in _sections(arguments).items() if name in wanted}
        for name, section in sections.items():
            await _measure(world, name, section, results, rounds=min(arguments.rounds, section.most_rounds))
        results.memory += _memory(world)
        results.memory += [row for section in sections.values() for row in section.memory()]
    print(f"\n{table(results)}\n\n{time.monotonic() - began:.0f} s, {RESULT}")
    results.save(RESULT, about=_about(arguments))
    return 0 if results.is_met else 1


def _sections(arguments: argparse.Namespace) -> dict[str, Section]:
    sessions = Sessions()
    return {
        "sessions": SessionChecks(arguments.seconds, sessions),
        "gateway": GatewayChecks(arguments.seconds, sessions),
        "logins": Logins(LOGINS_LAST * arguments.seconds, sessions),
        "checkouts": Checkouts(arguments.seconds, sessions),
        "least": LeastCheckouts(arguments.seconds, sessions),
        "catalogue": CatalogueReads(arguments.seconds, sessions),
        "publishing": ToTheBroker(3 * arguments.seconds, sessions),
        "endurance": Endurance(arguments.seconds, sessions, orders=arguments.orders),
        "backlog": Backlog(),  # before anybody consumes
        "purchases": Purchases(2 * arguments.seconds),
        "claims": ClaimQueue(2 * arguments.seconds),
        "newsletters": Newsletters(),
        "mailing": Mailing(),
        "claiming": Claiming(),
        "million": Million(arguments.subscribers),
    }


async def _measure(world: World, name: str, section: Section, results: Results, *, rounds: int) -> None:
    print(f"{name}: getting ready", end="", flush=True)
    await section.prepare(world)
    for side in SIDES:  # caches, connections and lazily loaded code; not counted
        await section.run(world, side, Results())
    for turn in range(rounds):
        print(f"\r{name}: round {turn + 1} of {rounds}  ", end="", flush=True)
        # Whoever comes second finds a larger database and a warmer machine: take turns in that, too.
        for side in SIDES if turn % 2 == 0 else reversed(SIDES):
            await section.run(world, side, results)
    print(f"\r{name}: done            ", flush=True)


def _memory(world: World) -> list[Memory]:
    measured = [
        Memory(
            f"{side} {service}",
            process.rss_mb,
            side == "ours" and service != "gateway",
        )
        for side, here in world.sides.items()
        for service, process in here.processes.items()
    ]
    running = [Memory(f"stack {service}", mb, is_ours=True) for service, mb in world.stack_memory().items()]
    return measured + running


def _about(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": arguments.rounds,
        "seconds_a_round": arguments.seconds,
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.2, help="of each measurement")
    parser.add_argument("--only", nargs="*", default=[], choices=(*GROUPS, *SECTIONS, *LONG))
    parser.add_argument("--orders", type=int, default=100_000, help="how many, in `endurance`")
    parser.add_argument("--subscribers", type=int, default=1_000_000, help="how many, in `million`")
    arguments = parser.parse_args(argv)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(bench(arguments))
    except NoStack as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
