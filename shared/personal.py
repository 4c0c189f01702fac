"""Personal fields in databases: encrypted under a data key of their person, looked up by a keyed hash.

Each person has one data key, kept wrapped by the key `fields` of a `KeyProvider`. Erasing a person puts a tombstone in
its place; every value under it stays unreadable from then on, in restored backups too, for data keys are kept apart
from what they open (docs/decisions/0003-sealing-and-keys.md says what remains to be watched).
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter
from pydantic import BaseModel, ValidationError

from shared.boxes import (
    Place,
    Tampered,
    as_bytes,
    bind,
    key_version,
    open_person_box,
    open_provider_box,
    open_with,
    seal_person_box,
    seal_provider_box,
    seal_with,
)
from shared.errors import DomainError, ErrorKind
from shared.keys import SIZE_BYTES, Key, KeyProvider
from shared.metrics import DECRYPTIONS

__all__ = [
    "BlindIndex", "DataKeys", "PersonErased", "PersonKey", "PersonKeys", "PersonalFields", "Place", "Tampered",
    "WrappedKey", "WrongShape", "open_with", "seal_with",
]  # fmt: skip

KEK = "fields"
REMEMBERED_PERSONS = 10_000
FRESH_S = 5.0

ModelT = TypeVar("ModelT", bound=BaseModel)


class PersonErased(DomainError):
    """This person was erased, or never known here."""

    kind = ErrorKind.GONE
    code = "person-erased"


class WrongShape(Exception):
    """What was sealed does not fit the model that it is read with: an older form. Never shows the value."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A person's data key as it is stored: one for each person, `box` openable with version `kek_version` only."""

    person_id: str
    kek_version: int
    box: bytes


class DataKeys(Protocol):
    """Where wrapped data keys are kept: at most one for each person, and a tombstone for whoever was erased."""

    async def find(self, person_id: str) -> WrappedKey | None:
        """The person's key, as last stored by anyone; none for who was erased."""

    async def find_many(self, person_ids: Sequence[str]) -> dict[str, WrappedKey]:
        """The keys that there are, by person, in one query."""

    async def add(self, wrapped: WrappedKey) -> None:
        """Store the key unless the person has one or was erased: the first wins, nobody is told. Durable on return."""

    async def remove(self, person_id: str) -> bool:
        """Put a tombstone in the key's place, in one write; whether there was a key. Durable on return.

        Nobody can add a key for this person again, and one that is put back beside the tombstone is not found.
        """

    async def withdraw(self, person_id: str) -> None:
        """Take back a key under which nothing is kept, as if it had never been made. A tombstone stays."""


class PersonKey:
    """Seals and opens the values of one person. Keep it for one use case, not longer: an erasure must take effect."""

    __slots__ = ("_bound", "_cipher", "_counters", "person_id")

    def __init__(self, person_id: str, secret: bytes, counters: Mapping[str, Counter]) -> None:
        self.person_id = person_id
        self._cipher = AESGCM(secret)
        self._bound = bind("padlock personal field", person_id)
        self._counters = counters

    def seal(self, value: str | bytes, at: Place) -> bytes:
        """A box for one value; a different one each time, even for equal values."""
        return seal_person_box(self._cipher, as_bytes(value), self._bound_to(at))

    def open(self, box: bytes, at: Place, *, purpose: str) -> bytes:
        """The value, counted under the purpose for which it is read.

        Raises:
            Tampered: altered, moved from another place, or another person's.
            ValueError: the purpose was not declared.
        """
        counter = self._counters.get(purpose)
        if counter is None:
            raise ValueError(f"each personal field has a declared purpose, and {purpose!r} is none")
        value = open_person_box(self._cipher, box, self._bound_to(at))
        if value is None:
            raise Tampered(f"{at}: altered, moved or not of person {self.person_id}")
        counter.inc()
        return value

    def seal_model(self, value: BaseModel, at: Place) -> bytes:
        """A box for a model, as JSON."""
        return self.seal(value.model_dump_json(), at)

    def open_model(self, model: type[ModelT], box: bytes, at: Place, *, purpose: str) -> ModelT:
        """The model that `seal_model` put away.

        Raises:
            Tampered, ValueError: as `open`.
            WrongShape: it was sealed from another model.
        """
        try:
            return model.model_validate_json(self.open(box, at, purpose=purpose))
        except ValidationError:  # carries the value
            raise WrongShape(f"{at}: does not fit {model.__name__}") from None

    def _bound_to(self, at: Place) -> bytes:
        return self._bound + bind(at.collection, at.field, at.document_id)


