"""DKIM signatures (RFC 6376) with RSA and Ed25519 (RFC 8463), over the final bytes of a mail.

Relaxed canonicalisation of both header and body. What a receiver shows or acts on is signed once more than it is
there (RFC 6376 section 8.15), so that nobody on the way can add a second one, above all of the one-click fields.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

SIGNED = (
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type",
    "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted",
)  # fmt: skip
"""Covered wherever they stand; each is named once more than it is there, so one that is added breaks the signature."""

_RSA_LEAST_BITS = 2048
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LINE = 72


class UnusableDkimKey(ValueError):
    """A key or a name that cannot sign. Never says what the key is."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key, and the name under which its public half stands in the DNS: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    algorithm: str
    key: "RSAPrivateKey | Ed25519PrivateKey"

    @classmethod
    def load(cls, pem: str, *, domain: str, selector: str) -> "DkimKey":
        """From PEM without a password.

        Raises:
            UnusableDkimKey: another kind of key, RSA below 2048 bits, or no DNS names.
        """
        if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
            raise UnusableDkimKey("domain and selector must be DNS names")
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            raise UnusableDkimKey("must be a private key in PEM without a password") from None
        if isinstance(key, Ed25519PrivateKey):
            return cls(domain, selector, "ed25519-sha256", key)
        if isinstance(key, RSAPrivateKey) and key.key_size >= _RSA_LEAST_BITS:
            return cls(domain, selector, "rsa-sha256", key)
        raise UnusableDkimKey(f"must be Ed25519, or RSA of at least {_RSA_LEAST_BITS} bits")

    @property
    def is_slow(self) -> bool:
        """Whether a signature takes about a millisecond."""
        return isinstance(self.key, RSAPrivateKey)

    @property
    def record(self) -> tuple[str, str]:
        """The name and the text of the TXT record to publish (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
        public = self.key.public_key()
        if isinstance(self.key, Ed25519PrivateKey):
            kind, raw = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        else:
            kind, raw = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        name = f"{self.selector}._domainkey.{self.domain}"
        return name, f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}"

    def sign(self, data: bytes) -> bytes:
        """The signature of what was canonicalised."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(hashlib.sha256(data).digest())  # RFC 8463 section 3: over the hash
        return self.key.sign(data, PKCS1v15(), hashes.SHA256())


class Signer:
    """Puts one signature for each key in front of a mail; without keys mails stay as they are."""

    def __init__(self, keys: Sequence[DkimKey]) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def is_slow(self) -> bool:
        """Whether signing is better done in a thread; RSA leaves the interpreter lock alone."""
        return any(key.is_slow for key in self._keys)

    def sign(self, message: bytes, *, at: datetime) -> bytes:
        """The mail with its signatures. `message` has CRLF line ends and one empty line behind the header."""
        if not self._keys:
            return message
        head, _, body = message.partition(b"\r\n\r\n")
        names, covered = _covered(head)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
        return b"".join([_field(key, names, covered, body_hash, at) for key in self._keys]) + message


def _field(key: DkimKey, names: tuple[str, ...], covered: bytes, body_hash: bytes, at: datetime) -> bytes:
    written, relaxed = _opening(key.algorithm, key.domain, key.selector, names, int(at.timestamp()))
    signature = base64.b64encode(key.sign(covered + relaxed + body_hash + b"; b="))
    lines = [signature[start : start + _LINE] for start in range(0, len(signature), _LINE)]
    return b"DKIM-Signature: " + written + body_hash + b";\r\n\tb=" + b"\r\n\t ".join(lines) + b"\r\n"


@lru_cache(64)  # the same for all mails of one kind in a second
def _opening(algorithm: str, domain: str, selector: str, names: tuple[str, ...], second: int) -> tuple[bytes, bytes]:
    """The field as far as the hash of the body, as it is written and as it is signed."""
    written = (
        f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f"\tt={second}; h={_folded(names)};\r\n"
        f"\tbh="
    ).encode("ascii")
    return written, relaxed_field(b"DKIM-Signature", b" " + written)


@lru_cache(64)  # of names alone: mails of one kind have the same ones
def _folded(names: tuple[str, ...]) -> str:
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) >= _LINE:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n\t".join([*lines, line.removesuffix(":")])


_WANTED = {name.lower().encode(): place for place, name in enumerate(SIGNED)}


def _covered(header: bytes) -> tuple[tuple[str, ...], bytes]:
    """The names for `h=`, and the canonical fields that they stand for: of several the last comes first."""
    fields: list[list[bytes]] = [[] for _ in SIGNED]
    for line in _single_blanks(_unfolded(header)).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        if colon and (place := _WANTED.get(name)) is not None:
            fields[place].append(b"%b:%b\r\n" % (name, value.strip(b" ")))
    counts = tuple(map(len, fields))
    return _once_more(counts), b"".join([field for found in fields for field in reversed(found)])


@lru_cache(64)
def _once_more(counts: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(name for name, count in zip(SIGNED, counts, strict=True) for _ in range(count + 1))


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """RFC 6376 section 3.4.2, without the line end."""
    return b"%b:%b" % (name.strip().lower(), _single_blanks(_unfolded(value)).strip(b" "))


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    text = _single_blanks(body if body.endswith(b"\r\n") else body + b"\r\n")
    text = text.replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _unfolded(text: bytes) -> bytes:
    return text.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")


def _single_blanks(text: bytes) -> bytes:
    """One space for each run of blanks; by replacing, which is ten times as fast as a pattern over a whole mail."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def load_keys(pairs: Sequence[tuple[str, str]], *, domain: str) -> list[DkimKey]:
    """Keys of (PEM, selector); an empty PEM is no key.

    Raises:
        UnusableDkimKey
    """
    return [DkimKey.load(pem, domain=domain, selector=selector) for pem, selector in pairs if pem.strip()]
