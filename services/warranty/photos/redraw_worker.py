"""A process that draws one photo anew and ends: the photo on standard input, a line and the new photo on the output.

Run as a script by `services.warranty.photos.redraw` for a file that a stranger sent; imports nothing of ours. It may
take so much memory and so much processor time, opens no file for writing, and has an empty environment. The line is
`ok WIDTH HEIGHT`, or `no REASON`; no line at all means that it came to its end before.
"""

import io
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000
"""Of a photo before it is decoded: telephones take 12 to 50 millions."""
LONGEST_SIDE = 2048
QUALITY = 85
MEMORY_BYTES = 1024**3
"""Of address space: the largest photo takes 200 MB, and a decoder of WebP several times as much."""
CPU_S = 10
TOO_MANY_PIXELS, UNREADABLE = "too-many-pixels", "unreadable"
_WHITE = (255, 255, 255)


def main() -> None:
    """Draw one photo; argument: Pillow's name of the one decoder to try."""
    import pi_heif  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit here is ours, and an error
    pi_heif.register_heif_opener(thumbnails=False)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))
    sys.stdout.buffer.write(_answer(sys.stdin.buffer.read(), sys.argv[1]))


def _answer(photo: bytes, kind: str) -> bytes:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(photo), formats=[kind]) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"no {TOO_MANY_PIXELS}\n".encode()
            drawn = _drawn(image)
    except MemoryError:
        return f"no {TOO_MANY_PIXELS}\n".encode()
    except Exception:  # noqa: BLE001 - decoders raise anything for what a stranger wrote
        return f"no {UNREADABLE}\n".encode()
    out = io.BytesIO()
    # A new image with pixels only: no EXIF, no position, no XMP, no comment, no profile, nothing behind its end.
    drawn.save(out, "JPEG", quality=QUALITY, exif=b"")
    return f"ok {drawn.width} {drawn.height}\n".encode() + out.getvalue()


def _drawn(image: "Image") -> "Image":
    from PIL import Image, ImageOps

    # JPEG decodes at a fraction of its size where that is enough; of an animation the first picture is taken.
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # before it is turned, which copies it
    flat = _flat(ImageOps.exif_transpose(image))
    fresh = Image.new("RGB", flat.size)
    fresh.paste(flat)
    return fresh


def _flat(image: "Image") -> "Image":
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits of grey: the upper 8 are what a screen shows
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, (*_WHITE, 255))
        return Image.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


if __name__ == "__main__":
    main()
