"""A photo's pieces open in their order, all of them, for their photo, claim and person, and in no other way."""

from collections.abc import Callable

import pytest

from services.warranty.photos.pieces import PIECE_BYTES, PhotoName, count_of, open_pieces, seal_pieces
from shared.metrics import DECRYPTIONS
from shared.personal import PersonKey, Tampered

PURPOSE = "warranty"
NAME = PhotoName("claim-1", "photo-1")
PHOTO = bytes(range(256)) * (PIECE_BYTES * 2 // 256) + b"the end"


def key(person_id: str = "person-1", secret: bytes = bytes(32)) -> PersonKey:
    return PersonKey(person_id, secret, {PURPOSE: DECRYPTIONS.labels(purpose=PURPOSE)})


def sealed(photo: bytes = PHOTO, name: PhotoName = NAME) -> list[bytes]:
    return list(seal_pieces(key(), name, photo))


def opened(pieces: list[bytes], name: PhotoName = NAME, person: PersonKey | None = None) -> bytes:
    return b"".join(open_pieces(person or key(), name, pieces, purpose=PURPOSE))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, len(PHOTO)])
def test_a_photo_comes_back_whole(size: int) -> None:
    pieces = sealed(PHOTO[:size])

    assert len(pieces) == count_of(size)
    assert opened(pieces) == PHOTO[:size]


def test_no_piece_shows_what_is_in_it() -> None:
    assert not any(bytes(range(64)) in piece for piece in sealed())


@pytest.mark.parametrize("change", [
    lambda pieces: pieces[:-1], lambda pieces: pieces[1:], lambda pieces: [], lambda pieces: [*pieces, pieces[-1]],
    lambda pieces: [pieces[1], pieces[0], pieces[2]], lambda pieces: [pieces[0], pieces[0], pieces[2]],
    lambda pieces: [pieces[0], pieces[1][:-1] + bytes([pieces[1][-1] ^ 1]), pieces[2]],
], ids=["no end", "no beginning", "nothing", "one more", "swapped", "twice", "altered"])  # fmt: skip
def test_pieces_that_were_changed_do_not_open(change: Callable[[list[bytes]], list[bytes]]) -> None:
    pieces = sealed()
    assert opened(pieces) == PHOTO
    with pytest.raises(Tampered):
        opened(change(pieces))


@pytest.mark.parametrize("other", [PhotoName("claim-2", "photo-1"), PhotoName("claim-1", "photo-2")])
def test_pieces_of_another_photo_or_claim_do_not_open(other: PhotoName) -> None:
    with pytest.raises(Tampered):
        opened(sealed(), other)


@pytest.mark.parametrize("person", [key("person-2"), key(secret=b"1" * 32)], ids=["another", "a new key"])
def test_without_the_persons_key_nothing_opens(person: PersonKey) -> None:
    with pytest.raises(Tampered):
        opened(sealed(), person=person)
