"""Secrets that people type, in the one form in which they are compared. Which passwords are taken: `rules`."""

import unicodedata
from types import MappingProxyType
from typing import ClassVar

from shared.ids import read_crockford
from shared.secrets import MalformedSecret, Secret

LONGEST_BYTES = 1024


class Password(Secret[str]):
    """A password as it was typed, in one Unicode form (NFKC), so that keyboards and systems agree.

    Raises:
        MalformedSecret: empty, over 1024 bytes of UTF-8, or no text (a lone surrogate, a NUL).
    """

    __slots__ = ()
    code: ClassVar[str] = "invalid-password"
    detail: ClassVar[str] = "must be a text"
    bounds = MappingProxyType({"minLength": 1, "maxLength": LONGEST_BYTES, "examples": ["a watch that tells no time"]})

    def __init__(self, text: str) -> None:
        super().__init__(_normal(text))

    def as_bytes(self) -> bytes:
        """What is hashed."""
        return self._value.encode()


class OneTimeCode(Secret[str]):
    """The six digits of an authenticator; spaces are forgiven.

    Raises:
        MalformedSecret: anything else.
    """

    __slots__ = ()
    code: ClassVar[str] = "invalid-otp"
    detail: ClassVar[str] = "must be six digits"
    bounds = MappingProxyType({"maxLength": 20, "pattern": "^ *([0-9] *){6}$", "examples": ["123456"]})

    def __init__(self, text: str) -> None:
        digits = text[:20].replace(" ", "")
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            raise MalformedSecret(self.code, self.detail)
        super().__init__(digits)


class MailedCode(Secret[str]):
    """What a mail shows to be typed in place of following its link: eight signs, 40 bits; read as they are meant.

    Case, dashes and spaces are forgiven, and so is O for 0, I and L for 1 (Crockford's base 32).

    Raises:
        MalformedSecret: anything else.
    """

    __slots__ = ()
    code: ClassVar[str] = "invalid-code"
    detail: ClassVar[str] = "must be the eight signs of the mail, such as K7QF-2M9P"
    bounds = MappingProxyType(
        {"minLength": 8, "maxLength": 40, "pattern": "^[0-9A-Za-z -]+$", "examples": ["K7QF-2M9P"]}
    )

    def __init__(self, text: str) -> None:
        signs = read_crockford(text[:40])
        if len(text) > 40 or signs is None or len(signs) != 8:
            raise MalformedSecret(self.code, self.detail)
        super().__init__(signs)


def _normal(text: str) -> str:
    if len(text) > LONGEST_BYTES:  # before any work on it
        raise _too_long()
    try:
        normal = unicodedata.normalize("NFKC", text)
        size_bytes = len(normal.encode())
    except UnicodeEncodeError:
        raise MalformedSecret("invalid-password", "must be a text") from None
    if "\0" in normal:
        raise MalformedSecret("invalid-password", "must be a text")
    if size_bytes > LONGEST_BYTES:
        raise _too_long()
    if not normal:
        raise MalformedSecret("password-missing", "must not be empty")
    return normal


def _too_long() -> MalformedSecret:
    return MalformedSecret("password-too-long", f"must have at most {LONGEST_BYTES} bytes")
