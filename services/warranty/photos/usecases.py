"""What is done with the photos of a claim.

The file is stored first and named in the claim by the write behind it, so that a claim never names what is not there.
A file that no claim has come to name is swept up after an hour.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import Claim, Photo, PhotoNotFound
from services.warranty.claims.usecases import change
from services.warranty.deps import Deps
from services.warranty.photos.pieces import PhotoName, open_pieces, seal_pieces
from services.warranty.photos.redraw import Redrawn
from shared.errors import TransientError
from shared.events import Event
from shared.personal import PersonErased, PersonKey

STRAY_AFTER = timedelta(hours=1)
_A_TURN = 100
_ID_DIGITS = 32


async def add_photo(deps: Deps, claim: Claim, sent: bytes) -> tuple[Claim, Photo]:
    """Draw anew what the claimant has sent, and add it to the claim; a photo that is there already is not added twice.

    Raises:
        NotAPhoto, PhotoTooLarge: nothing that can be shown.
        IllegalStep, TooManyPhotos: the claim takes none.
        PersonErased, ClaimNotFound, TransientError: not added.
    """
    claim.refuse_unpicturable()
    return await add_drawn(deps, claim, await deps.redrawer.redraw(sent))


async def add_drawn(deps: Deps, claim: Claim, drawn: Redrawn) -> tuple[Claim, Photo]:
    """The same for a photo that has been drawn anew."""
    person = await claimant_of(deps, claim)
    if person is None:
        raise PersonErased
    photo = Photo(_id_of(deps, claim, drawn), deps.clock(), deps.new_id(), drawn.width, drawn.height, len(drawn.jpeg))
    await _store(deps, person, claim.id, photo, drawn.jpeg)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        return claim.pictured(photo), []

    try:
        pictured = await change(deps, claim, decide)
    except TransientError:
        raise  # nobody knows whether the claim has it: the sweep finds out
    except Exception:
        await deps.photos.remove([photo.file])
        raise
    there = pictured.photo(photo.id)
    if there.file == photo.file:
        await deps.photos.keep(photo.file)
    else:
        await deps.photos.remove([photo.file])
    # An erasure drops the key, then removes photos: if it did not see this one yet, its tombstone is seen here.
    if await deps.data_keys.find(claim.person_id) is None:
        await deps.photos.remove_of([claim.id])
        raise PersonErased
    return pictured, there


async def show_photo(deps: Deps, claim: Claim, photo_id: str, *, purpose: str = "warranty") -> bytes:
    """The JPEG of one photo of a claim.

    Raises:
        PhotoNotFound: there is none, or it went with an erasure.
        Tampered: it was altered.
    """
    photo, person = claim.photo(photo_id), await claimant_of(deps, claim)
    pieces = await deps.photos.read(photo.file) if person is not None else None
    if person is None or pieces is None:
        raise PhotoNotFound
    name = PhotoName(claim.id, photo.id)
    return await asyncio.to_thread(lambda: b"".join(open_pieces(person, name, pieces, purpose=purpose)))


async def take_back(deps: Deps, claim: Claim, photo_id: str) -> Claim:
    """The claimant does not want a photo to be there any more.

    Raises:
        PhotoNotFound: there is none.
        PhotoInUse: the claim was decided.
        ClaimNotFound, TransientError: not done.
    """
    photo = claim.photo(photo_id)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        return claim.without_photo(photo_id), []

    await deps.photos.doubt(photo.file, at=deps.clock())
    changed = await change(deps, claim, decide)
    await deps.photos.remove([photo.file])
    return changed


async def reseal_photos(deps: Deps, claim: Claim, old: PersonKey, new: PersonKey) -> tuple[Photo, ...]:
    """Copies of a claim's photos, sealed for another person; `keep_photos` once the claim names them."""
    copies: list[Photo] = []
    for photo in claim.photos:
        pieces = await deps.photos.read(photo.file)
        if pieces is None:
            continue
        jpeg = b"".join(open_pieces(old, PhotoName(claim.id, photo.id), pieces, purpose="warranty"))
        copy = replace(photo, file=deps.new_id())
        await _store(deps, new, claim.id, copy, jpeg)
        await deps.photos.doubt(photo.file, at=deps.clock())
        copies.append(copy)
    return tuple(copies)


async def keep_photos(deps: Deps, kept: Sequence[Photo], instead_of: Sequence[Photo]) -> None:
    """The claims name the first now, and no longer the others."""
    for photo in kept:
        await deps.photos.keep(photo.file)
    await deps.photos.remove([photo.file for photo in instead_of])


async def sweep_photos(deps: Deps) -> None:
    """One turn: what no claim names is removed; what one names is said to be kept."""
    for stray in await deps.photos.strays(deps.clock() - STRAY_AFTER, limit=_A_TURN):
        claim = await deps.claims.find(stray.claim_id)
        if claim is not None and any(photo.file == stray.file for photo in claim.photos):
            await deps.photos.keep(stray.file)
        else:
            await deps.photos.remove([stray.file])


async def _store(deps: Deps, person: PersonKey, claim_id: str, photo: Photo, jpeg: bytes) -> None:
    name = PhotoName(claim_id, photo.id)
    pieces = await asyncio.to_thread(lambda: list(seal_pieces(person, name, jpeg)))
    await deps.photos.put(photo.file, name, pieces, at=photo.at)


def _id_of(deps: Deps, claim: Claim, drawn: Redrawn) -> str:
    """Keyed: nobody with a picture at hand can tell from an id that it is this one."""
    return deps.index.of("photo", f"{claim.id} {hashlib.sha256(drawn.jpeg).hexdigest()}")[:_ID_DIGITS]
