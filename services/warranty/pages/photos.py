"""Photos on the pages of a claim: sent with the claim, added to it, taken back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from services.warranty.pages.frame import Frame
from services.warranty.photos.redraw import MAX_BYTES, NotAPhoto, PhotoTooLarge, Redrawn
from services.warranty.photos.routes import MEDIA_TYPES
from shared.errors import FieldError, InvalidInput
from shared.http.intake import read_form
from shared.http.routes import Upload
from shared.http.uploads import Sent

FIELD = "photo"
MOST_AT_ONCE = 5
UPLOAD = Upload((), MAX_BYTES, MOST_AT_ONCE, FIELD)
ACCEPT = ",".join(each for each in MEDIA_TYPES if each.startswith("image/"))
"""What the browser offers to choose from."""


@asynccontextmanager
async def sent_to(frame: Frame, request: web.Request) -> AsyncIterator[Sent]:
    """A form that may have photos, however a browser has sent it."""
    if request.content_type != "multipart/form-data":
        yield Sent(form=await read_form(request))
        return
    async with frame.deps.uploads.read(request, UPLOAD) as sent:
        yield sent


async def draw_all(frame: Frame, files: Sequence[bytes]) -> list[Redrawn]:
    """Each drawn anew, before any is kept.

    Raises:
        InvalidInput: names the field of the form.
    """
    try:
        return [await frame.deps.redrawer.redraw(file) for file in files]
    except (NotAPhoto, PhotoTooLarge) as refusal:
        raise InvalidInput(fields=[FieldError(f"/{FIELD}", refusal.code, refusal.detail)]) from None
