"""Challenges in MongoDB: collection `challenges`; `_id` is the SHA-256. Each leaves by itself when its time is over."""

from services.auth.factors.store import Challenge
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, Index, ensure_indexes, translated

COLLECTION = "challenges"


async def ensure_challenge_indexes(database: Database) -> None:
    """Expiry."""
    await ensure_indexes(database[COLLECTION], [Index("expiry", [("expires_at", 1)], expire_after_s=0)])


class MongoChallenges:
    """`Challenges` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)

    async def add(self, key: bytes, challenge: Challenge) -> None:
        """See `Challenges.add`."""
        await self._writer.insert(
            {
                "_id": key,
                "purpose": challenge.purpose,
                "account_id": challenge.account_id,
                "expires_at": challenge.expires_at,
            }
        )

    async def take(self, key: bytes) -> Challenge | None:
        """See `Challenges.take`."""
        with translated():
            document: Document | None = await self._collection.find_one_and_delete({"_id": key})
        if document is None:
            return None
        return Challenge(document["purpose"], document["account_id"], document["expires_at"])
