"""What the checks have found, by promise."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.promises import Promise


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check's result. `test` is an id of pytest, with its parameters; `found` is "" where nothing was."""

    test: str
    passed: bool
    tried: int
    seconds: float
    found: str

    @property
    def check(self) -> str:
        """The id without parameters, as the register names it."""
        return self.test.partition("[")[0]


@dataclass(frozen=True, slots=True)
class Row:
    """A promise with all of its checks that ran. `not_run` are ids of those that this run could not do."""

    promise: Promise
    outcomes: tuple[Outcome, ...]
    not_run: tuple[str, ...]

    @property
    def checks(self) -> int:
        """How many checks ran."""
        return len({each.check for each in self.outcomes})

    @property
    def tried(self) -> int:
        """How many cases they tried."""
        return sum(each.tried for each in self.outcomes)

    @property
    def found(self) -> int:
        """How many of them found a violation."""
        return sum(not each.passed for each in self.outcomes)

    @property
    def seconds(self) -> float:
        """How long they took."""
        return sum(each.seconds for each in self.outcomes)

    @property
    def verdict(self) -> str:
        """`kept`, `BROKEN`, or `not checked` where no check ran."""
        if not self.outcomes:
            return "not checked"
        return "BROKEN" if self.found else "kept"


def read_outcomes(record: Path) -> list[Outcome]:
    """What the recorder has written so far."""
    if not record.exists():
        return []
    return [Outcome(**json.loads(line)) for line in record.read_text("utf-8").splitlines()]


def rows(promises: Iterable[Promise], checks: Mapping[str, list[str]], outcomes: Iterable[Outcome]) -> list[Row]:
    """One row for each promise. `checks` are the ids that this run was to do, by promise."""
    by_check: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_check.setdefault(outcome.check, []).append(outcome)
    return [
        Row(
            promise,
            tuple(outcome for check in checks[promise.id] for outcome in by_check.get(check, [])),
            tuple(test for test in promise.proved_by if test not in checks[promise.id]),
        )
        for promise in promises
    ]
