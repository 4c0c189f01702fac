"""`make saboteurs`: break each rule in turn, and print check by check that it fails."""

import argparse
import signal
import sys
from pathlib import Path

from proof.audit import FOLDER, run_checks
from proof.outcome import Outcome
from proof.saboteurs.switches import SWITCHES, Switch
from proof.saboteurs.world import sabotaged


def main(words: list[str]) -> int:
    """1 where a check did not see what was broken."""
    parser = argparse.ArgumentParser(prog="python -m proof.saboteurs", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="these switches")
    only = parser.parse_args(words).only
    chosen = [each for each in SWITCHES if not only or each.name in only.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was broken is made whole on that way, too
    FOLDER.mkdir(parents=True, exist_ok=True)
    blind = 0 if only else _control()
    for number, switch in enumerate(chosen, 1):
        for check, outcomes in _seen(switch).items():
            failed = [each for each in outcomes if not each.passed]
            blind += not failed
            verdict = "fails as it must" if failed else "DOES NOT SEE IT"
            print(f"{number:2}/{len(chosen)}  {switch.name:42} {verdict:17} {Path(check).name}", flush=True)
            if failed:
                print(f"{'':50}{failed[0].found[:110]}", flush=True)
    print(f"\n{len(chosen)} rules broken; checks that did not see it: {blind}")
    return int(blind > 0)


def _control() -> int:
    """The same checks with second processes in which nothing is broken: how many fail all the same, and why."""
    blamed = 0
    for service in sorted({each.service for each in SWITCHES if each.service}):
        checks = sorted({check for each in SWITCHES if each.service == service for check in each.checks})
        outcomes = [
            each for found in _seen(Switch("nothing", tuple(checks), service=service)).values() for each in found
        ]
        failed = [each for each in outcomes if not each.passed]
        blamed += len(failed)
        print(f" -      nothing, {service:33} {len(checks) - len(failed)} of {len(checks)} checks pass", flush=True)
        print(*(f"{'':50}{each.test}: {each.found[:110]}" for each in failed), sep="\n", end="\n" if failed else "")
    return blamed


def _seen(switch: Switch) -> dict[str, list[Outcome]]:
    """The outcomes of each of its checks, while the rule is broken."""
    found: dict[str, list[Outcome]] = {check: [] for check in switch.checks}
    with sabotaged(switch) as environ:
        for outcome in run_checks(list(switch.checks), FOLDER / "sabotaged.jsonl", environ):
            found[outcome.check].append(outcome)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
