"""Photos from strangers: told by content, drawn anew without all that is not a pixel; hostile ones are refused."""

import io
import struct
import zlib
from base64 import b64decode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from services.warranty.photos.kinds import Kind, kind_of
from services.warranty.photos.redraw import MAX_BYTES, NotAPhoto, PhotoTooLarge, Redrawer

RED, BLUE = (200, 20, 20), (20, 20, 200)
GPS_IFD, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F
SECRET = b"Shibuya 35.6595"
A_HEIC = b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAA"
    "AAAERAAAIAAQAAAAAB4gABAAAAAAAAAFAAAgAAAAACMgABAAAAAAAAADIAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVp"
    "bmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGE"
    "ABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkA"
    "AAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEH"
    "BpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAim1kYXQAAABMKAGvE4DlMff/"
    "2rJEHTW4/EyZk6gxCi6fn/ndsugDLEG5JxXUJ+ipv/xHBb+XDaF07Uv/PxVYOLKCgqkVZaivipKbwz3fqHcEUUGeyAAAAAZFeGlmAABNTQAqAA"
    "AACAABAQ8AAgAAAA0AAAAaAAAAAFBBRExPQ0tNQUtFUgAA"
)
"""64 by 48, red with a blue corner, its maker in EXIF; by the encoder of libheif."""


def photo(form: str = "JPEG", *, mode: str = "RGB", size: tuple[int, int] = (64, 32), **saved: object) -> bytes:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    out = io.BytesIO()
    image.convert(mode).save(out, form, **saved)
    return out.getvalue()


def with_position(*, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKE] = SECRET.decode()
    exif.get_ifd(GPS_IFD)[2] = (35.0, 39.0, 34.2)
    return photo(exif=exif, comment=SECRET)


def png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    image.load()
    return image


def is_near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(("form", "mode"), [
    ("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"),
])  # fmt: skip
async def test_a_photo_of_each_kind_becomes_a_jpeg_with_its_colours(form: str, mode: str) -> None:
    redrawn = await Redrawer().redraw(photo(form, mode=mode))

    image = opened(redrawn.jpeg)
    assert (image.mode, image.size, redrawn.width, redrawn.height) == ("RGB", (64, 32), 64, 32)
    assert is_near(image.getpixel((8, 16)), RED)
    assert is_near(image.getpixel((56, 16)), BLUE)


async def test_sixteen_bits_of_grey_keep_their_brightness() -> None:
    row = b"\0" + b"\x80\x00" * 4
    redrawn = await Redrawer().redraw(png(4, 1, zlib.compress(row), depth=16, colour=0))

    assert is_near(opened(redrawn.jpeg).getpixel((1, 0)), (128, 128, 128))


async def test_position_and_all_else_that_is_no_pixel_is_gone() -> None:
    sent = with_position()
    assert SECRET in sent

    redrawn = await Redrawer().redraw(sent)

    assert SECRET not in redrawn.jpeg
    assert b"Exif" not in redrawn.jpeg
    assert not opened(redrawn.jpeg).getexif()


async def test_a_photo_taken_sideways_stands_upright() -> None:
    redrawn = await Redrawer().redraw(with_position(orientation=6))

    assert (redrawn.width, redrawn.height) == (32, 64)
    assert is_near(opened(redrawn.jpeg).getpixel((16, 8)), RED)


async def test_a_large_photo_is_made_smaller() -> None:
    redrawn = await Redrawer().redraw(photo(size=(4096, 1024)))

    assert (redrawn.width, redrawn.height) == (2048, 512)


async def test_of_an_animation_the_first_picture_is_taken() -> None:
    more = [Image.new("RGB", (64, 32), (0, 255, 0))] * 3
    redrawn = await Redrawer().redraw(photo("WEBP", save_all=True, append_images=more))

    assert is_near(opened(redrawn.jpeg).getpixel((8, 16)), RED)


