"""Photos in GridFS: a chunk is a sealed piece, `metadata` names the claim."""

from collections.abc import Sequence
from datetime import datetime

from services.warranty.photos.pieces import COLLECTION, PhotoName
from services.warranty.photos.store import Stray
from shared.mongo import Database, Document, Files, Index

_THERE = {"$exists": True}
_INDEXES = (
    Index("claim", [("metadata.claim_id", 1)]),
    Index("stray", [("metadata.stray_since", 1)], partial={"metadata.stray_since": _THERE}),
)


async def ensure_photo_indexes(database: Database) -> None:
    """Of the files and of their chunks."""
    await Files(database, COLLECTION).ensure_indexes(_INDEXES)


class GridFSPhotos:
    """`Photos` on a database; `stray_since` is by the clock of whoever stores."""

    def __init__(self, database: Database) -> None:
        self._files = Files(database, COLLECTION)

    async def put(self, file: str, name: PhotoName, pieces: Sequence[bytes], *, at: datetime) -> None:
        """See `Photos.put`."""
        await self._files.put(file, pieces, {"claim_id": name.claim_id, "photo_id": name.photo_id, "stray_since": at})

    async def keep(self, file: str) -> None:
        """See `Photos.keep`."""
        await self._files.mark(file, {"$unset": {"metadata.stray_since": ""}})

    async def doubt(self, file: str, *, at: datetime) -> None:
        """See `Photos.doubt`."""
        await self._files.mark(file, {"$set": {"metadata.stray_since": at}})

    async def read(self, file: str) -> list[bytes] | None:
        """See `Photos.read`."""
        return await self._files.get(file)

    async def remove(self, files: Sequence[str]) -> None:
        """See `Photos.remove`."""
        await self._files.remove(files)

    async def remove_of(self, claim_ids: Sequence[str]) -> None:
        """See `Photos.remove_of`."""
        found = await self._files.find({"metadata.claim_id": {"$in": list(claim_ids)}})
        await self._files.remove([str(document["_id"]) for document in found])

    async def strays(self, before: datetime, *, limit: int) -> list[Stray]:
        """See `Photos.strays`."""
        wanted: Document = {"metadata.stray_since": {"$lt": before}}
        found = await self._files.find(wanted, limit=limit)
        return [Stray(str(document["_id"]), str(document["metadata"]["claim_id"])) for document in found]
