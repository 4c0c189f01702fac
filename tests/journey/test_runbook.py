"""Every command of the runbook does what it says on a running stack, and ends with status 0."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240
RUNBOOK = (ROOT / "docs" / "operating.md").read_text().partition("\n## Runbook\n")[2].partition("\n## ")[0]
ALONE = ("Maintenance", "Upgrade", "Rollback", "Rotating keys", "Database without a primary", "Breach")
ELSEWHERE = (
    "Data request", "Restore", "Scaling 2", "Rotating keys 3", "Rotating keys 4",
    "Lawful disclosure 1", "Lawful disclosure 2",
)  # fmt: skip
"""Below, in test_runbook_procedures.py and in tests/faults/test_restore.py."""
CUSTOMER = "customer@example.org"


def blocks(chapter: str) -> list[str]:
    """The commands of a chapter, one script for each of its blocks."""
    return re.findall(r"^```sh\n(.*?)^```$", chapter, flags=re.MULTILINE | re.DOTALL)


PREAMBLE, *_ = blocks(RUNBOOK)
CHAPTERS = dict(part.split("\n", 1) for part in RUNBOOK.split("\n### ")[1:])


def scripts() -> Iterator[tuple[str, str]]:
    for name, text in CHAPTERS.items():
        yield from ((f"{name} {number}", script) for number, script in enumerate(blocks(text), 1))


SCRIPTS = dict(scripts())


def run(script: str, **environ: str) -> str:
    """Run it as one would type it, from the checkout; what it printed. Fails where it does not end with 0."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", PREAMBLE + script],
        cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def let_keys_age() -> None:
    """As though every key were an hour old: the runbook says to wait ten minutes."""
    an_hour_ago = time.time() - 3600
    for key in (ROOT / ".local" / "keys").glob("*/*/*.key"):
        os.utime(key, (an_hour_ago, an_hour_ago))


def test_the_runbook_has_every_procedure() -> None:
    assert list(CHAPTERS) == [
        "First deployment", "Upgrade", "Rollback", "Scaling", "Rotating keys", "Adding and removing staff",
        "Dead letters", "Broker full or away", "Database without a primary", "Mail relay down", "Month's edge",
        "Maintenance", "Backup", "Restore", "Data request", "Lawful disclosure", "Breach",
    ]  # fmt: skip
    for name, chapter in CHAPTERS.items():
        lines = [len(script.strip().splitlines()) for script in blocks(chapter)]
        assert lines, name
        assert max(lines) <= 6, name


def _attempt(name: str) -> BaseException | None:
    """Run a procedure; what was wrong."""
    folder = tempfile.mkdtemp()
    try:
        before, retire, after = _around_retiring(SCRIPTS[name])
        run(before, BACKUP=f"{folder}/all", NEWEST=f"{folder}/newest")
        if retire:
            let_keys_age()
            run(retire + after)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return error
    finally:
        shutil.rmtree(folder)
    return None


def _around_retiring(script: str) -> tuple[str, str, str]:
    """What comes before keys are retired, that line, and the rest: in between ten minutes pass."""
    head, line, rest = (
        re.split(r"^(.*keys retire.*\n)", script + "\n", maxsplit=1, flags=re.MULTILINE)
        if ("keys retire" in script)
        else (script, "", "")
    )
    return head, line, rest


@pytest.fixture(scope="module")
def at_once(shop: Shop) -> dict[str, BaseException | None]:
    """What disturbs nobody, two at a time: most of it is Python that starts."""
    names = [name for name in SCRIPTS if not name.startswith((*ALONE, *ELSEWHERE))]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(_attempt, names), strict=True))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if not name.startswith((*ALONE, *ELSEWHERE))])
def test_a_procedure_runs(at_once: dict[str, BaseException | None], name: str) -> None:
    assert at_once[name] is None


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name.startswith(ALONE)])
def test_a_procedure_that_interrupts_runs(shop: Shop, name: str) -> None:
    assert _attempt(name) is None


async def test_a_data_request_erases_who_asked(shop: Shop, address: Address) -> None:
    customer = address("customer")
    async with shop.browser() as browser:
        await shop.register(browser, customer, "Cus Tomer", PASSWORD)
        await shop.log_in(browser, customer, PASSWORD)
        session = await browser.call("GET", "/api/auth/session", expect=200)

        receipt = run(SCRIPTS["Data request 1"].replace(CUSTOMER, customer), ACCOUNT=session.json["account"]["id"])

        assert json.loads(receipt.splitlines()[0])["link"]
        assert (await browser.call("GET", "/api/auth/session")).status == 401
