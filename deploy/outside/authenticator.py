"""A passkey provider in software: what a phone or a security key does in WebAuthn (level 3), and its browser for it.

Makes and uses real credentials over P-256, in the JSON forms that browsers send. Its fields can be set so that it
misbehaves, for those who want to see that refused.
"""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_USER_PRESENT, _USER_VERIFIED, _HAS_CREDENTIAL = 0x01, 0x04, 0x40
_AAGUID = bytes(16)


@dataclass
class Credential:
    """One passkey, resident in the authenticator."""

    id: bytes
    key: ec.EllipticCurvePrivateKey
    rp_id: str
    user_handle: bytes
    sign_count: int = 0


@dataclass
class Authenticator:
    """Holds passkeys and signs with them.

    Args:
        origin: of the page that asks.
        verifies_user: by fingerprint or PIN.
        counts: keeps a signature counter; synchronised passkeys of phones do not.
        rp_id: lies about whom it signs for, where that is given.
        cross_origin: the page is a frame in another site's.
    """

    origin: str
    verifies_user: bool = True
    counts: bool = True
    rp_id: str = ""
    cross_origin: bool = False
    credentials: list[Credential] = field(default_factory=list)

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """`navigator.credentials.create()`: a new passkey for these options, and the answer for the server."""
        made = Credential(
            id=secrets.token_bytes(32),
            key=ec.generate_private_key(ec.SECP256R1()),
            rp_id=options["rp"]["id"],
            user_handle=from_base64url(options["user"]["id"]),
            sign_count=1 if self.counts else 0,
        )
        self.credentials.append(made)
        new = _AAGUID + struct.pack(">H", len(made.id)) + made.id + _cose_key(made.key.public_key())
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(made, _HAS_CREDENTIAL) + new}
        response = {
            "clientDataJSON": to_base64url(self._client_data("webauthn.create", options)),
            "attestationObject": to_base64url(cbor(attestation)),
            "transports": ["internal", "hybrid"],
        }
        return _answer(made, response)

    def get(self, options: Mapping[str, Any], credential: Credential | None = None) -> dict[str, Any]:
        """`navigator.credentials.get()`: the answer, by the newest passkey unless another is named."""
        used = credential or self.credentials[-1]
        if self.counts:
            used.sign_count += 1
        client_data = self._client_data("webauthn.get", options)
        data = self._data(used)
        signature = used.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": to_base64url(client_data),
            "authenticatorData": to_base64url(data),
            "signature": to_base64url(signature),
            "userHandle": to_base64url(used.user_handle),
        }
        return _answer(used, response)

    def _data(self, credential: Credential, more: int = 0) -> bytes:
        """Authenticator data (section 6.1), less what a new credential adds."""
        rp_id = self.rp_id or credential.rp_id
        flags = _USER_PRESENT | more | (_USER_VERIFIED if self.verifies_user else 0)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, credential.sign_count)

    def _client_data(self, kind: str, options: Mapping[str, Any]) -> bytes:
        collected = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(collected, separators=(",", ":")).encode()


def _answer(credential: Credential, response: dict[str, Any]) -> dict[str, Any]:
    """`PublicKeyCredential.toJSON()`."""
    return {
        "id": to_base64url(credential.id),
        "rawId": to_base64url(credential.id),
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {"credProps": {"rk": True}},
        "authenticatorAttachment": "platform",
    }


def _cose_key(key: ec.EllipticCurvePublicKey) -> bytes:
    """RFC 9052 section 7: kty EC2, alg ES256, crv P-256, x, y."""
    numbers = key.public_numbers()
    return cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})


def to_base64url(value: bytes) -> str:
    """Without padding, as everywhere in WebAuthn."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Undo `to_base64url`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """Whole numbers, bytes, text and maps, in their shortest form (RFC 8949 section 4.2.1); maps in the order given."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    return _head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return struct.pack(">B", major << 5 | number)
    if number < 1 << 8:
        return struct.pack(">BB", major << 5 | 24, number)
    return struct.pack(">BH", major << 5 | 25, number)
