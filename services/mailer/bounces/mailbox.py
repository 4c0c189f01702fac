"""A mailbox read by IMAP (RFC 9051, spoken as RFC 3501 has it) through the standard library, which blocks: in a thread.

Nothing is decided here. A mail is only looked at (`BODY.PEEK`) until it is called done.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from services.mailer.bounces.mime import MOST_BYTES
from services.mailer.smtp.address import strict_context
from shared.errors import TransientError
from shared.secrets import Secret

_PORTS = {"imaps": 993, "imap+starttls": 143}
_TIMEOUT_S = 30.0
_LEAST_BITS = 256
MAILBOX_NAME = re.compile(r"[ !#-\[\]-~]{1,200}")
_BROKEN = (imaplib.IMAP4.error, OSError, ssl.SSLError, ValueError)


class MailboxAway(TransientError):
    """The mail server is away, refuses the login, or has no such mailbox."""


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """Where the mailbox is. The connection is encrypted in any case: the password goes over it."""

    host: str
    port: int
    scheme: str
    user: str
    password: Secret[str]
    mailbox: str = "INBOX"
    ca_file: str = field(default="", kw_only=True)

    @classmethod
    def parse(cls, url: str, *, ca_file: str = "") -> "MailboxAddress":
        """Read `imaps://user:password@host[:port][/mailbox]` or `imap+starttls://...`.

        Raises:
            ValueError: malformed; never says the password.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not parts.username or parts.query:
            raise ValueError("must be imaps:// or imap+starttls:// with user, password, host and perhaps a mailbox")
        mailbox = unquote(parts.path.strip("/")) or "INBOX"
        if not MAILBOX_NAME.fullmatch(mailbox):
            raise ValueError("the mailbox's name must be ASCII without quotes")
        user, password = unquote(parts.username), Secret(unquote(parts.password or ""))
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.hostname, port, parts.scheme, user, password, mailbox, ca_file=ca_file)


class Mailbox:
    """A selected mailbox. Every method blocks."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self._connection = connection

    def unread(self) -> list[str]:
        """The UIDs of what nobody has seen, in order."""
        [found] = self._ask("SEARCH", "UNSEEN", "UNDELETED")
        return (found or b"").decode("ascii").split()

    def read(self, uid: str) -> bytes:
        """The mail, or as much of it as is looked at; empty where it is gone."""
        for row in self._ask("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)"):
            if isinstance(row, tuple):
                return bytes(row[1])
        return b""

    def done(self, uid: str, *, move_to: str = "") -> None:
        """It has been seen, and goes to another mailbox where one is named."""
        self._ask("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
        if not move_to:
            return
        if "MOVE" in self._connection.capabilities:  # RFC 6851
            self._ask("MOVE", uid, f'"{move_to}"')
            return
        self._ask("COPY", uid, f'"{move_to}"')
        self._ask("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in self._connection.capabilities:  # RFC 4315: this mail alone, not what others have deleted
            self._ask("EXPUNGE", uid)

    def _ask(self, command: str, *words: str) -> list[Any]:
        try:
            answer, rows = self._connection.uid(command, *words)
        except _BROKEN as error:
            raise MailboxAway(f"mailbox: {type(error).__name__}") from error
        if answer != "OK":
            raise MailboxAway(f"mailbox: {command} refused")
        return rows


@contextmanager
def opened(address: MailboxAddress) -> Iterator[Mailbox]:
    """Connect, log in and select; blocks.

    Raises:
        MailboxAway
    """
    try:
        connection = _connected(address)
    except _BROKEN as error:
        raise MailboxAway(f"mailbox: {type(error).__name__}") from error
    try:
        yield Mailbox(_selected(connection, address))
    finally:
        _end(connection)


def _end(connection: imaplib.IMAP4) -> None:
    """Say goodbye, and close the connection even where nobody hears it, which `logout` alone does not."""
    with suppress(*_BROKEN):
        connection.logout()
    with suppress(OSError):  # closed already
        connection.shutdown()


def _connected(address: MailboxAddress) -> imaplib.IMAP4:
    context = strict_context(address.ca_file)
    if address.scheme == "imaps":
        connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            address.host, address.port, ssl_context=context, timeout=_TIMEOUT_S
        )
    else:
        connection = imaplib.IMAP4(address.host, address.port, timeout=_TIMEOUT_S)
        try:
            connection.starttls(context)
        except BaseException:
            _end(connection)
            raise
    cipher = connection.sock.cipher()  # type: ignore[attr-defined]  # a socket of `ssl` by now
    if not cipher or cipher[2] < _LEAST_BITS:
        connection.shutdown()
        raise MailboxAway("mailbox: less than 256 bits")
    return connection


def _selected(connection: imaplib.IMAP4, address: MailboxAddress) -> imaplib.IMAP4:
    try:
        connection.login(address.user, address.password.reveal())
        answer, _ = connection.select(f'"{address.mailbox}"')
    except _BROKEN as error:
        raise MailboxAway(f"mailbox: {type(error).__name__}") from error
    if answer != "OK":
        raise MailboxAway("mailbox: there is none of that name")
    return connection
