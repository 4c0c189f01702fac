"""The store of photos in memory, and photos as they come from a telephone."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from PIL import Image

from services.warranty.photos.pieces import PhotoName
from services.warranty.photos.store import Stray


def a_photo(
    colour: tuple[int, int, int] = (200, 30, 30), *, kind: str = "JPEG", size: tuple[int, int] = (64, 48)
) -> bytes:
    """A photo with a position in it."""
    exif = Image.Exif()
    exif[0x010F] = "PADLOCKMAKER"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, exif=exif.tobytes())
    return out.getvalue()


@dataclass
class MemoryPhotos:
    """`Photos` in dictionaries."""

    stored: dict[str, list[bytes]] = field(default_factory=dict)
    names: dict[str, PhotoName] = field(default_factory=dict)
    stray: dict[str, datetime] = field(default_factory=dict)

    async def put(self, file: str, name: PhotoName, pieces: Sequence[bytes], *, at: datetime) -> None:
        """See `Photos.put`."""
        self.stored[file], self.names[file], self.stray[file] = list(pieces), name, at

    async def keep(self, file: str) -> None:
        """See `Photos.keep`."""
        self.stray.pop(file, None)

    async def doubt(self, file: str, *, at: datetime) -> None:
        """See `Photos.doubt`."""
        if file in self.stored:
            self.stray[file] = at

    async def read(self, file: str) -> list[bytes] | None:
        """See `Photos.read`."""
        return self.stored.get(file)

    async def remove(self, files: Sequence[str]) -> None:
        """See `Photos.remove`."""
        for file in files:
            for each in (self.stored, self.names, self.stray):
                each.pop(file, None)

    async def remove_of(self, claim_ids: Sequence[str]) -> None:
        """See `Photos.remove_of`."""
        await self.remove([file for file, name in self.names.items() if name.claim_id in claim_ids])

    async def strays(self, before: datetime, *, limit: int) -> list[Stray]:
        """See `Photos.strays`."""
        found = [Stray(file, self.names[file].claim_id) for file, at in self.stray.items() if at < before]
        return found[:limit]
