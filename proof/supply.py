"""`make supply`: what the product is made of: licences, secrets in the sources, floors with the advisory behind each.

Licences and floors are data beside this module: `licences.toml` and `floors.toml`. A package with a licence that nobody
has looked at, or below its floor, is found; so is whatever looks like a secret in a file that git knows.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).parent
SHIPPED = ("auth", "orders", "orders-stripe", "mailer", "warranty")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_TESTS = ("tests/", "locks/", "bench/")
SECRETS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "payment key": re.compile(r"\b(?:sk|rk)_live_[0-9A-Za-z]{10,}"),
    "token of a forge": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|glpat-[0-9A-Za-z_-]{20})\b"),
    "password in an address": re.compile(r"\b[a-z+]+://[\w.~%+=-]+:(?!(?i:password)@)[\w.~%+=-]{6,}@"),
    "assigned secret": re.compile(
        r"(?i)\b\w*(?:secret|password|api_?key)\w*\s*[:=]\s*[\"']([A-Za-z0-9+/_-]{24,})[\"']"
    ),
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is shipped, as its lock pins it, and what its metadata says of its licence."""

    name: str
    version: str
    licence: str


def pinned(lock: Path) -> dict[str, str]:
    """Name and version of each package of a lock."""
    return {name.lower().replace("_", "-"): version for name, version in _PIN.findall(lock.read_text("utf-8"))}


def shipped() -> list[Package]:
    """Every package of every image, once, that is there to be looked at."""
    names = {pair for extra in SHIPPED for pair in pinned(ROOT / "locks" / f"{extra}.txt").items()}
    found = []
    for name, version in sorted(names):
        try:
            found.append(Package(name, version, licence_of(name)))
        except PackageNotFoundError:  # for another platform or another Python
            continue
    return found


def licence_of(name: str) -> str:
    """Its expression, else its classifiers, else the first line of the old field."""
    metadata = distribution(name).metadata
    if expression := metadata.get_all("License-Expression", []):
        return str(expression[0])
    classifiers = [row.rpartition(" :: ")[2] for row in metadata.get_all("Classifier", []) if "License ::" in row]
    if named := [row for row in classifiers if row != "OSI Approved"]:
        return " AND ".join(sorted(named))
    lines = str((metadata.get_all("License", []) or ["unknown"])[0]).strip().splitlines()
    return lines[0][:60] if lines else "unknown"


def unknown_licences(packages: Iterable[Package]) -> list[str]:
    """Packages whose licence nobody has looked at."""
    known = tomllib.loads((HERE / "licences.toml").read_text("utf-8"))
    fine, looked_at = set(known["fine"]), known["packages"]
    return [
        f"{each.name} {each.version}: {each.licence}"
        for each in packages
        if each.licence not in fine and looked_at.get(each.name) != each.licence
    ]


def below_floor(pins: dict[str, str]) -> list[str]:
    """Pins below the version that an advisory asks for."""
    floors = tomllib.loads((HERE / "floors.toml").read_text("utf-8"))["floors"]
    return [
        f"{row['package']} {pins[row['package']]} is below {row['version']}: {row['why']}"
        for row in floors
        if row["package"] in pins and Version(pins[row["package"]]) < Version(row["version"])
    ]


def secrets_in(name: str, text: str) -> Iterator[str]:
    """What looks like a secret, by file and line; never the secret itself."""
    for number, line in enumerate(text.splitlines(), 1):
        if "not a secret" in line:
            continue
        for kind, pattern in SECRETS.items():
            if pattern.search(line):
                yield f"{name}:{number}: {kind}"


def sources() -> Iterator[tuple[str, str]]:
    """Name and text of each file that git knows, less those of tests, whose keys open nothing."""
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, cwd=ROOT, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not name.startswith(_TESTS) and path.is_file():
            try:
                yield name, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def main() -> int:
    """Print the licences by number of packages, and what was found; 1 where anything was."""
    packages = shipped()
    by_licence: dict[str, list[str]] = {}
    for each in packages:
        by_licence.setdefault(each.licence, []).append(each.name)
    for licence, names in sorted(by_licence.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(names):4}  {licence}: {', '.join(sorted(set(names)))}")
    found = unknown_licences(packages)
    for extra in (*SHIPPED, "dev"):
        found += [f"locks/{extra}.txt: {each}" for each in below_floor(pinned(ROOT / "locks" / f"{extra}.txt"))]
    found += [each for name, text in sources() for each in secrets_in(name, text)]
    print(*found, f"{len(packages)} packages, {len(found)} found", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
