"""A photo in pieces, each sealed under its person's key, bound to claim, photo, its number and how many there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.personal import PersonKey, Place, Tampered

COLLECTION = "photos"
"""Where photos are kept; sealed pieces are bound to this name."""
PIECE_BYTES = 255 * 1024
"""Of a photo in one piece, before it is sealed."""


@dataclass(frozen=True, slots=True)
class PhotoName:
    """Which photo of which claim."""

    claim_id: str
    photo_id: str


def count_of(size_bytes: int) -> int:
    """How many pieces a photo of this size has; one at least."""
    return max(1, -(-size_bytes // PIECE_BYTES))


def seal_pieces(person: PersonKey, name: PhotoName, photo: bytes) -> Iterator[bytes]:
    """The sealed pieces in their order, one after the other."""
    count = count_of(len(photo))
    for number in range(count):
        piece = photo[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
        yield person.seal(piece, _place(name, number, count))


def open_pieces(person: PersonKey, name: PhotoName, pieces: Sequence[bytes], *, purpose: str) -> Iterator[bytes]:
    """The photo, piece by piece.

    Raises:
        Tampered: a piece was altered, left out, added, moved, or is of another photo, claim or person.
    """
    if not pieces:
        raise Tampered(f"photo {name.photo_id}: it has no pieces")
    for number, piece in enumerate(pieces):
        yield person.open(piece, _place(name, number, len(pieces)), purpose=purpose)


def _place(name: PhotoName, number: int, count: int) -> Place:
    return Place(COLLECTION, f"piece {number} of {count} of photo {name.photo_id}", name.claim_id)
