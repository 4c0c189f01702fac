"""A photo as a stranger sent it, made into one that may be kept: checked, and drawn anew in a process of its own."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.warranty.photos import redraw_worker
from services.warranty.photos.kinds import Kind, kind_of
from services.warranty.photos.redraw_worker import TOO_MANY_PIXELS
from shared.errors import DomainError, ErrorKind

MAX_BYTES = 10_000_000
"""Of a photo as it is sent."""
PATIENCE_S = 20.0
"""How long one photo may take, its process's start with it: some ten times what the largest does."""
AT_ONCE = 2
"""Processes at the same time; other photos wait their turn."""


class NotAPhoto(DomainError):
    """The file is no JPEG, PNG, WebP or HEIC photo that can be read."""

    kind = ErrorKind.INVALID
    code = "not-a-photo"


class PhotoTooLarge(DomainError):
    """The photo has too many bytes or pixels."""

    kind = ErrorKind.INVALID
    code = "photo-too-large"


@dataclass(frozen=True, slots=True)
class Redrawn:
    """A JPEG of pixels only, upright, its longest side 2048 pixels at most."""

    jpeg: bytes
    width: int
    height: int


class Redrawer:
    """Draws photos anew, each in a process that ends with it."""

    def __init__(self, *, patience_s: float = PATIENCE_S, at_once: int = AT_ONCE) -> None:
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(at_once)

    async def redraw(self, photo: bytes) -> Redrawn:
        """The photo without all that is not a pixel.

        Raises:
            NotAPhoto: it is none, it cannot be read, or reading it takes too long or too much.
            PhotoTooLarge: by bytes, or by the pixels that it says to have, before they are decoded.
        """
        if len(photo) > MAX_BYTES:
            raise PhotoTooLarge
        kind = kind_of(photo)
        if kind is None:
            raise NotAPhoto
        async with self._turns:
            answer = await self._drawn(photo, kind)
        line, _, jpeg = answer.partition(b"\n")
        match line.decode("ascii", "replace").split():
            case ["ok", width, height]:
                return Redrawn(jpeg, int(width), int(height))
            case ["no", reason] if reason == TOO_MANY_PIXELS:
                raise PhotoTooLarge
            case _:
                raise NotAPhoto

    async def _drawn(self, photo: bytes, kind: Kind) -> bytes:
        # A session of its own: a signal to the service's group is for the service. No environment: it holds secrets.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(Path(redraw_worker.__file__)), kind.value,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={}, start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._patience_s):
                answer, _ = await child.communicate(photo)
        except TimeoutError:
            return b""
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return answer if child.returncode == 0 else b""
