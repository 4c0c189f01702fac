"""How `make test` runs its steps."""

import time

import pytest

from deploy.checks import CheckFailed, at_once


def python(program: str) -> tuple[str, ...]:
    return ("python", "-c", program)


def test_steps_at_once_each_tell_all_they_printed_when_they_end(capfd: pytest.CaptureFixture[str]) -> None:
    at_once(
        python("import time; print('a1', flush=True); time.sleep(0.4); print('a2')"),
        python("import sys; print('b1', flush=True); print('b2', file=sys.stderr)"),
    )

    told = [line for line in capfd.readouterr().out.splitlines() if len(line) == 2]
    assert told in (["b1", "b2", "a1", "a2"], ["a1", "a2", "b1", "b2"])


def test_one_that_fails_ends_the_others_and_tells_why(capfd: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()

    with pytest.raises(CheckFailed, match="python -c print"):
        at_once(python("import time; time.sleep(600)"), python("print('why'); raise SystemExit(3)"))

    assert "\nwhy\n" in capfd.readouterr().out
    assert time.monotonic() - begun < 300


def test_of_two_that_have_ended_the_one_that_failed_is_seen() -> None:
    with pytest.raises(CheckFailed, match="raise SystemExit"):
        at_once(python("pass"), python("raise SystemExit(1)"))


def test_a_program_that_is_missing_leaves_none_running() -> None:
    with pytest.raises(FileNotFoundError):
        at_once(python("import time; time.sleep(600)"), ("no-such-program",))
