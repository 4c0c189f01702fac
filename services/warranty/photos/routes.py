"""Photos of a claim over HTTP, for its claimant and for support."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from services.warranty.claims.accesses import note_access
from services.warranty.claims.desk_routes import SUPPORT
from services.warranty.claims.domain import (
    Claim,
    ClaimNotFound,
    PhotoInUse,
    PhotoNotFound,
    TooManyPhotos,
)
from services.warranty.claims.steps import IllegalStep
from services.warranty.claims.usecases import find_own
from services.warranty.claims.views import DESK, PATH, PhotoView, photo_view
from services.warranty.deps import Deps
from services.warranty.photos.redraw import MAX_BYTES, NotAPhoto, PhotoTooLarge
from services.warranty.photos.usecases import add_photo, show_photo, take_back
from services.warranty.records.domain import PurchaseNotFound
from services.warranty.records.routes import LinkQuery, asking
from shared.errors import FieldError, InvalidInput
from shared.http.routes import Answer, Call, File, Route, Unauthenticated, Upload
from shared.http.uploads import TIMEOUT_S
from shared.personal import PersonErased

JPEG = "image/jpeg"
MEDIA_TYPES = (JPEG, "image/png", "image/webp", "image/heic", "image/heif", "application/octet-stream")
UPLOAD = Upload(MEDIA_TYPES, MAX_BYTES, name="photo")
_NOT_YOURS = [Unauthenticated, PurchaseNotFound, ClaimNotFound]
_FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="photo.jpg"',
}


def photo_routes(deps: Deps) -> Sequence[Route]:
    """All of them."""
    one = "{id}/photos/{photo}"
    return [
        Route("POST", f"{PATH}/{{id}}/photos", partial(_add, deps), "Send a photo of the fault, once or more often",
              upload=UPLOAD, timeout_s=TIMEOUT_S, query=LinkQuery, answers={201: PhotoView},
              answer_headers=["Location"],
              problems=[*_NOT_YOURS, NotAPhoto, PhotoTooLarge, TooManyPhotos, IllegalStep, PersonErased]),
        Route("GET", f"{PATH}/{one}", partial(_show, deps), "A photo of one of your claims, as it was drawn anew",
              query=LinkQuery, answers={200: JPEG}, problems=[*_NOT_YOURS, PhotoNotFound]),
        Route("DELETE", f"{PATH}/{one}", partial(_take_back, deps), "Take a photo back, until the claim is decided",
              query=LinkQuery, problems=[*_NOT_YOURS, PhotoNotFound, PhotoInUse]),
        Route("GET", f"{DESK}/{one}", partial(_show_staff, deps), "A photo, for the staff; it is kept who has looked",
              answers={200: JPEG}, access=SUPPORT, problems=[ClaimNotFound, PhotoNotFound]),
    ]  # fmt: skip


async def _add(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    claim = await _own(deps, call)
    claim.refuse_unpicturable()
    async with deps.uploads.read(call.request, UPLOAD) as sent:
        if len(sent.files) != 1:
            raise InvalidInput(fields=[FieldError(f"/{UPLOAD.name}", "missing", "one photo is needed")])
        claim, photo = await add_photo(deps, claim, sent.files[0])
    view = photo_view(photo, f"{PATH}/{claim.id}")
    return Answer(201, view, headers={"Location": view.href})


async def _show(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    return await _file(deps, await _own(deps, call), call)


async def _show_staff(deps: Deps, call: Call[None, None]) -> Answer:
    claim = await deps.claims.find(call.path("id"))
    if claim is None:
        raise ClaimNotFound
    claim.photo(call.path("photo"))
    await note_access(deps, call.who, claim)
    return await _file(deps, claim, call)


async def _take_back(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    await take_back(deps, await _own(deps, call), call.path("photo"))
    return Answer(204)


async def _file(deps: Deps, claim: Claim, call: Call[Any, Any]) -> Answer:
    return Answer(200, File(await show_photo(deps, claim, call.path("photo")), JPEG), headers=_FILE_HEADERS)


async def _own(deps: Deps, call: Call[Any, LinkQuery]) -> Claim:
    return await find_own(deps, await asking(deps, call), call.path("id"))
