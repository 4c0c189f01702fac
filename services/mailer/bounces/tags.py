"""The return path of each mail (VERP): an address of ours that says which copy came back, and that we made it.

    b-<tag>@<bounce domain>    tag: base32 of key version, kind, id, mark and a keyed hash over them

No address is in it. A bounce that goes to it is matched surely, whatever its text says; nobody can make one for a
copy that he has not got. Letter case does not matter: servers on the way change it.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from hashlib import blake2b

from shared.keys import KeyProvider, UnknownKey

REPORTS = frozenset({"fbl", "abuse"})
"""Local parts beside the return paths: what providers are told to send complaints to."""
_BODY = struct.Struct(">HB16s4s")
_MAC_BYTES = 8
_PREFIX = "b-"
_CONTEXT = b"padlock return path\0"
_LONGEST = 64
"""Of a local part: RFC 5321 section 4.5.3.1.1."""


class Stream(Enum):
    """What kind of mail came back."""

    NEWSLETTER = 1
    SERVICE = 2


@dataclass(frozen=True, slots=True)
class Tag:
    """Which copy. `id`: the subscriber's, for service mail half of the address's keyed hash; 32 hexadecimal digits.

    `mark`: 4 bytes that tell the campaign (`mark_of`), or the minute in which the service mail was written.
    """

    stream: Stream
    id: str
    mark: bytes

    @property
    def written_at(self) -> datetime | None:
        """When the service mail was written."""
        if self.stream is not Stream.SERVICE:
            return None
        return datetime.fromtimestamp(int.from_bytes(self.mark, "big") * 60, UTC)


def mark_of(campaign_id: str) -> bytes:
    """Enough to tell the campaigns of one subscriber apart."""
    return blake2b(campaign_id.encode(), digest_size=4, person=b"campaign").digest()


class ReturnPaths:
    """Makes and reads them with the key `link`; without a `domain` all mails have the return path `sender`."""

    def __init__(self, keys: KeyProvider, *, domain: str, sender: str) -> None:
        self._keys = keys
        self._domain = domain
        self._sender = sender

    def of_copy(self, subscriber_id: str, campaign_id: str) -> str:
        """That of a newsletter's copy."""
        return self._write(Tag(Stream.NEWSLETTER, subscriber_id, mark_of(campaign_id)))

    def of_service_mail(self, address_key: str, *, at: datetime) -> str:
        """That of a service mail; without an address key, when the person was forgotten, the sender's."""
        if not address_key:
            return self._sender
        minute = int(at.timestamp()) // 60
        return self._write(Tag(Stream.SERVICE, address_key[:32], minute.to_bytes(4, "big")))

    def read(self, address: str) -> Tag | None:
        """Which copy an address is the return path of; None where we did not make it."""
        local, _, domain = address.strip("<> ").lower().rpartition("@")
        if not self._domain or domain != self._domain or not local.startswith(_PREFIX) or len(local) > _LONGEST:
            return None
        text = local.removeprefix(_PREFIX).upper()
        try:
            raw = base64.b32decode(text + "=" * (-len(text) % 8))
            body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
            version, stream, id_, mark = _BODY.unpack(body)
            secret = self._keys.get("link", version).secret.reveal()
            if not hmac.compare_digest(mac, _mac(secret, body)):
                return None
            return Tag(Stream(stream), id_.hex(), mark)
        except (binascii.Error, struct.error, ValueError, UnknownKey):
            return None

    def _write(self, tag: Tag) -> str:
        if not self._domain:
            return self._sender
        key = self._keys.current("link")
        body = _BODY.pack(key.version, tag.stream.value, bytes.fromhex(tag.id), tag.mark)
        text = base64.b32encode(body + _mac(key.secret.reveal(), body)).rstrip(b"=").decode().lower()
        return f"{_PREFIX}{text}@{self._domain}"


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + body, "sha256")[:_MAC_BYTES]
