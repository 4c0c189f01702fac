"""A third opinion on the encryption, by sslyze: suites, old protocols, and the attacks of the last years.

It lives in an environment of its own (`.local/sslyze`), from its own lock: it needs an older cryptography than we do.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.outside.stack import Stack
from proof.environments import ROOT, installed
from proof.sslscan import BITS

PROTOCOLS = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")
OLD = PROTOCOLS[:4]
ASKED = ("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "heartbleed", "robot", "reneg", "compression",
         "openssl_ccs", "fallback")  # fmt: skip
BAD = {
    "heartbleed": ("is_vulnerable_to_heartbleed", (True,)),
    "openssl_ccs_injection": ("is_vulnerable_to_ccs_injection", (True,)),
    "tls_compression": ("supports_compression", (True,)),
    "session_renegotiation": ("is_vulnerable_to_client_renegotiation_dos", (True,)),
    "robot": ("robot_result", ("VULNERABLE_WEAK_ORACLE", "VULNERABLE_STRONG_ORACLE", "UNKNOWN_INCONSISTENT_RESULTS")),
    "tls_fallback_scsv": ("supports_fallback_scsv", (False,)),
}
"""What each test says of itself, and which answers are none that we may give."""


def weak_in(report: Mapping[str, Any]) -> list[str]:
    """What sslyze's report has that is too weak, too old or open to an attack.

    Raises:
        ValueError: a test did not run, or no suite was seen: then nothing is known.
    """
    [server] = report["server_scan_results"]
    found: list[str] = []
    suites = 0
    for protocol in PROTOCOLS:
        accepted = _result(server, f"{protocol}_cipher_suites")["accepted_cipher_suites"]
        suites += len(accepted)
        found += [f"{protocol} is offered"] if accepted and protocol in OLD else []
        names = [(each["cipher_suite"]["name"], int(each["cipher_suite"]["key_size"])) for each in accepted]
        found += [f"{name} has {bits} bits" for name, bits in names if bits < BITS]
    if not suites:
        raise ValueError("sslyze saw no suite")
    for test, (field, bad) in BAD.items():
        answer = _result(server, test)[field]
        found += [f"{field} is {answer}"] if answer in bad else []
    return found


def _result(server: Mapping[str, Any], test: str) -> Mapping[str, Any]:
    attempt = (server.get("scan_result") or {}).get(test) or {}
    if attempt.get("status") != "COMPLETED":
        raise ValueError(f"sslyze did not end its test {test}")
    return dict(attempt["result"])


def main() -> int:
    """Ask about the gateway of this checkout's stack; 1 where anything is weak."""
    at = urlsplit(Stack.find(ROOT).read()["gateway"])
    folder = ROOT / ".local" / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    report: Path = folder / "sslyze.json"
    command = [
        str(installed("sslyze") / "python"), "-m", "sslyze", "--quiet", f"--json_out={report}",
        "--mozilla_config=disable", *(f"--{each}" for each in ASKED), f"{at.hostname}:{at.port or 443}",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=240)
    found = weak_in(json.loads(report.read_text("utf-8")))
    print(*found, f"sslyze of {at.netloc}: {len(found)} found", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
