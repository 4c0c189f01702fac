"""Profiles in MongoDB."""

from services.orders.profile.store import COLLECTION, SealedProfile
from shared.mongo import Database, DuplicateKey, translated


class MongoProfiles:
    """`Profiles` on a database."""

    def __init__(self, database: Database) -> None:
        self._profiles = database[COLLECTION]

    async def find(self, account_id: str) -> SealedProfile | None:
        """See `Profiles.find`."""
        with translated():
            document = await self._profiles.find_one({"_id": account_id})
        if document is None:
            return None
        return SealedProfile(account_id, document["box"], document["updated_at"], document["revision"])

    async def put(self, profile: SealedProfile) -> bool:
        """See `Profiles.put`."""
        key = {"_id": profile.account_id}
        document = {"box": profile.box, "updated_at": profile.updated_at, "revision": profile.revision + 1}
        try:
            with translated():
                if not profile.revision:
                    await self._profiles.insert_one(key | document)
                    return True
                replaced = await self._profiles.replace_one(key | {"revision": profile.revision}, document)
                return replaced.matched_count == 1
        except DuplicateKey:
            return False

    async def remove(self, account_id: str) -> None:
        """See `Profiles.remove`."""
        with translated():
            await self._profiles.delete_one({"_id": account_id})
