"""Header fields: encoded, folded, and closed against text that would begin another one."""

import re
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]{1,100}")
_QUOTED = re.compile(r'[ !#-\[\]-~"\\]{1,100}')
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
_TOKEN = re.compile(r"[!-;=?-~]*")
_LINE = 76


class HeaderInjection(ValueError):
    """A value could end its header field. Says which field, never the value."""


def text_field(name: str, value: str) -> bytes:
    """The value of an unstructured field (RFC 5322 section 2.2.1), in RFC 2047 encoded words where it is not ASCII.

    Raises:
        HeaderInjection: control characters or line separators.
    """
    _check(name, value)
    charset = "us-ascii" if value.isascii() and "=?" not in value else "utf-8"
    return Header(value, charset, maxlinelen=_LINE, header_name=name).encode(linesep="\r\n").encode("ascii")


def mailbox(name: str, email: str, *, field: str = "To") -> bytes:
    """The value of an address field with exactly one mailbox (RFC 5322 section 3.4); without a name just the address.

    Raises:
        HeaderInjection: control characters, or an address with anything but one ASCII address.
    """
    _check(field, name)
    address = f"<{email}>"
    if not email.isascii() or re.search(r'[\s<>,;:"()\x00-\x1f\x7f]', email) or email.count("@") != 1:
        raise HeaderInjection(f"{field}: not one plain address")
    if not name:
        return address.encode("ascii")
    return _phrase(field, name) + b" " + address.encode("ascii")


def _phrase(field: str, name: str) -> bytes:
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return name.encode("ascii")
    if _QUOTED.fullmatch(name) and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'.encode("ascii")
    return Header(name, "utf-8", maxlinelen=_LINE, header_name=field).encode(linesep="\r\n").encode("ascii")


def feedback_id(*parts: str) -> bytes:
    """What senders' statistics group complaints by: the campaign, the topic, the stream and who sends; no person."""
    return b":".join(_UNFIT.sub("-", part).encode("ascii") for part in parts)


def header_token(name: str, value: str) -> bytes:
    """Something that we made ourselves, such as a link or a Message-ID: printable ASCII without spaces or brackets.

    Raises:
        HeaderInjection: it is not.
    """
    if not _TOKEN.fullmatch(value):
        raise HeaderInjection(f"{name}: not one word of ASCII")
    return value.encode("ascii")


def date_value(moment: datetime) -> bytes:
    """RFC 5322 section 3.3."""
    return _date_value(moment.replace(microsecond=0), moment.utcoffset())


@lru_cache(4)  # thousands of mails are written within a second; the same instant looks otherwise in another zone
def _date_value(second: datetime, offset: timedelta | None) -> bytes:
    return format_datetime(second).encode("ascii")


def _check(field: str, value: str) -> None:
    if _CONTROLS.search(value):
        raise HeaderInjection(f"{field}: control characters")
