"""The switches: each breaks something that there is, for checks of the register; production code knows of none."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.gateway import render
from proof import audit
from proof.outcome import Outcome
from proof.saboteurs import aftersales  # noqa: F401  # its patches are among the others
from proof.saboteurs.__main__ import Seen, is_unsure
from proof.saboteurs.patches import PATCHES
from proof.saboteurs.switch import NOTHING, Switch
from proof.saboteurs.switches import SHORT, SWITCHES
from tests.unit.deploy.stacks import a_stack

ROOT = Path(__file__).parents[3]
EACH = pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.name)


def test_each_switch_has_a_name_of_its_own_and_breaks_something() -> None:
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES)
    assert all(switch.gateway or switch.service or switch.mails or switch.around for switch in SWITCHES)


def test_the_short_ones_are_among_them() -> None:
    assert set(SHORT) < {switch.name for switch in SWITCHES}


@EACH
def test_its_checks_are_in_the_register(switch: Switch) -> None:
    known = {test for tests in audit.checks_of(audit.FROM_OUTSIDE).values() for test in tests}

    assert switch.checks
    assert set(switch.checks) <= known


@pytest.mark.parametrize("switch", [each for each in SWITCHES if each.service], ids=lambda switch: switch.name)
def test_a_service_is_broken_by_the_patch_of_that_name(switch: Switch) -> None:
    assert switch.name in PATCHES


@pytest.mark.parametrize("switch", [each for each in SWITCHES if each.gateway], ids=lambda switch: switch.name)
def test_the_gateways_configuration_has_what_is_to_be_changed(switch: Switch, tmp_path: Path) -> None:
    text = render(a_stack(tmp_path))

    assert [old for old in switch.gateway if old not in text] == []


def test_every_check_of_the_register_from_outside_has_a_switch() -> None:
    known = {test for tests in audit.checks_of(audit.FROM_OUTSIDE).values() for test in tests}

    assert known - {check for switch in SWITCHES for check in switch.checks} == set()


def test_production_code_knows_of_no_switch() -> None:
    for folder in ("services", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text("utf-8")
            assert not re.search(r"PROOF_(SABOTAGE|RUNS|LEAK|STACK)", text), path
            assert "from proof" not in text, path
            assert "import proof" not in text, path


def test_without_a_switch_nothing_broken_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proof.saboteurs.broken", "orders", "config"],
        check=False, capture_output=True, text=True, cwd=ROOT, env={"PATH": "/usr/bin"},
    )  # fmt: skip

    assert done.returncode == 2
    assert "PROOF_SABOTAGE" in done.stderr


def test_each_patch_finds_what_it_breaks() -> None:
    """In a process of its own: what is broken stays broken."""
    code = (
        "import proof.saboteurs.aftersales\nfrom proof.saboteurs.patches import PATCHES\n"
        "for name, patch in PATCHES.items(): print(name); patch()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 0, done.stderr[-400:]
    assert done.stdout.split() == list(PATCHES)


def _outcome(*, passed: bool, found: str = "") -> Outcome:
    return Outcome("tests/journey/test_x.py::test_y", passed=passed, tried=1, seconds=1.0, found=found)


@pytest.mark.parametrize(
    ("name", "outcomes", "unsure"),
    [
        ("no_cap", [_outcome(passed=True)], False),
        ("no_cap", [_outcome(passed=False, found="assert 4 == 3")], False),
        ("no_cap", [_outcome(passed=False, found="503 /problems/unavailable")], True),
        ("no_cap", [_outcome(passed=False, found="503 /problems/unavailable"), _outcome(passed=False)], False),
        ("no_cap", [_outcome(passed=False, found="TimeoutError")], True),
        (NOTHING, [_outcome(passed=False, found="TimeoutError")], True),
        (NOTHING, [_outcome(passed=True)], False),
    ],
)
def test_what_failed_because_something_was_busy_is_done_again(name: str, outcomes: list[Outcome], unsure: bool) -> None:
    assert is_unsure(Switch(name, ("tests/journey/test_x.py::test_y",)), outcomes) is unsure


def test_a_check_is_worth_something_where_it_passes_whole_and_fails_broken_for_its_own_reason() -> None:
    seen = Seen("no_cap", "check", passes_whole=True, whole_s=1, fails_broken=True, broken_s=1, found="assert 4 == 3")

    assert seen.is_good
    for worse in (
        replace(seen, passes_whole=False),
        replace(seen, fails_broken=False, found=""),
        replace(seen, found="503 /problems/unavailable"),
    ):
        assert not worse.is_good
        assert worse.verdict.isupper()
