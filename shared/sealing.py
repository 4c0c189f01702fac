"""Personal fields in events: sealed to one reader, so that the broker and who runs it see which order, never who.

HPKE (RFC 9180) carries a key to the reader, and AES-256-GCM under it seals the fields of a minute (`shared.carriers`).
The reader and the id of its key are bound to the carrier; they, the event's type and id and the field are bound to the
value, so a box that was moved to another event, field or reader does not open.

The public keys of readers come from `shared.publickeys`.

Base mode proves nothing about the sender: who may publish which event is for the broker's permissions to say.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import BaseModel, ValidationError

from shared import base64url
from shared.boxes import bind
from shared.carriers import Carried, Carriers
from shared.errors import DomainError, ErrorKind
from shared.events import Event, Sealed, SealedBox
from shared.keys import Key, KeyProvider, UnknownKey
from shared.publickeys import PURPOSE, NoPublicKey, PublicKeyFiles, PublicKeys, write_public_key

__all__ = ["CannotOpen", "NoPublicKey", "Sealer", "Unsealer", "write_public_key"]

_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

ModelT = TypeVar("ModelT", bound=BaseModel)


class CannotOpen(DomainError):
    """The value is not sealed for this service, or was altered or moved."""

    kind = ErrorKind.MALFORMED
    code = "cannot-open"


class Sealer:
    """Seals values for the readers of an event.

    Args:
        keys: the directory of public keys, or another source of them.
    """

    def __init__(self, keys: Path | PublicKeys) -> None:
        self._keys = PublicKeyFiles(keys) if isinstance(keys, Path) else keys
        self._carriers = Carriers()

    def seal(self, reader: str, value: BaseModel, *, event_type: str, event_id: str, field: str) -> SealedBox:
        """A box that only `reader` can open, and only as this field of this event.

        Raises:
            NoPublicKey: nothing can be sealed for this reader yet.
        """
        current = self._keys.current(reader)
        kid = f"{reader}-{current.version}"
        bound = _bound(event_type, event_id, field, reader, kid)
        plain = value.model_dump_json().encode()
        box = self._carriers.seal(plain, current.key, name=_name(reader, kid), bound=bound)
        return SealedBox(kid=kid, box=base64url.encode(box))

    def seal_for(self, readers: Mapping[str, BaseModel], *, event_type: str, event_id: str, field: str) -> Sealed:
        """A box for each reader, with what that reader needs."""
        return {
            reader: self.seal(reader, value, event_type=event_type, event_id=event_id, field=field)
            for reader, value in readers.items()
        }


class Unsealer:
    """Opens what is sealed for one service.

    Args:
        service: the reader's name.
        keys: holds its private keys under the purpose `seal`, old versions too.
    """

    def __init__(self, service: str, keys: KeyProvider) -> None:
        self._service = service
        self._keys = keys
        self._private = _PrivateKeys()
        self._carried = Carried()

    def open(self, model: type[ModelT], sealed: Sealed, *, event: Event, field: str) -> ModelT:
        """The value in this service's box; only the key that the box names is tried.

        Raises:
            CannotOpen: there is no box for us, its key is not here, it was altered or moved, or holds something else.
        """
        name = f"{field} of {event.type} {event.id}"
        box = sealed.get(self._service)
        if box is None:
            raise CannotOpen(f"{name} is not sealed for {self._service}")
        private = self._private_key(box.kid, name)
        bound = _bound(event.type, event.id, field, self._service, box.kid)
        try:
            plain = self._carried.open(
                base64url.decode(box.box), private, name=_name(self._service, box.kid), bound=bound
            )
            if plain is None:
                raise CannotOpen(f"{name}: altered or moved")
            return model.model_validate_json(plain)
        except (binascii.Error, ValueError) as error:
            raise CannotOpen(f"{name}: {_reason(error)}") from None  # a validation error carries the value

    def _private_key(self, kid: str, name: str) -> X25519PrivateKey:
        version = kid.removeprefix(f"{self._service}-")
        if version == kid or not _VERSION.fullmatch(version):
            raise CannotOpen(f"{name} is sealed with a key that is not of {self._service}")
        try:
            return self._private.of(self._keys.get(PURPOSE, int(version)))
        except UnknownKey:
            raise CannotOpen(f"{name} is sealed with version {version} of the key, which is not here") from None


@dataclass(slots=True)
class _PrivateKeys:
    """Private keys, made once for each key of the provider."""

    made: dict[int, tuple[Key, X25519PrivateKey]] = field(default_factory=dict)

    def of(self, key: Key) -> X25519PrivateKey:
        held = self.made.get(key.version)
        if held is None or held[0] is not key:
            held = self.made[key.version] = (key, X25519PrivateKey.from_private_bytes(key.secret.reveal()))
        return held[1]


def _name(reader: str, kid: str) -> bytes:
    return bind("padlock carrier of event fields", reader, kid)


def _bound(event_type: str, event_id: str, field: str, reader: str, kid: str) -> bytes:
    return bind("padlock event field", event_type, event_id, field, reader, kid)


def _reason(error: Exception) -> str:
    return "holds something else" if isinstance(error, ValidationError) else "altered or moved"
