"""The tokens in mailed links: a random subscriber id under a keyed hash, with the version of the key inside.

No address, and, for leaving and preferences, no expiry: old keys are kept as long as mails may be.
"""

import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from services.mailer.subscriptions.domain import LinkIsOver
from shared import base64url
from shared.errors import FieldError, InvalidInput
from shared.keys import KeyProvider, UnknownKey

CONFIRM_DAYS = 14

_BODY = struct.Struct(">HB16sII")
_MAC_BYTES = 16
_LENGTH = _BODY.size + _MAC_BYTES
_CONTEXT = b"padlock mailed link\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LinkKind(Enum):
    """What a token is good for: one of a kind is never taken for the other."""

    CONFIRM = 1
    SUBSCRIBER = 2
    """Unsubscribe, and see or change preferences."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whose subscription a confirmation link is for, and which round of it."""

    subscriber_id: str
    round: int


def new_subscriber_id() -> str:
    """16 random bytes in hexadecimal: says nothing, and spreads evenly over an index."""
    return secrets.token_hex(16)


class Links:
    """Makes and reads tokens with the key `link`."""

    def __init__(self, keys: KeyProvider, *, public_url: str) -> None:
        self._keys = keys
        self._public_url = public_url

    def unsubscribe_url(self, subscriber_id: str) -> str:
        """The link at the foot of a newsletter; works for ever."""
        return f"{self._public_url}/newsletter/unsubscribe?t={self.subscriber_token(subscriber_id)}"

    def confirm_url(self, subscriber_id: str, round: int, *, at: datetime) -> str:
        """The link of the confirmation mail; works for 14 days."""
        return f"{self._public_url}/newsletter/confirm?t={self.confirm_token(subscriber_id, round, at=at)}"

    def subscriber_token(self, subscriber_id: str) -> str:
        """A token that leaves and prefers."""
        return self._write(LinkKind.SUBSCRIBER, subscriber_id, 0, 0)

    def confirm_token(self, subscriber_id: str, round: int, *, at: datetime) -> str:
        """A token that confirms one round."""
        return self._write(LinkKind.CONFIRM, subscriber_id, round, (at + timedelta(days=CONFIRM_DAYS) - _EPOCH).days)

    def read_subscriber(self, token: str) -> str:
        """The subscriber's id.

        Raises:
            InvalidInput: names `/token`: incomplete, altered, or of another kind.
        """
        subscriber_id, _, _ = self._read(LinkKind.SUBSCRIBER, token)
        return subscriber_id

    def read_confirmation(self, token: str, *, at: datetime) -> Confirmation:
        """Whose subscription the token confirms.

        Raises:
            InvalidInput: as for `read_subscriber`.
            LinkIsOver: older than 14 days.
        """
        subscriber_id, number, last_day = self._read(LinkKind.CONFIRM, token)
        if (at - _EPOCH).days > last_day:
            raise LinkIsOver
        return Confirmation(subscriber_id, number)

    def _write(self, kind: LinkKind, subscriber_id: str, round: int, last_day: int) -> str:
        key = self._keys.current("link")
        body = _BODY.pack(key.version, kind.value, bytes.fromhex(subscriber_id), round, last_day)
        return base64url.encode(body + _mac(key.secret.reveal(), body))

    def _read(self, kind: LinkKind, token: str) -> tuple[str, int, int]:
        try:
            raw = base64url.decode(token) if len(token) < 200 else b""
            body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
            version, kind_value, id_bytes, number, last_day = _BODY.unpack(body)
            genuine = hmac.compare_digest(mac, _mac(self._keys.get("link", version).secret.reveal(), body))
        except (ValueError, struct.error, UnknownKey):
            genuine, kind_value = False, 0
        if not genuine or kind_value != kind.value:
            raise InvalidInput(fields=[FieldError("/token", "bad-link", "The link is incomplete: copy it whole")])
        return id_bytes.hex(), number, last_day


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + body, "sha256")[:_MAC_BYTES]