@pytest.mark.parametrize("behind", [b"PK\x03\x04 an archive", b"<script>alert(1)</script>", b"%PDF-1.7"])
async def test_of_a_file_that_is_two_things_the_photo_is_left(behind: bytes) -> None:
    redrawn = await Redrawer().redraw(photo() + behind)

    assert behind not in redrawn.jpeg


@pytest.mark.parametrize("file", [
    b"", b"GIF89a\x01\x00\x01\x00", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b"%PDF-1.7", b"BM" + bytes(60),
    b"<?xml version='1.0'?><svg/>", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    b"RIFF\x10\0\0\0WAVEfmt ", b"8BPS" + bytes(60), b"II*\0" + bytes(60),
], ids=lambda file: repr(file[:12]))  # fmt: skip
async def test_what_is_no_photo_of_ours_is_refused_by_its_content(file: bytes) -> None:
    assert kind_of(file) is None
    with pytest.raises(NotAPhoto):
        await Redrawer().redraw(file)


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBP", b"\0\0\0\x14ftypheic"])
async def test_a_photos_beginning_before_a_script_is_no_photo(head: bytes) -> None:
    assert kind_of(head) is not None
    with pytest.raises(NotAPhoto):
        await Redrawer().redraw(head + b"<script>alert(1)</script>" * 9)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_a_file_that_was_cut_is_refused(form: str) -> None:
    sent = photo(form, size=(640, 480))
    with pytest.raises(NotAPhoto):
        await Redrawer().redraw(sent[: len(sent) // 2])


async def test_a_bomb_is_refused_by_the_pixels_that_it_claims() -> None:
    with pytest.raises(PhotoTooLarge):
        await Redrawer().redraw(png(60_000, 60_000, zlib.compress(bytes(1_000_000), 9)))


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
async def test_a_photo_of_fifty_million_pixels_is_taken_one_with_more_is_not(form: str) -> None:
    most = await Redrawer().redraw(photo(form, size=(8000, 6250)))
    assert (most.width, most.height) == (2048, 1600)

    with pytest.raises(PhotoTooLarge):
        await Redrawer().redraw(photo(form, size=(8000, 6251)))


async def test_fifty_megabytes_are_refused_unread() -> None:
    with pytest.raises(PhotoTooLarge):
        await Redrawer().redraw(b"\xff\xd8\xff" + bytes(50_000_000))
    assert MAX_BYTES < 50_000_000


async def test_who_takes_too_long_is_ended() -> None:
    with pytest.raises(NotAPhoto):
        await Redrawer(patience_s=0.001).redraw(photo())


@pytest.mark.parametrize(("head", "kind"), [
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.HEIC), (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Kind.HEIC),
    (b"\0\0\0\x10ftypmif1\0\0\0\0mif1heic", None),
])  # fmt: skip
def test_heic_is_told_by_its_brands(head: bytes, kind: Kind | None) -> None:
    assert kind_of(head) is kind


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(2, 600), noise=st.binary(min_size=1, max_size=40), form=st.sampled_from(["JPEG", "PNG", "WEBP"]))
async def test_noise_in_a_photo_gives_a_photo_or_a_refusal(at: int, noise: bytes, form: str) -> None:
    sent = photo(form)
    try:
        redrawn = await Redrawer().redraw(sent[:at] + noise + sent[at + len(noise) :])
    except (NotAPhoto, PhotoTooLarge):
        return
    assert opened(redrawn.jpeg).size == (redrawn.width, redrawn.height)


async def test_a_photo_of_a_telephone_in_heic_becomes_a_jpeg_of_pixels_only() -> None:
    assert b"PADLOCKMAKER" in A_HEIC

    redrawn = await Redrawer().redraw(A_HEIC)

    image = opened(redrawn.jpeg)
    assert (redrawn.width, redrawn.height, image.size) == (64, 48, (64, 48))
    assert is_near(image.getpixel((10, 10)), BLUE)
    assert is_near(image.getpixel((50, 40)), RED)
    assert b"PADLOCKMAKER" not in redrawn.jpeg
