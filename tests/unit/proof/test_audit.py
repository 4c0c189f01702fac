"""The audit: which checks it runs, what it tells of them, and that a violation is never told as kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proof import audit
from proof.outcome import Outcome, read_outcomes, rows
from proof.report import as_json, as_page, as_text
from shared.promises import register

AT = datetime(2026, 11, 28, tzinfo=UTC)
P1 = register()["P1"]
CHECK = P1.proved_by[0]


def an_outcome(*, passed: bool = True, found: str = "") -> Outcome:
    return Outcome(f"{CHECK}[one]", passed, tried=3, seconds=0.5, found=found)


def test_what_needs_only_an_address_is_part_of_what_needs_a_stack() -> None:
    safe, whole = audit.checks_of((audit.SAFE,)), audit.checks_of(audit.FROM_OUTSIDE)

    assert all(set(safe[each]) <= set(whole[each]) for each in whole)
    assert {"P1", "P2", "P20"} <= {each for each, tests in safe.items() if tests}
    assert not [test for tests in whole.values() for test in tests if test.startswith("tests/faults")]


def test_a_violation_breaks_its_promise_and_is_told() -> None:
    [row] = rows([P1], {"P1": [CHECK]}, [an_outcome(), an_outcome(passed=False, found="128 bits <taken>")])

    assert (row.verdict, row.checks, row.tried, row.found) == ("BROKEN", 1, 6, 1)
    assert "128 bits <taken>" in as_text([row])
    assert "128 bits &lt;taken&gt;" in as_page([row], at=AT, target="here")
    assert json.loads(as_json([row], at=AT, target="here"))["promises"][0]["verdict"] == "BROKEN"


def test_without_a_check_that_ran_nothing_is_called_kept() -> None:
    [row] = rows([P1], {"P1": [CHECK]}, [])

    assert row.verdict == "not checked"


def test_a_check_that_proves_two_promises_is_counted_once_in_all() -> None:
    table = rows([P1, register()["P2"]], {"P1": [CHECK], "P2": [CHECK]}, [an_outcome()])

    assert [row.tried for row in table] == [3, 3]
    assert as_text(table).splitlines()[-1].split() == ["all", "1", "3", "0", "0.5", "s", "kept"]


@pytest.mark.parametrize(("body", "passed"), [("tried(7)", True), ("tried(7); assert False, 'seen'", False)])
def test_what_a_check_did_is_recorded(tmp_path: Path, body: str, passed: bool) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import tried\n")
    (tmp_path / "test_one.py").write_text(f"def test_it(tried):\n    {body}\n")
    record = tmp_path / "record.jsonl"

    [outcome] = audit.run_checks([str(tmp_path / "test_one.py")], record)

    assert (outcome.passed, outcome.tried) == (passed, 7)
    assert passed or "seen" in outcome.found
    assert read_outcomes(record) == [outcome]


def test_a_check_that_could_not_begin_is_no_success(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.fixture\ndef broken():\n    raise OSError('away')\ndef test_it(broken):\n    pass\n"
    (tmp_path / "test_one.py").write_text(text)

    [outcome] = audit.run_checks([str(tmp_path / "test_one.py")], tmp_path / "record.jsonl")

    assert not outcome.passed
    assert "away" in outcome.found


def test_a_check_of_which_nothing_is_known_is_missing() -> None:
    assert audit._missing([CHECK, "tests/journey/test_x.py::test_y"], [an_outcome()]) == [
        "tests/journey/test_x.py::test_y"
    ]


@pytest.mark.parametrize("words", [["--against", "shop.example"], ["--against", "http://shop.example"]])
def test_an_address_that_is_not_encrypted_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        audit.main(words)

    assert "https://" in capsys.readouterr().err


def test_a_promise_that_there_is_not_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--only", "P99"]) == 2
    assert "no check" in capsys.readouterr().err
