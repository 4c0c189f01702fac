"""What a returned mail says: delivery status (RFC 3464, codes of RFC 3463) or abuse report (RFC 5965).

Only what the return path has proven is believed to be about a copy of ours; here it is only found what became of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.mailer.bounces.mime import Fields, Part, parts_of, read_blocks, read_part

_STATUS = re.compile(r"(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_GONE = re.compile(r"5\.(1\.(0|1|2|3|6|8|10)|2\.1|4\.4)")
"""The address or its domain is not there, has moved without trace, or is closed (RFC 3463 sections 3.2 to 3.5)."""
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list"})
_OUTCOMES = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})


class Kind(StrEnum):
    """What a report means for the address."""

    HARD = "hard"
    """Nobody is there: nothing is sent there again."""
    SOFT = "soft"
    """It did not arrive this time: full, blocked, too late."""
    COMPLAINT = "complaint"
    """The reader called it spam."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`kind` is None for what changes nothing, such as a delay or an absence note.

    `paths`: addresses that the report names as the return path of the mail that it is about.
    `link`: that mail's link to leave by, where it came along.
    """

    kind: Kind | None
    status: str = ""
    paths: tuple[str, ...] = ()
    link: str = ""


NOTHING = Reading(None)


def read_return(message: bytes, *, is_null_sender: bool) -> Reading:
    """What came back. Never raises, whatever the bytes.

    `is_null_sender`: it came from `<>`, as only bounces do (RFC 5321 section 4.5.5).
    """
    whole = read_part(message)
    parts = parts_of(whole)
    for part in parts:
        if part.kind == "message/feedback-report":
            return _complaint(part, parts)
        if part.kind in ("message/delivery-status", "message/global-delivery-status"):
            return _status(part, parts)
    is_answer = whole.fields.get("auto-submitted", "no").lower().startswith("auto-replied")
    # An old server's bounce is prose. The return path says which copy it is about, nothing says that it is for ever.
    return Reading(Kind.SOFT) if is_null_sender and not is_answer else NOTHING


def _status(part: Part, parts: Sequence[Part]) -> Reading:
    worst = NOTHING
    for block in read_blocks(part.body):
        action = block.get("action", "").partition(" ")[0].lower()
        if action not in _OUTCOMES:
            continue
        status = _code(block)
        kind = kind_of(status) if action == "failed" else None
        if kind is Kind.HARD or worst.kind is None:
            worst = Reading(kind, status, *_original(parts))
    return worst


def kind_of(status: str) -> Kind:
    """What the status of a failed delivery means (RFC 3463); "" where there is none."""
    return Kind.HARD if _GONE.fullmatch(status) else Kind.SOFT


def _code(block: Fields) -> str:
    """The more exact of the status and what the other server said."""
    found = [match[1] for name in ("status", "diagnostic-code") if (match := _STATUS.search(block.get(name, "")))]
    exact = [code for code in found if not code.endswith(".0.0")]
    return (exact or found or [""])[0]


def _complaint(part: Part, parts: Sequence[Part]) -> Reading:
    blocks = read_blocks(part.body)
    fields = blocks[0] if blocks else {}
    if fields.get("feedback-type", "").lower() not in _COMPLAINTS:
        return NOTHING
    paths, link = _original(parts)
    return Reading(Kind.COMPLAINT, "", (fields.get("original-mail-from", ""), *paths), link)


def _original(parts: Sequence[Part]) -> tuple[tuple[str, ...], str]:
    """What is left of the mail that the report is about."""
    for part in parts:
        if part.kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"):
            fields = read_part(part.body).fields
            return (fields.get("return-path", ""),), fields.get("list-unsubscribe", "").strip("<> ")
    return (), ""
