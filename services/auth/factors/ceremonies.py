"""The two ceremonies of WebAuthn level 3 (section 7), on the library `webauthn`.

A challenge is spent before anything else is looked at, so that what failed once is never tried again. The library is
slow to import, and its work is for a thread.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from services.auth.config import Settings
from services.auth.deps import Deps
from services.auth.factors.credentials import Assertion, Attestation, ClientData
from services.auth.factors.domain import Passkey
from services.auth.factors.store import LASTS, Challenge, Purpose
from shared import base64url

_CHALLENGE_BYTES = 32
_LONGEST_ID = 1023
_FORMATS = ("none", "packed")
"""Attestation that browsers pass on where none was asked for: nothing, or the credential's own signature."""
_OF_BAD_BYTES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Refused(Exception):
    """The ceremony failed. Callers answer with a refusal of their own, which never says why."""


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a registration gave."""

    id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Party:
    """Who we are to authenticators: the host as the relying party's id, and the origin of our pages (RFC 6454)."""

    id: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> "Party":
        """From the address where browsers reach us."""
        url = urlsplit(settings.public_url)
        host = url.hostname or ""
        port = "" if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f":{url.port}"
        return cls(host, f"{url.scheme}://{host}{port}")


async def new_challenge(deps: Deps, purpose: Purpose, *, account_id: str = "") -> str:
    """256 random bits to be signed within 5 minutes, base64url; for one account where that is known."""
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    await deps.challenges.add(_key(challenge), Challenge(purpose, account_id, deps.clock() + LASTS))
    return base64url.encode(challenge)


async def check_registration(deps: Deps, credential: Mapping[str, Any], *, account_id: str) -> NewCredential:
    """A new credential for this account, made on our pages by an authenticator that knows its owner.

    Raises:
        Refused: anything else.
    """
    with _refusals():
        checked = Attestation.model_validate(credential).as_json()
    challenge = await _spend(deps, checked, "register", account_id)
    return await asyncio.to_thread(_registered, checked, challenge, Party.of(deps.settings))


@dataclass(frozen=True, slots=True)
class Signed:
    """An assertion whose challenge is spent; not checked yet. `user_handle` is an account's id, or ""."""

    credential: dict[str, Any]
    credential_id: bytes
    user_handle: str
    challenge: bytes


async def read_assertion(deps: Deps, credential: Mapping[str, Any]) -> Signed:
    """Spend the challenge of an assertion.

    Raises:
        Refused: there is no such challenge, or no longer, or it was for a registration.
    """
    with _refusals():
        assertion = Assertion.model_validate(credential)
        credential_id, user_handle = assertion.credential_id, assertion.user_handle
    checked = assertion.as_json()
    return Signed(checked, credential_id, user_handle, await _spend(deps, checked, "log-in"))


async def check_assertion(deps: Deps, signed: Signed, passkey: Passkey) -> int:
    """How often the passkey has signed, by its own account; whether it counts back is for the caller to see.

    Raises:
        Refused: not signed by it, not for us, or not by an authenticator that knew its owner just now.
    """
    return await asyncio.to_thread(_asserted, signed, passkey, Party.of(deps.settings))


async def _spend(deps: Deps, credential: Mapping[str, Any], purpose: Purpose, account_id: str = "") -> bytes:
    with _refusals():
        client_data = ClientData.read(credential)
        challenge = base64url.decode(client_data.challenge)
    found = await deps.challenges.take(_key(challenge))
    if found is None or deps.clock() >= found.expires_at:
        raise Refused
    if (found.purpose, found.account_id) != (purpose, account_id) or client_data.cross_origin:
        raise Refused
    return challenge


def _key(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()


def _registered(credential: dict[str, Any], challenge: bytes, party: Party) -> NewCredential:
    from webauthn import verify_registration_response
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography

    with _refusals(_library_errors()):
        _check_format(credential)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
        decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
    # The id outside of what was signed says nothing: browsers copy it from there.
    if len(verified.credential_id) > _LONGEST_ID or base64url.encode(verified.credential_id) != credential["id"]:
        raise Refused
    return NewCredential(verified.credential_id, verified.credential_public_key, verified.sign_count)


def _check_format(credential: dict[str, Any]) -> None:
    from webauthn.helpers import parse_attestation_object

    attestation = parse_attestation_object(base64url.decode(credential["response"]["attestationObject"]))
    if attestation.fmt not in _FORMATS or attestation.att_stmt.x5c:
        raise Refused


def _asserted(signed: Signed, passkey: Passkey, party: Party) -> int:
    from webauthn import verify_authentication_response

    with _refusals(_library_errors()):
        verified = verify_authentication_response(
            credential=signed.credential,
            expected_challenge=signed.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # ours to compare: who counts back is written into the trail
            require_user_verification=True,
        )
    return verified.new_sign_count


@contextmanager
def _refusals(library: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Whatever is made of bytes from strangers is a refusal; the library lets some of Python's own errors pass."""
    expected: tuple[type[Exception], ...] = (*_OF_BAD_BYTES, *library)
    try:
        yield
    except expected:
        raise Refused from None


def _library_errors() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, InvalidSignature, UnsupportedAlgorithm)
