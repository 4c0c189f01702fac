"""A plugin of pytest: each check's outcome, as soon as it is known, as a line of JSON in the file PROOF_RECORD."""

import json
import os
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write what a check has done: once it ran, or when it could not begin."""
    if report.when != "call" and report.outcome == "passed":
        return
    line = {
        "test": report.nodeid,
        "passed": report.outcome == "passed",
        "tried": dict(report.user_properties).get("tried", 1),
        "seconds": round(report.duration, 3),
        "found": "" if report.outcome == "passed" else _what(report),
    }
    with Path(os.environ["PROOF_RECORD"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _what(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return text.strip().splitlines()[0][:300] if text.strip() else "failed"
