"""Every mail that has arrived, read as a reader's mail program would, with the envelope that it came in."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

ADDRESS = re.compile(r"[a-z]+://([^/\s\"'>]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail. `named` are the recipients of its headers, `delivered` those of its envelope."""

    file: str
    delivered: tuple[str, ...]
    named: tuple[str, ...]
    headers: dict[str, str]
    text: str
    html: str

    @property
    def campaign(self) -> str:
        """The newsletter's campaign; "" of any other mail."""
        campaign, _, stream, _ = (self.headers.get("feedback-id", "") + ":::").split(":")[:4]
        return campaign if stream == "newsletter" else ""

    @property
    def template(self) -> str:
        """What kind of service mail it is; "" of a newsletter."""
        parts = (self.headers.get("feedback-id", "") + ":::").split(":")
        return parts[1] if parts[2] == "service" else ""

    @property
    def sent_at(self) -> datetime:
        """When it was written."""
        return parsedate_to_datetime(self.headers["date"])

    @property
    def hosts(self) -> set[str]:
        """Hosts of all addresses in it."""
        return set(ADDRESS.findall(self.text)) | set(ADDRESS.findall(self.html))


def arrived(folder: Path) -> list[Arrived]:
    """Every mail of a mailbox's folder, the oldest first."""
    return [_read(path) for path in sorted(folder.glob("*.eml"))]


def _read(path: Path) -> Arrived:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("not a mail")
    named = [
        str(address.addr_spec)
        for name in ("To", "Cc", "Bcc")
        for header in message.get_all(name, [])
        for address in header.addresses
    ]
    return Arrived(
        file=path.name,
        delivered=tuple(str(value) for value in message.get_all("Delivered-To", [])),
        named=tuple(named),
        headers={name.lower(): " ".join(str(value).split()) for name, value in message.items()},
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
