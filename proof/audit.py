"""`make audit`: every check of the register that needs no damage, from outside, against the running stack.

The checks are tests; the register says which prove what. `--against URL` runs those that any deployment can bear.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from proof.outcome import Outcome, read_outcomes, rows
from proof.report import as_json, as_page, as_text
from shared.promises import register

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".local" / "audit"
SAFE = "tests/outside/"
PATIENCE_S = 1200  # of all checks together: one that hangs has not passed
FROM_OUTSIDE = (SAFE, "tests/journey/")


def checks_of(places: tuple[str, ...], only: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Ids of the checks in these folders, by promise; of the promises in `only`, where it names any."""
    return {
        promise.id: [test for test in promise.proved_by if test.startswith(places)]
        for promise in register().values()
        if not only or promise.id in only
    }


def run_checks(tests: list[str], record: Path, environ: Mapping[str, str] = {}) -> Iterator[Outcome]:
    """Run checks in one pytest; each outcome as soon as it is known."""
    record.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "proof.recorder", "-p", "no:cacheprovider", *tests]
    told, ends = 0, time.monotonic() + PATIENCE_S
    with (record.parent / "pytest.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"PROOF_RECORD": str(record)} | dict(environ), stdout=log, stderr=log
        )
        try:
            while True:
                ended = process.poll() is not None or time.monotonic() > ends
                outcomes = read_outcomes(record)
                yield from outcomes[told:]
                told = len(outcomes)
                if ended:
                    return
                time.sleep(0.3)
        finally:
            process.terminate()
            process.wait()


def main(words: list[str]) -> int:
    """The audit; 1 where any promise is broken, 2 where nothing could be checked."""
    parser = argparse.ArgumentParser(prog="python -m proof.audit", description=__doc__)
    parser.add_argument("--against", default="", metavar="URL", help="a deployment, of which only the address is known")
    parser.add_argument("--only", default="", metavar="P1,P7", help="these promises")
    arguments = parser.parse_args(words)
    only = tuple(word for word in arguments.only.upper().split(",") if word)
    if arguments.against and not arguments.against.startswith("https://"):
        parser.error("--against wants an address like https://shop.example")
    checks = checks_of((SAFE,) if arguments.against else FROM_OUTSIDE, only)
    tests = sorted({test for each in checks.values() for test in each})
    if not tests:
        print("no check for that", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC)
    outcomes = _told(tests, FOLDER / "running.jsonl", {"PROOF_AGAINST": arguments.against})
    if not outcomes:
        print(f"no check could run: see {FOLDER / 'pytest.log'}", file=sys.stderr)
        return 2
    outcomes += [
        Outcome(test, passed=False, tried=0, seconds=0.0, found="did not run") for test in _missing(tests, outcomes)
    ]
    table = rows((each for each in register().values() if not only or each.id in only), checks, outcomes)
    target = arguments.against or "the stack of this checkout"
    stem = FOLDER / f"audit-{at:%Y-%m-%dT%H%M%SZ}"
    for suffix, text in (
        (".txt", as_text(table) + "\n"),
        (".json", as_json(table, at=at, target=target)),
        (".html", as_page(table, at=at, target=target)),
    ):
        stem.with_suffix(suffix).write_text(text, "utf-8")
    print(f"\n{as_text(table)}\n\n{stem}.txt, .json, .html")
    return int(any(not each.passed for each in outcomes))


def _missing(tests: list[str], outcomes: list[Outcome]) -> list[str]:
    """Checks of which nothing is known: what did not run has not passed."""
    return sorted(set(tests) - {each.check for each in outcomes})


def _told(tests: list[str], record: Path, environ: Mapping[str, str]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for outcome in run_checks(tests, record, environ):
        outcomes.append(outcome)
        done = len({each.check for each in outcomes})
        mark = "ok   " if outcome.passed else "FOUND"
        print(
            f"{done:3}/{len(tests)}  {mark} {outcome.test.removeprefix('tests/')}  {outcome.seconds:.1f} s", flush=True
        )
    return outcomes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
