"""Identities that a service refuses, through a real server: one answer for all, and nothing of the token in it."""

import base64
import hmac
import json
from datetime import timedelta

import pytest
import structlog

from shared.identity import sign_identity, signing_key
from shared.testing.identity import an_identity
from tests.unit.shared.shop import NOON

MINE = "/api/orders/mine"
STRANGER = signing_key(b"\x03" * 32, "k1")


def token(auth, **changes):
    options = {"key": auth.key, "kid": auth.kid, "audience": "orders", "now": NOON} | changes
    return sign_identity(an_identity(), **options)


def with_header(auth, header, sign=lambda _text: b""):
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    text = f"{head}.{token(auth).split('.')[1]}"
    return f"{text}.{base64.urlsafe_b64encode(sign(text.encode())).rstrip(b'=').decode()}"


def by_public_key(auth):
    return lambda text: hmac.digest(auth.key.as_pem(private=False), text, "sha256")


FORGED = {
    "by a stranger": lambda auth: token(auth, key=STRANGER),
    "by a key that nobody has published": lambda auth: token(auth, kid="k9"),
    "expired": lambda auth: token(auth, now=NOON - timedelta(seconds=66)),
    "from the future": lambda auth: token(auth, now=NOON + timedelta(seconds=6)),
    "too long-lived": lambda auth: token(auth, lifetime_s=3600),
    "for another service": lambda auth: token(auth, audience="warranty"),
    "unsigned": lambda auth: with_header(auth, {"alg": "none", "kid": "k1"}),
    "without an algorithm": lambda auth: with_header(auth, {"kid": "k1"}),
    "with the public key as a secret": lambda auth: with_header(
        auth, {"alg": "HS256", "kid": "k1"}, by_public_key(auth)
    ),
    "with a key of its own": lambda auth: with_header(
        auth, {"alg": "EdDSA", "kid": "k1", "jwk": STRANGER.as_dict(private=False)}
    ),
    "with an address of keys": lambda auth: with_header(
        auth, {"alg": "EdDSA", "kid": "k1", "jku": "https://evil.example/jwks.json"}
    ),
    "twice": lambda auth: f"{token(auth)}, {token(auth)}",
    "larger than 4 KiB": lambda auth: token(auth) + "A" * 4096,
}


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_identity_is_401_and_says_not_why(client, auth, lines, kind):
    forged = FORGED[kind](auth)
    with structlog.testing.capture_logs() as logged:
        response = await client.get(MINE, headers={"X-Identity": forged, "X-Request-Id": "r-1"})
    garbage = await client.get(MINE, headers={"X-Identity": "x", "X-Request-Id": "r-1"})

    assert (response.status, await response.json()) == (401, await garbage.json())
    assert forged not in await response.text() + repr(logged) + repr(lines())


async def test_the_right_one_is_let_in_after_all_of_them(client, auth):
    for forge in FORGED.values():
        await client.get(MINE, headers={"X-Identity": forge(auth)})

    assert (await client.get(MINE, headers={"X-Identity": token(auth)})).status == 200


async def test_two_headers_are_not_one_identity(client, auth):
    headers = [("X-Identity", token(auth, key=STRANGER)), ("X-Identity", token(auth))]

    assert (await client.get(MINE, headers=headers)).status in (400, 401)
