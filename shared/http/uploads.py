"""Files that are sent to us: as the whole body, or as parts of a form (RFC 7578); bounded, and few at a time.

A body of this kind is held in memory until it is read through, so only so many are taken at once: who comes on top
waits for a moment, and is then asked to come again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from shared.errors import TransientError
from shared.http.intake import (
    FIELD_LIMIT,
    BodyTooLarge,
    BodyTooSlow,
    CompressedBody,
    Form,
    MalformedBody,
    UnsupportedMediaType,
    form_of,
)
from shared.http.routes import Upload

UPLOAD_S = 60.0
"""How long a body with files may take to arrive."""
TIMEOUT_S = 120.0
"""How long a request with files may take as a whole: to arrive, to wait for its turn and to be looked at."""
_AT_ONCE = 4
_WAIT_S = 5.0
_TEXT_BYTES = 64 * 1024
_PIECE = 64 * 1024
_FORM = "multipart/form-data"


@dataclass(slots=True)
class Sent:
    """What came: the files, and the text fields of a form."""

    files: list[bytes] = field(default_factory=list)
    form: Form = field(default_factory=lambda: Form({}))


class Intake:
    """Takes bodies with files, so many at once in this process."""

    def __init__(self, *, at_once: int = _AT_ONCE, wait_s: float = _WAIT_S, upload_s: float = UPLOAD_S) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._wait_s = wait_s
        self._upload_s = upload_s

    @asynccontextmanager
    async def read(self, request: web.Request, upload: Upload) -> AsyncIterator[Sent]:
        """What was sent, for as long as it is being looked at.

        Raises:
            UnsupportedMediaType: neither a form nor a file of these types.
            BodyTooLarge: a file, all of them, their number, or the text beside them.
            BodyTooSlow, MalformedBody: it did not arrive in time; it cannot be read.
            TransientError: too many send files just now.
        """
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise CompressedBody
        if (request.content_length or 0) > upload.most_bytes * upload.most_files + _TEXT_BYTES:
            raise BodyTooLarge
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turns.acquire()
        except TimeoutError:
            raise TransientError("too many send files just now", retry_after_s=10) from None
        try:
            yield await self._read(request, upload)
        finally:
            self._turns.release()

    async def _read(self, request: web.Request, upload: Upload) -> Sent:
        timeout = asyncio.timeout(self._upload_s)
        try:
            async with timeout:
                if request.content_type == _FORM:
                    return await _read_form(request, upload)
                if request.content_type not in upload.media_types:
                    raise UnsupportedMediaType
                return Sent([await _read_whole(request, upload.most_bytes)])
        except TimeoutError:
            if not timeout.expired():
                raise
            raise BodyTooSlow from None


async def _read_whole(request: web.Request, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > most_bytes:
            raise BodyTooLarge
    return bytes(body)


async def _read_form(request: web.Request, upload: Upload) -> Sent:
    try:
        reader = await request.multipart()
        files: list[bytes] = []
        pairs: list[tuple[str, str]] = []
        room = _TEXT_BYTES
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name:
                raise MalformedBody("The body is not a form.")
            if part.filename is not None:
                file = await _read_part(part, upload.most_bytes)
                if file:  # a form whose field for files was left empty has an empty one
                    files.append(file)
            else:
                text = await _read_part(part, room)
                room -= len(text)
                pairs.append((part.name, text.decode("utf-8")))
            if len(files) > upload.most_files or len(pairs) > FIELD_LIMIT:
                raise BodyTooLarge
    except (
        ValueError,
        AssertionError,
        RuntimeError,
        HttpProcessingError,
        BadContentDispositionHeader,  # warnings, which are errors where the tests run; elsewhere the part has no name
        BadContentDispositionParam,
    ):  # what aiohttp's reader has for a body that is none
        raise MalformedBody("The body is not a form.") from None
    return Sent(files, form_of(pairs))


async def _read_part(part: BodyPartReader, most_bytes: int) -> bytes:
    body = bytearray()
    while piece := await part.read_chunk(_PIECE):
        body += piece
        if len(body) > most_bytes:
            raise BodyTooLarge
    return bytes(body)
