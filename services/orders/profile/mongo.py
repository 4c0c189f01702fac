"""Profiles in MongoDB."""

from services.orders.profile.store import SealedProfile
from shared.mongo import Database, translated

COLLECTION = "profiles"


class MongoProfiles:
    """`Profiles` on a database."""

    def __init__(self, database: Database) -> None:
        self._profiles = database[COLLECTION]

    async def find(self, account_id: str) -> SealedProfile | None:
        """See `Profiles.find`."""
        with translated():
            document = await self._profiles.find_one({"_id": account_id})
        return None if document is None else SealedProfile(account_id, document["box"], document["updated_at"])

    async def put(self, profile: SealedProfile) -> None:
        """See `Profiles.put`."""
        document = {"box": profile.box, "updated_at": profile.updated_at}
        with translated():
            await self._profiles.replace_one({"_id": profile.account_id}, document, upsert=True)

    async def remove(self, account_id: str) -> None:
        """See `Profiles.remove`."""
        with translated():
            await self._profiles.delete_one({"_id": account_id})
