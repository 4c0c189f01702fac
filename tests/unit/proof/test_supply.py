"""What the product is made of: every licence was looked at, no pin is below its floor, no secret is in the sources."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from proof import supply
from proof.supply import Package

FLOORS = tomllib.loads((supply.HERE / "floors.toml").read_text("utf-8"))["floors"]


def test_every_licence_that_is_shipped_was_looked_at() -> None:
    packages = supply.shipped()

    assert len(packages) > 40
    assert supply.unknown_licences(packages) == []


@pytest.mark.parametrize(
    "package",
    [Package("something", "1.0", "AGPL-3.0"), Package("certifi", "9", "Proprietary"), Package("x", "1", "unknown")],
)
def test_a_licence_that_nobody_has_seen_is_found(package: Package) -> None:
    assert len(supply.unknown_licences([package])) == 1


@pytest.mark.parametrize("extra", [*supply.SHIPPED, "dev"])
def test_no_pin_is_below_its_floor(extra: str) -> None:
    pins = supply.pinned(supply.ROOT / "locks" / f"{extra}.txt")

    assert len(pins) > 30
    assert supply.below_floor(pins) == []


def test_a_pin_below_its_floor_is_found_with_the_advisory() -> None:
    [found] = supply.below_floor({"jinja2": "3.1.5", "idna": "3.10"})

    assert "jinja2 3.1.5" in found
    assert "CVE-2025-27516" in found


@pytest.mark.parametrize("floor", FLOORS, ids=[row["package"] for row in FLOORS])
def test_what_we_ask_for_is_not_below_the_floor(floor: dict[str, str]) -> None:
    project = tomllib.loads((supply.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(each for rows in project["optional-dependencies"].values() for each in rows)]
    ours = [each for each in map(Requirement, asked) if each.name == floor["package"]]

    assert re.search(r"CVE-\d{4}-\d+", floor["why"])
    for each in ours:
        [lowest] = [Version(part.version) for part in each.specifier if part.operator in (">=", "==")]
        assert lowest >= Version(floor["version"])


def test_no_secret_is_in_the_sources() -> None:
    files = dict(supply.sources())

    assert len(files) > 400
    assert [each for name, text in files.items() for each in supply.secrets_in(name, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN EC PRIVATE " + "KEY-----",
        "key = 'AKIA" + "ABCDEFGHIJKLMNOP'",
        "sk_live_" + "a1B2c3D4e5F6g7",
        "ghp_" + "a" * 36,
        "amqp://orders:" + "hunter2hunter2@broker:5672",
        'api_key = "' + "Zm9vYmFyYmF6cXV4cXV1eA12" + '"',
    ],
)
def test_a_secret_is_found_and_not_repeated(line: str) -> None:
    [found] = supply.secrets_in("x.py", f"one\n{line}")

    assert found.startswith("x.py:2: ")
    assert line not in found
