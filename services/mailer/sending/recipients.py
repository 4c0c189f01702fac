"""From sealed to clear, for the length of one batch: whom the copies are for."""

from collections.abc import Sequence

from services.mailer.campaigns.edition import Copy
from services.mailer.sending.domain import Claimed
from services.mailer.subscribers import COLLECTION
from services.mailer.subscriptions.links import Links
from shared.keys import KeyProvider
from shared.personal import DataKeys, PersonKey, PersonKeys, Place

PURPOSE = "newsletter"


class Recipients:
    """Opens the names and addresses of a batch with one read of their data keys."""

    def __init__(self, keys: KeyProvider, data_keys: DataKeys, links: Links) -> None:
        self._keys = PersonKeys(keys, purposes=[PURPOSE])
        self._data_keys = data_keys
        self._links = links

    async def open(self, batch: Sequence[Claimed]) -> list[Copy]:
        """The copies to write; who has been erased in between is left out."""
        wrapped = await self._data_keys.find_many([claimed.person_id for claimed in batch])
        return [
            self._copy(claimed, self._keys.unwrap(wrapped[claimed.person_id], claimed.person_id))
            for claimed in batch
            if claimed.person_id in wrapped
        ]

    def _copy(self, claimed: Claimed, person: PersonKey) -> Copy:
        def opened(box: bytes, field: str) -> str:
            return person.open(box, Place(COLLECTION, field, claimed.subscriber_id), purpose=PURPOSE).decode()

        return Copy(
            claimed.subscriber_id,
            opened(claimed.name, "name"),
            opened(claimed.email, "email"),
            self._links.unsubscribe_url(claimed.subscriber_id),
        )
