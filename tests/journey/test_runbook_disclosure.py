"""The runbook's lawful disclosure by its own commands: two officers, one subscriber, an answer for who asked alone."""

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop
from tests.journey.test_newsletter import subscribe
from tests.journey.test_purchase import Address
from tests.journey.test_runbook import SCRIPTS, run

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who was appointed a moment ago."""

    email: str
    password: str
    totp: str

    def log_in_by(self, file: Path) -> None:
        """What they would type."""
        file.write_text(f"{self.password}\n{pyotp.TOTP(self.totp).now()}\n")


def appointed(email: str) -> Officer:
    said = run(f"padlock auth staff add {email} --role officer\n")
    return Officer(**json.loads(said.splitlines()[-1]))


@pytest.fixture
def requester(tmp_path: Path) -> X25519PrivateKey:
    """Has sent the public key."""
    key = X25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "requester.pem").write_bytes(pem)
    return key


async def test_two_officers_disclose_one_subscriber_to_the_requester(
    shop: Shop, browser: Browser, address: Address, tmp_path: Path, requester: X25519PrivateKey
) -> None:
    await subscribe(shop, browser, address("wanted"))
    (tmp_path / "address").write_text(f"{address('wanted')}\n")
    officers = [await asyncio.to_thread(appointed, address(who)) for who in ("first", "second")]
    environ = {"CASE": str(tmp_path), "OFFICER": officers[0].email, "SECOND": officers[1].email}

    officers[0].log_in_by(tmp_path / "login")
    case = (await asyncio.to_thread(run, SCRIPTS["Lawful disclosure 1"], **environ)).strip()
    officers[1].log_in_by(tmp_path / "login-of-the-second")
    await asyncio.to_thread(run, SCRIPTS["Lawful disclosure 2"], **environ, ID=case)
    told = await asyncio.to_thread(run, SCRIPTS["Lawful disclosure 3"])

    answer = json.loads((tmp_path / "answer.json").read_text())
    sealed = base64.b64decode(answer["sealed"])
    opened = json.loads(SUITE.decrypt(sealed, requester, answer["info"].encode()))
    assert (opened["found"], opened["email"], opened["name"]) == (True, address("wanted"), "Reader")
    assert (opened["disclosure"], opened["reference"]) == (case, "12 Js 3/26")
    rows = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    steps = [(row["step"], row["officer"]) for row in rows if row["disclosure"] == case]
    assert [step for step, _ in steps] == ["requested", "approved", "answered"]
    assert steps[0][1] != steps[1][1] == steps[2][1]
    assert address("wanted") not in told
    assert "whole: " in told
