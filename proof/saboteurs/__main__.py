"""`make saboteurs`: break each rule in turn, and print check by check that it passes without and fails with it."""

import argparse
import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from proof.audit import FOLDER, run_checks
from proof.outcome import Outcome
from proof.saboteurs.switch import NOTHING, Switch
from proof.saboteurs.switches import SHORT, SWITCHES
from proof.saboteurs.world import sabotaged

BUSY = "/problems/unavailable"
"""A service had too much to do (503): what such a check found says nothing of the rule, and it is done again."""
TURNS = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One check under one switch; `passes_whole` is what the same check said where nothing was broken."""

    switch: str
    check: str
    passes_whole: bool
    whole_s: float
    fails_broken: bool
    broken_s: float
    found: str

    @property
    def verdict(self) -> str:
        """What it is worth."""
        if not self.passes_whole:
            return "FAILS WHOLE, TOO"
        if self.fails_broken and BUSY in self.found:
            return "WAS TOO BUSY"
        return "fails as it must" if self.fails_broken else "DOES NOT SEE IT"

    @property
    def is_good(self) -> bool:
        """The check passes where all is whole, and fails where this is broken."""
        return self.passes_whole and self.fails_broken and BUSY not in self.found


def main(words: list[str]) -> int:
    """1 where a check did not see what was broken, or fails where nothing is."""
    parser = argparse.ArgumentParser(prog="python -m proof.saboteurs", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="these switches")
    parser.add_argument("--short", action="store_true", help="some that take seconds")
    given = parser.parse_args(words)
    only = [*SHORT] if given.short else [name for name in given.only.split(",") if name]
    chosen = [each for each in SWITCHES if not only or each.name in only]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was broken is made whole on that way, too
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole = _control(chosen)
    seen: list[Seen] = []
    for number, switch in enumerate(chosen, 1):
        for check, outcomes in _seen(switch).items():
            seen.append(_judged(switch, check, whole.get((switch.service, check), []), outcomes))
            _tell(f"{number:2}/{len(chosen)}", seen[-1])
    (FOLDER / "saboteurs.json").write_text(json.dumps([asdict(each) for each in seen], indent=1), "utf-8")
    blind = [each for each in seen if not each.is_good]
    taken = sum(each.broken_s for each in seen) + sum(o.seconds for outcomes in whole.values() for o in outcomes)
    print(f"\n{len(chosen)} rules broken, {len(seen)} times a check in {taken:.0f} s of checks; "
          f"checks that did not see it or fail anyway: {len(blind)}")  # fmt: skip
    print(*(f"  {each.switch}: {each.check}: {each.verdict}" for each in blind), sep="\n")
    return int(bool(blind))


def _control(chosen: Iterable[Switch]) -> dict[tuple[str, str], list[Outcome]]:
    """The same checks where nothing is broken, beside a second process of the service where a switch has one."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for service in sorted({each.service for each in chosen}):
        checks = sorted({check for each in chosen if each.service == service for check in each.checks})
        outcomes = _seen(Switch(NOTHING, tuple(checks), service=service))
        found |= {(service, check): each for check, each in outcomes.items()}
        good = sum(_passes(each) for each in outcomes.values())
        print(f" -      nothing{', ' if service else ''}{service:34} {good} of {len(checks)} checks pass", flush=True)
        for outcome in (each for group in outcomes.values() for each in group if not each.passed):
            print(f"{'':50}{outcome.test}: {outcome.found[:110]}", flush=True)
    return found


def _judged(switch: Switch, check: str, whole: list[Outcome], broken: list[Outcome]) -> Seen:
    failed = [each for each in broken if not each.passed]
    return Seen(
        switch.name, check, _passes(whole), sum(each.seconds for each in whole), bool(failed),
        sum(each.seconds for each in broken), failed[0].found[:200] if failed else "",
    )  # fmt: skip


def _passes(outcomes: list[Outcome]) -> bool:
    """A check that did not run has not passed."""
    return bool(outcomes) and all(each.passed for each in outcomes)


def _tell(place: str, seen: Seen) -> None:
    times = f"{seen.whole_s:5.1f} s {seen.broken_s:5.1f} s"
    print(f"{place}  {seen.switch:42} {seen.verdict:17} {times}  {Path(seen.check).name}", flush=True)
    if seen.found:
        print(f"{'':50}{seen.found[:110]}", flush=True)


def _seen(switch: Switch) -> dict[str, list[Outcome]]:
    """The outcomes of each of its checks, while the rule is broken, or where nothing is."""
    found: dict[str, list[Outcome]] = {}
    waiting = list(switch.checks)
    with sabotaged(switch) as environ:
        for _ in range(TURNS):
            turn: dict[str, list[Outcome]] = {check: [] for check in waiting}
            for outcome in run_checks(waiting, FOLDER / "sabotaged.jsonl", environ):
                turn[outcome.check].append(outcome)
            found |= turn
            waiting = [check for check, outcomes in turn.items() if is_unsure(switch, outcomes)]
            if not waiting:
                break
    return found


def is_unsure(switch: Switch, outcomes: list[Outcome]) -> bool:
    """Whether a check has to be done again: all that it failed by was that something was busy, or did not come in time.

    Where nothing is broken that may show in any way; what fails each time does fail.
    """
    failed = [each for each in outcomes if not each.passed]
    return bool(failed) and (not switch.is_broken or all(_may_be_busy(each.found) for each in failed))


def _may_be_busy(found: str) -> bool:
    return BUSY in found or found.startswith("TimeoutError")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
