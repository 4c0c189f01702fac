"""A mail that is built once and filled per recipient by splicing encoded values into its final bytes."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from services.mailer.message import quoted
from services.mailer.message.headers import HeaderInjection, date_value, header_token, mailbox

NAME = "\ue000"
LINK = "\ue001"
"""Characters of the private use area: in a body's text they stand for the recipient's name and own link."""


class Slot(Enum):
    """What differs from one recipient to the next."""

    TO = "to"
    DATE = "date"
    MESSAGE_ID = "message-id"
    LINK = "link"
    TEXT_NAME = "text-name"
    TEXT_LINK = "text-link"
    HTML_NAME = "html-name"
    HTML_LINK = "html-link"


Piece = bytes | Slot
Field = tuple[str, Sequence[Piece]]


@dataclass(frozen=True, slots=True)
class Recipient:
    """The values for one copy. `link` is an absolute URL in ASCII, `message_id` is without angle brackets."""

    name: str
    email: str
    message_id: str
    link: str = ""


class BrokenMessage(Exception):
    """The final bytes lack the unsubscribe link where it must be. Nothing of it may be sent."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The pieces of a mail in order, and the boundary between its parts."""

    pieces: tuple[Piece, ...]
    boundary: bytes

    def fill(self, recipient: Recipient, *, at: datetime) -> bytes:
        """One copy, with CRLF line ends.

        Raises:
            HeaderInjection: the name or the address would add to the header.
        """
        values = _values(recipient, at)
        return b"".join([piece if isinstance(piece, bytes) else values[piece] for piece in self.pieces])

    def check_links(self, message: bytes, link: str) -> None:
        """Look into a filled copy as its reader would: the link is in the header, the text part and the HTML part.

        Raises:
            BrokenMessage: it is not.
        """
        wanted = link.encode("ascii")
        head, *parts = message.split(b"--" + self.boundary)
        in_header = b"\r\nList-Unsubscribe: <" + wanted + b">\r\n" in head
        in_parts = [wanted in quoted.decode(part) for part in parts[:2]]
        if not (in_header and in_parts == [True, True]):
            raise BrokenMessage("the unsubscribe link is missing from the header or from a part")


def _values(recipient: Recipient, at: datetime) -> Mapping[Slot, bytes]:
    escaped = html.escape(recipient.name)
    link = header_token("List-Unsubscribe", recipient.link)
    return {
        Slot.TO: mailbox(recipient.name, recipient.email),
        Slot.DATE: date_value(at),
        Slot.MESSAGE_ID: b"<" + header_token("Message-ID", recipient.message_id) + b">",
        Slot.LINK: link,
        Slot.TEXT_NAME: quoted.encode(recipient.name),
        Slot.TEXT_LINK: quoted.encode(recipient.link),
        Slot.HTML_NAME: quoted.encode(escaped),
        Slot.HTML_LINK: quoted.encode(html.escape(recipient.link)),
    }


def build(fields: Sequence[Field], *, text: str, html: str, boundary: str) -> Blueprint:
    """A multipart/alternative mail.

    Args:
        fields: header fields in order, each a name and the pieces of its value, encoded already. To, Date, Message-ID
            and the MIME fields are added here.
        text: the plain part, LF line ends; `NAME` and `LINK` stand for the recipient's.
        html: the HTML part, likewise; both are escaped when they are filled in.
        boundary: occurs in neither part; quoted-printable cannot make an "=_".

    Raises:
        HeaderInjection: a field would end before its value does, or is set here and given too.
    """
    edge = boundary.encode("ascii")
    pieces: list[Piece] = []
    _check_fields(fields)
    for name, value in [*_frame_fields(), *fields, ("MIME-Version", [b"1.0"]), _multipart(edge)]:
        pieces += [name.encode("ascii") + b": ", *value, b"\r\n"]
    pieces += _part(edge, b"text/plain", quoted.encode_around(_ended(text), _TEXT_SLOTS))
    pieces += _part(edge, b"text/html", quoted.encode_around(_ended(html), _HTML_SLOTS))
    pieces.append(b"\r\n--" + edge + b"--\r\n")
    return Blueprint(tuple(_merged(pieces)), edge)


_TEXT_SLOTS = {NAME: Slot.TEXT_NAME, LINK: Slot.TEXT_LINK}
_HTML_SLOTS = {NAME: Slot.HTML_NAME, LINK: Slot.HTML_LINK}


def _check_fields(fields: Sequence[Field]) -> None:
    for name, value in fields:
        if name.lower() in _FRAME or any(isinstance(piece, bytes) and _BREAKS.search(piece) for piece in value):
            raise HeaderInjection(f"{name}: would begin another field")


_FRAME = frozenset({"to", "cc", "bcc", "date", "message-id", "mime-version", "content-type"})
_BREAKS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]|\r(?!\n[ \t])|(?<!\r)\n")
"""What no encoded value holds: control characters, and line ends that no folding white space follows (RFC 5322)."""


def _frame_fields() -> list[Field]:
    return [("To", [Slot.TO]), ("Date", [Slot.DATE]), ("Message-ID", [Slot.MESSAGE_ID])]


def _multipart(edge: bytes) -> Field:
    return "Content-Type", [b'multipart/alternative; boundary="' + edge + b'"']


def _part(edge: bytes, kind: bytes, body: Sequence[Piece]) -> list[Piece]:
    head = b"\r\n--%b\r\nContent-Type: %b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return [head % (edge, kind), *body]


def _ended(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbouring bytes become one piece: a copy is then joined from a dozen parts."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
