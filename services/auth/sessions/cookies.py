"""What a remembered browser carries, and what waits for it: both encrypted under the key "cookie" (P4)."""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict

from shared import base64url
from shared.keys import KeyProvider, UnknownKey
from shared.personal import Place, open_with, seal_with

PURPOSE = "cookie"
_NONCE_BYTES = 12
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Ticket:
    """The cookie's content: a series and one of its values."""

    series: str
    value: str


class Handover(BaseModel):
    """What replaced a value: the next value and the session that was made with it."""

    model_config = ConfigDict(frozen=True)

    value: str
    session_token: str
    session_id: str

    def __repr__(self) -> str:
        return "Handover(hidden)"


class RememberCookies:
    """Writes and reads the cookie named `name`: `<key version>.<base64url of nonce and AES-256-GCM box>`.

    The box is bound to the cookie's name and the key's version. Two cookies of one account have nothing in common.
    """

    def __init__(self, keys: KeyProvider, name: str) -> None:
        self._keys = keys
        self._name = name

    def write(self, ticket: Ticket) -> str:
        """The cookie's value."""
        key = self._keys.current(PURPOSE)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = f"{ticket.series}.{ticket.value}".encode()
        box = AESGCM(key.secret.reveal()).encrypt(nonce, text, self._bound_to(key.version))
        return f"{key.version}.{base64url.encode(nonce + box)}"

    def read(self, cookie: str) -> Ticket | None:
        """The content, or nothing where the value is not ours, was altered, or its key is gone."""
        version, _, packed = cookie.partition(".")
        if len(cookie) > _LONGEST or not (version.isascii() and version.isdigit()) or len(version) > 9:
            return None
        try:
            key = self._keys.get(PURPOSE, int(version))
            raw = base64url.decode(packed)
            text = AESGCM(key.secret.reveal()).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], self._bound_to(key.version)
            )
        except (UnknownKey, ValueError, InvalidTag):
            return None
        series, _, value = text.decode().partition(".")
        return Ticket(series, value)

    def seal_handover(self, handover: Handover, series: str) -> bytes:
        """The handover as it is kept with its series, for parallel requests of the same browser."""
        return seal_with(self._keys.current(PURPOSE), handover.model_dump_json(), _place(series))

    def open_handover(self, box: bytes, series: str) -> Handover:
        """Undo `seal_handover`."""
        return Handover.model_validate_json(open_with(self._keys, PURPOSE, box, _place(series)))

    def _bound_to(self, version: int) -> bytes:
        return f"{self._name}\0{version}".encode()


def _place(series: str) -> Place:
    return Place("remembered", "handover", series)
