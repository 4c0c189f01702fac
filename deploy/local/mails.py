"""Mails that arrived: each a file `<time>-<count>.eml`, whose names sort by arrival."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.layout import private_directory

_KEPT_IN_MEMORY = 20_000


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, read for showing. `name` is the file's, and the cursor for "what came after this"."""

    name: str
    at: str
    to: str
    sender: str
    subject: str
    message_id: str
    text: str
    html: str


class MailStore:
    """The folder with the mails. One process writes to it; anybody may read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_directory(folder)
        self._count = itertools.count(1)
        self._read: dict[str, Mail] = {}

    def add(self, content: bytes, *, to: list[str], sender: str) -> str:
        """Keep a mail under a new name; it appears whole or not at all. The envelope goes on top, as an MTA does it."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        name = f"{stamp}-{next(self._count):06d}.eml"
        envelope = f"Return-Path: <{sender}>\r\n" + "".join(f"Delivered-To: {address}\r\n" for address in to)
        hidden = self._folder / f".{name}.part"
        with open(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(envelope.encode() + content)
        hidden.rename(self._folder / name)
        return name

    def names(self, *, since: str = "") -> list[str]:
        """Names later than `since`, the oldest first."""
        return sorted(entry.name for entry in os.scandir(self._folder) if _is_mail(entry.name) and entry.name > since)

    def mails(self, *, to: str = "", since: str = "") -> Iterator[Mail]:
        """Mails to an address (any, where it is empty), the oldest first."""
        for name in self.names(since=since):
            mail = self.get(name)
            if not to or to.casefold() in mail.to.casefold().split(", "):
                yield mail

    def get(self, name: str) -> Mail:
        """One mail by its file name.

        Raises:
            FileNotFoundError: there is none of that name.
        """
        if not _is_mail(name) or "/" in name:
            raise FileNotFoundError(name)
        if name not in self._read:
            if len(self._read) >= _KEPT_IN_MEMORY:
                self._read.clear()
            self._read[name] = _parse(name, (self._folder / name).read_bytes())
        return self._read[name]


class MailHandler:
    """What aiosmtpd asks for: accept every recipient, keep every mail."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep the mail."""
        content = envelope.original_content or b""
        self._store.add(content, to=list(envelope.rcpt_tos), sender=envelope.mail_from or "")
        return "250 2.0.0 kept"


def _is_mail(name: str) -> bool:
    return name.endswith(".eml")


def _parse(name: str, content: bytes) -> Mail:
    message = message_from_bytes(content, policy=default_policy)
    assert isinstance(message, EmailMessage)
    return Mail(
        name=name,
        at=name.partition("-")[0],
        to=", ".join(str(address) for address in message.get_all("Delivered-To", [])),
        sender=str(message.get("From", "")),
        subject=str(message.get("Subject", "")),
        message_id=str(message.get("Message-ID", "")).strip(),
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
