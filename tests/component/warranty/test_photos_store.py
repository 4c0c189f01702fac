"""Photos in GridFS, by the suite of every store of photos, and what only a database can get wrong."""

import pytest

from services.warranty.photos.gridfs import GridFSPhotos, ensure_photo_indexes
from services.warranty.photos.pieces import COLLECTION, PIECE_BYTES
from shared.mongo import Database
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.photos_suite import ONE, PhotosSuite


@pytest.fixture
async def photos(database: Database) -> GridFSPhotos:
    await ensure_photo_indexes(database)
    return GridFSPhotos(database)


class TestGridFSPhotos(PhotosSuite):
    pass


async def test_a_chunk_is_a_piece_of_the_size_that_photos_have(photos: GridFSPhotos, database: Database) -> None:
    pieces = [bytes([n]) * (PIECE_BYTES + 40) for n in range(4)] + [b"rest"]

    await photos.put("f-1", ONE, pieces, at=NOON)

    chunks = await database[f"{COLLECTION}.chunks"].find().sort("n", 1).to_list(None)
    assert [chunk["data"] for chunk in chunks] == pieces
    assert await photos.read("f-1") == pieces


async def test_a_removed_photo_leaves_no_chunk(photos: GridFSPhotos, database: Database) -> None:
    await photos.put("f-1", ONE, [b"x" * 100, b"y"], at=NOON)

    await photos.remove(["f-1"])

    assert await database[f"{COLLECTION}.chunks"].count_documents({}) == 0
    assert await database[f"{COLLECTION}.files"].count_documents({}) == 0
