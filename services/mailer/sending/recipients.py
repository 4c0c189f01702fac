"""From sealed to clear, for the length of one batch: whom the copies are for."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.mailer.campaigns.edition import Copy
from services.mailer.sending.domain import Claimed
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.links import Links
from shared.keys import KeyProvider
from shared.personal import PersonalFields, PersonErased, PersonKey, Place, WrappedKey

PURPOSE = "newsletter"


class KeyReader(Protocol):
    """Reads many wrapped data keys at once."""

    async def find_many(self, person_ids: Sequence[str]) -> dict[str, WrappedKey]:
        """The keys that there are, by person."""


class Recipients:
    """Opens the names and addresses of a batch with one read of their data keys."""

    def __init__(self, keys: KeyProvider, reader: KeyReader, links: Links) -> None:
        self._keys = keys
        self._reader = reader
        self._links = links

    async def open(self, batch: Sequence[Claimed]) -> list[Copy]:
        """The copies to write; who has been erased in between is left out."""
        wrapped = await self._reader.find_many([claimed.subscriber_id for claimed in batch])
        people = PersonalFields(self._keys, _Fetched(wrapped.values()), purposes=[PURPOSE])
        copies = []
        for claimed in batch:
            try:
                person = await people.known(claimed.subscriber_id)
            except PersonErased:
                continue
            copies.append(self._copy(claimed, person))
        return copies

    def _copy(self, claimed: Claimed, person: PersonKey) -> Copy:
        def opened(box: bytes, field: str) -> str:
            return person.open(box, Place(COLLECTION, field, claimed.subscriber_id), purpose=PURPOSE).decode()

        return Copy(
            claimed.subscriber_id,
            opened(claimed.name, "name"),
            opened(claimed.email, "email"),
            self._links.unsubscribe_url(claimed.subscriber_id),
        )


class _Fetched:
    """`DataKeys` that have been read already."""

    def __init__(self, wrapped: Iterable[WrappedKey]) -> None:
        self._wrapped = {each.person_id: each for each in wrapped}

    async def find(self, person_id: str) -> WrappedKey | None:
        """See `DataKeys.find`."""
        return self._wrapped.get(person_id)

    async def add(self, wrapped: WrappedKey) -> None:
        """Nothing is added here."""
        raise NotImplementedError

    async def remove(self, person_id: str) -> bool:
        """Nothing is removed here."""
        raise NotImplementedError
