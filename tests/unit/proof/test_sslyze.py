"""Reading sslyze's report: what is weak, old or open to an attack is found, and a test that did not run is no test."""

from typing import Any

import pytest

from proof.sslyze import BAD, PROTOCOLS, weak_in

GOOD = {field: next(each for each in (True, False) if each not in bad) for field, bad in BAD.values()} | {
    "robot_result": "NOT_VULNERABLE_RSA_NOT_SUPPORTED"
}


def report(*, suites: dict[str, tuple[str, int]], **answers: Any) -> dict[str, Any]:
    said = GOOD | answers
    scanned = {test: {"status": "COMPLETED", "result": {field: said[field]}} for test, (field, _) in BAD.items()}
    for protocol in PROTOCOLS:
        taken = [suites[protocol]] if protocol in suites else []
        accepted = [{"cipher_suite": {"name": name, "key_size": bits}} for name, bits in taken]
        scanned[f"{protocol}_cipher_suites"] = {"status": "COMPLETED", "result": {"accepted_cipher_suites": accepted}}
    return {"server_scan_results": [{"scan_result": scanned}]}


TODAY = {"tls_1_3": ("TLS_AES_256_GCM_SHA384", 256)}


def test_256_bits_of_today_are_fine() -> None:
    assert weak_in(report(suites=TODAY)) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"suites": {"tls_1_2": ("AES128-SHA", 128)}}, ["AES128-SHA has 128 bits"]),
        ({"suites": TODAY | {"tls_1_1": ("AES256-SHA", 256)}}, ["tls_1_1 is offered"]),
        ({"suites": TODAY, "is_vulnerable_to_heartbleed": True}, ["is_vulnerable_to_heartbleed is True"]),
        ({"suites": TODAY, "robot_result": "VULNERABLE_WEAK_ORACLE"}, ["robot_result is VULNERABLE_WEAK_ORACLE"]),
        ({"suites": TODAY, "supports_fallback_scsv": False}, ["supports_fallback_scsv is False"]),
    ],
)
def test_what_is_weak_is_found(changes: dict[str, Any], found: list[str]) -> None:
    assert weak_in(report(**changes)) == found


def test_a_test_that_did_not_run_is_no_test() -> None:
    unknown = report(suites=TODAY)
    unknown["server_scan_results"][0]["scan_result"]["robot"]["status"] = "ERROR"

    with pytest.raises(ValueError, match="robot"):
        weak_in(unknown)
    with pytest.raises(ValueError, match="no suite"):
        weak_in(report(suites={}))
