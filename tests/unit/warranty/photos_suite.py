"""What every store of photos must do; memory and GridFS both pass it."""

from datetime import timedelta

from services.warranty.photos.pieces import PhotoName
from services.warranty.photos.store import Photos, Stray
from tests.unit.warranty.doubles import NOON

PIECES = [b"a" * 1000, b"b" * 1000, b"c" * 10]
LATER = NOON + timedelta(hours=2)
ONE, OTHER = PhotoName("c-1", "p-1"), PhotoName("c-2", "p-1")


class PhotosSuite:
    """What every `Photos` must do. Subclasses give the fixture `photos`, empty."""

    async def test_pieces_read_back_as_they_were_put(self, photos: Photos) -> None:
        await photos.put("f-1", ONE, PIECES, at=NOON)

        assert await photos.read("f-1") == PIECES
        assert await photos.read("f-2") is None

    async def test_one_piece_alone_reads_back(self, photos: Photos) -> None:
        await photos.put("f-1", ONE, [b"x"], at=NOON)

        assert await photos.read("f-1") == [b"x"]

    async def test_what_was_not_kept_is_stray_until_it_is(self, photos: Photos) -> None:
        await photos.put("f-1", ONE, PIECES, at=NOON)
        await photos.put("f-2", OTHER, PIECES, at=LATER)

        assert await photos.strays(NOON, limit=10) == []
        assert await photos.strays(LATER, limit=10) == [Stray("f-1", "c-1")]
        await photos.keep("f-1")
        assert await photos.strays(LATER, limit=10) == []
        await photos.doubt("f-1", at=NOON)
        assert await photos.strays(LATER, limit=10) == [Stray("f-1", "c-1")]

    async def test_removed_photos_are_gone_and_others_stay(self, photos: Photos) -> None:
        for file, name in (("f-1", ONE), ("f-2", ONE), ("f-3", OTHER)):
            await photos.put(file, name, PIECES, at=NOON)

        await photos.remove(["f-1", "f-9"])
        assert [await photos.read(file) for file in ("f-1", "f-2")] == [None, PIECES]
        await photos.remove_of(["c-1"])
        await photos.remove_of(["c-1"])

        assert await photos.read("f-2") is None
        assert await photos.read("f-3") == PIECES
        assert await photos.strays(LATER, limit=10) == [Stray("f-3", "c-2")]