class PersonKeys:
    """Makes, wraps and unwraps data keys. No I/O, and nothing is remembered.

    Args:
        keys: wraps data keys with its key `fields`.
        purposes: everything that personal values are ever opened for.
    """

    def __init__(self, keys: KeyProvider, *, purposes: Iterable[str]) -> None:
        self._keys = keys
        self._counters = {purpose: DECRYPTIONS.labels(purpose=purpose) for purpose in purposes}

    def new_person(self, person_id: str) -> tuple[PersonKey, WrappedKey]:
        """A key for a person who has none yet; the caller stores the wrapped form with its own write.

        Until that write is done, nobody else may seal for this person.
        """
        secret = secrets.token_bytes(SIZE_BYTES)
        return PersonKey(person_id, secret, self._counters), self._wrap(person_id, secret)

    def unwrap(self, wrapped: WrappedKey, person_id: str | None = None) -> PersonKey:
        """The key of the person whom `wrapped` names, who must be `person_id` where that is given.

        Raises:
            Tampered: altered, another person's, or its wrapping key is not here.
        """
        return PersonKey(wrapped.person_id, self._unwrap(wrapped, person_id), self._counters)

    @property
    def current_version(self) -> int:
        """The version of the wrapping key that is current."""
        return self._keys.current(KEK).version

    def is_outdated(self, wrapped: WrappedKey) -> bool:
        """Whether a newer version of the wrapping key is current."""
        return wrapped.kek_version < self.current_version

    def rewrap(self, wrapped: WrappedKey) -> WrappedKey:
        """The same data key, wrapped by the current version; what it has sealed stays as it is.

        Raises:
            Tampered: altered, another person's, or its wrapping key is not here.
        """
        return self._wrap(wrapped.person_id, self._unwrap(wrapped))

    def _wrap(self, person_id: str, secret: bytes) -> WrappedKey:
        kek = self._keys.current(KEK)
        return WrappedKey(person_id, kek.version, seal_provider_box(kek, secret, _bound_to_person(person_id)))

    def _unwrap(self, wrapped: WrappedKey, person_id: str | None = None) -> bytes:
        name = f"data key of person {person_id or wrapped.person_id}"
        if key_version(wrapped.box) != wrapped.kek_version or wrapped.person_id != (person_id or wrapped.person_id):
            raise Tampered(f"{name}: altered or moved")
        return open_provider_box(self._keys, KEK, wrapped.box, _bound_to_person(wrapped.person_id), name=name)


class PersonalFields:
    """Finds, makes and erases the data keys of persons.

    Remembers up to 10,000 keys for 5 s each, so an erasure by another process takes effect here within 5 s.

    Args:
        keys: wraps data keys with its key `fields`.
        store: where the wrapped keys are.
        purposes: everything that personal values are ever opened for.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        keys: KeyProvider,
        store: DataKeys,
        *,
        purposes: Iterable[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = PersonKeys(keys, purposes=purposes)
        self._store = store
        self._monotonic = monotonic
        self._remembered: OrderedDict[str, tuple[PersonKey, float]] = OrderedDict()
        self._erasures = 0

    def new_person(self, person_id: str) -> tuple[PersonKey, WrappedKey]:
        """A key for a person who has none yet, without I/O: the caller stores the wrapped form with its own write.

        Until that write is done, nobody else may seal for this person.
        """
        return self._keys.new_person(person_id)

    async def person(self, person_id: str) -> PersonKey:
        """The person's key, made on first use. Two callers at once, in any process, get the same key.

        Raises:
            PersonErased: erased, however long ago; nobody gets a key under this id again.
            Tampered: the stored key was altered or is another person's.
        """
        found = await self._find(person_id)
        if found is None:
            _, wrapped = self.new_person(person_id)
            await self._store.add(wrapped)
            found = await self.known(person_id)  # read again, for another may have been first
        return found

    async def known(self, person_id: str, *, fresh: bool = False) -> PersonKey:
        """The key of a person who has one.

        `fresh`: asked of the store though it may be remembered, where nobody may tell by the time that somebody is.

        Raises:
            PersonErased: there is none, or no longer.
            Tampered: the stored key was altered or is another person's.
        """
        found = await self._find(person_id, fresh=fresh)
        if found is None:
            raise PersonErased(f"person {person_id} is not known here, or no longer")
        return found

    async def erase(self, person_id: str) -> bool:
        """Drop the person's key for ever; whether there was one. Nothing sealed under it can be read again.

        Nothing can be sealed for the person either, so that an event that comes late leaves nothing behind.
        """
        try:
            return await self._store.remove(person_id)
        finally:  # an unknown outcome counts as erased
            self._erasures += 1
            self._remembered.pop(person_id, None)

    def is_outdated(self, wrapped: WrappedKey) -> bool:
        """See `PersonKeys.is_outdated`."""
        return self._keys.is_outdated(wrapped)

    def rewrap(self, wrapped: WrappedKey) -> WrappedKey:
        """See `PersonKeys.rewrap`."""
        return self._keys.rewrap(wrapped)

    async def _find(self, person_id: str, *, fresh: bool = False) -> PersonKey | None:
        key, until = self._remembered.get(person_id, (None, 0.0))
        now = self._monotonic()
        if key is not None and now < until and not fresh:
            self._remembered.move_to_end(person_id)
            return key
        erasures = self._erasures
        wrapped = await self._store.find(person_id)
        if wrapped is None:
            self._remembered.pop(person_id, None)
            return None
        key = self._keys.unwrap(wrapped, person_id)
        if erasures == self._erasures:  # else this may be what was just erased
            self._remember(key, until=now + FRESH_S)
        return key

    def _remember(self, key: PersonKey, *, until: float) -> None:
        self._remembered[key.person_id] = (key, until)
        self._remembered.move_to_end(key.person_id)
        if len(self._remembered) > REMEMBERED_PERSONS:
            self._remembered.popitem(last=False)


class BlindIndex:
    """Look-ups by a value that is not stored in clear: a keyed hash of it (HMAC-SHA256).

    Equal values of one field give equal hashes, those of another field do not. Pass the normalised form of the value.
    """

    def __init__(self, key: Key) -> None:
        # Keyed once and copied: a one-shot digest gives the interpreter lock away each time.
        self._keyed = hmac.new(key.secret.reveal(), digestmod=hashlib.sha256)

    def of(self, field: str, value: str) -> str:
        """64 hexadecimal digits."""
        keyed = self._keyed.copy()
        keyed.update(bind("padlock index", field, value))
        return keyed.hexdigest()


def _bound_to_person(person_id: str) -> bytes:
    return bind("padlock data key", KEK, person_id)
