"""What a file is, by its first bytes. Its name and what a browser calls it are never asked."""

from enum import StrEnum

HEAD_BYTES = 64
"""So much of a file's beginning tells its kind."""
_BRAND_BYTES = 4
_FIRST_BRAND = 8
_FIRST_COMPATIBLE = 16
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis"})


class Kind(StrEnum):
    """The kinds that are taken, by the names that Pillow has for their decoders."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    HEIC = "HEIF"


def kind_of(photo: bytes) -> Kind | None:
    """The kind of a file; None where it is none of ours. Whether all of it is sound only decoding tells.

    JPEG: ITU-T T.81 annex B (SOI and a marker); PNG: ISO/IEC 15948 section 5.2; WebP: RFC 9649 section 2.4;
    HEIC: ISO/IEC 23008-12 annex B (an `ftyp` box with a brand for HEVC still images).
    """
    head = photo[:HEAD_BYTES]
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP
    return Kind.HEIC if head[4:8] == b"ftyp" and _brands(head) & _HEIC else None


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = range(_FIRST_COMPATIBLE, end, _BRAND_BYTES)
    return {head[at : at + _BRAND_BYTES] for at in (_FIRST_BRAND, *compatible)}
