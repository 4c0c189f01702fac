"""The mails that have arrived."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from deploy.outside.patience import PATIENCE_S, eventually


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    to: str
    subject: str
    message_id: str
    text: str
    headers: Mapping[str, str]
    recipients: tuple[str, ...]

    @property
    def link(self) -> str:
        """The first link with a token in it."""
        found = re.search(r"https?://\S+[?&]t=[\w.~-]+", self.text)
        if found is None:
            raise AssertionError(f"no link with a token in the mail {self.subject!r}")
        return found[0]

    @property
    def token(self) -> str:
        """The token of that link."""
        return self.link.partition("t=")[2]


class Mailbox:
    """The mails that arrive in a directory of .eml files from now on, each parsed once. Names rise with time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._older = max((path.name for path in directory.glob("*.eml")), default="")
        self._seen: dict[str, Mail] = {}

    def mails(self) -> list[Mail]:
        """What has arrived so far, oldest first."""
        for path in sorted(self._directory.glob("*.eml")):
            if path.name > self._older and path.name not in self._seen:
                self._seen[path.name] = _parse(path.read_bytes())
        return list(self._seen.values())

    def to(self, address: str) -> list[Mail]:
        """The mails to one address."""
        return [mail for mail in self.mails() if mail.to == address.lower()]

    async def wait(self, address: str, subject: str = "", *, count: int = 1, patience_s: float = PATIENCE_S) -> Mail:
        """The newest mail to `address` whose subject holds `subject`, once there are `count` of them."""

        async def matching() -> list[Mail]:
            return [mail for mail in self.to(address) if subject.lower() in mail.subject.lower()]

        return (await eventually(matching, lambda found: len(found) >= count, patience_s=patience_s))[-1]


def _parse(raw: bytes) -> Mail:
    message = message_from_bytes(raw, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("not a mail")
    body = message.get_body(("plain",))
    return Mail(
        to=_address(message["To"]),
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]).strip(),
        text=body.get_content() if body is not None else "",
        headers={name.lower(): str(value) for name, value in message.items()},
        recipients=tuple(str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])),
    )


def _address(header: Any) -> str:
    [address] = header.addresses
    return str(address.addr_spec).lower()
