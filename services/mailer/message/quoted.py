"""Quoted-printable (RFC 2045 section 6.7) with gaps: bodies that stay 7-bit clean whatever is spliced into them."""

import binascii
import re
from collections.abc import Mapping
from typing import TypeVar

SlotT = TypeVar("SlotT")

_SOFT_BREAK = b"=\r\n"


def encode(text: str) -> bytes:
    """Encode text with LF line ends; lines come out at most 76 characters long and end with CRLF."""
    return binascii.b2a_qp(text.encode("utf-8"), istext=True).replace(b"\n", b"\r\n")


def encode_around(text: str, slots: Mapping[str, SlotT]) -> list[bytes | SlotT]:
    """Encode text in which single characters stand for slots.

    Around each slot stand soft line breaks, so that any encoded value fits in without making a line too long.
    """
    pieces: list[bytes | SlotT] = []
    ends_line = True
    for literal in re.split(f"([{''.join(slots)}])", text) if slots else [text]:
        if literal in slots:
            if not ends_line:
                pieces.append(_SOFT_BREAK)
            pieces.append(slots[literal])
            ends_line = False
        elif literal:
            if pieces and not (ends_line or literal.startswith("\n")):
                pieces.append(_SOFT_BREAK)
            pieces.append(encode(literal))
            ends_line = literal.endswith("\n")
    return pieces


def decode(body: bytes) -> bytes:
    """What a reader gets."""
    return binascii.a2b_qp(body)
