"""The store of photos in memory, by the suite of every store of photos."""

import pytest

from tests.unit.warranty.photo_doubles import MemoryPhotos
from tests.unit.warranty.photos_suite import PhotosSuite


@pytest.fixture
def photos() -> MemoryPhotos:
    return MemoryPhotos()


class TestMemoryPhotos(PhotosSuite):
    pass
