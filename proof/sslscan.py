"""A second opinion on the encryption, by sslscan: `make proof` asks for it; the first is `proof.hello`."""

import subprocess
import sys
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from deploy.local.programs import MissingProgram, find, install
from deploy.outside.stack import Stack
from proof.environments import ROOT

BITS = 256
OLD = {("ssl", "2"), ("ssl", "3"), ("tls", "1.0"), ("tls", "1.1")}


def weak_in(xml: str) -> list[str]:
    """What a report of sslscan has that is too weak or too old.

    Raises:
        ValueError: it saw no suite at all, and so would not have seen a weak one.
    """
    root = ET.fromstring(xml)  # noqa: S314 - written by a program of ours on this machine
    suites = list(root.iter("cipher"))
    if not suites:
        raise ValueError("sslscan saw no suite")
    found = [f"{row.get('cipher')} has {row.get('bits')} bits" for row in suites if int(row.get("bits", "0")) < BITS]
    enabled = [
        (row.get("type", ""), row.get("version", "")) for row in root.iter("protocol") if row.get("enabled") == "1"
    ]
    found += [f"{kind} {version} is offered" for kind, version in enabled if (kind, version) in OLD]
    found += ["renegotiation is offered" for row in root.iter("renegotiation") if row.get("supported") == "1"]
    return found + [
        f"heartbleed in {r.get('sslversion')}" for r in root.iter("heartbleed") if r.get("vulnerable") == "1"
    ]


def main() -> int:
    """Scan the gateway of this checkout's stack; 1 where anything is weak, 2 where sslscan cannot be had."""
    try:
        if not find("sslscan"):
            install(["sslscan"])
    except MissingProgram as error:
        print(error, file=sys.stderr)
        return 2
    at = urlsplit(Stack.find(ROOT).read()["gateway"])
    command = ["sslscan", "--xml=-", "--no-colour", f"{at.hostname}:{at.port or 443}"]
    found = weak_in(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    print(*found, f"sslscan of {at.netloc}: {len(found)} found", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
