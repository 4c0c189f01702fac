"""`python -m deploy.demo`: play the main job against the running stack; exit 1 when any count is off."""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from deploy.demo.story import play
from deploy.demo.tell import Teller
from deploy.outside.shop import Shop
from deploy.outside.stack import Stack

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Parse, play, report."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=200, help="how many subscribe (default 200)")
    parser.add_argument("--purchases", type=int, default=50, help="how many buy while things break (default 50)")
    arguments = parser.parse_args()
    try:
        stack = Stack.find(ROOT)
    except FileNotFoundError:
        sys.stderr.write("No stack is up here: run `make up` first, or `make demo`, which does both.\n")
        return 2
    teller = Teller()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play(Shop(stack), teller, subscribers=arguments.subscribers, purchases=arguments.purchases))
    if teller.wrong:
        sys.stdout.write("\nNot as promised:\n" + "".join(f"  ✗ {line}\n" for line in teller.wrong))
        return 1
    sys.stdout.write("\nEverything is as promised. The stack goes on running; `make down` stops it.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
