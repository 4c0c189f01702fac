"""What a password may be (NIST SP 800-63B-4 section 3.1.1.2): long, no composition rules, nothing easily guessed."""

import unicodedata
from collections.abc import Iterable
from typing import ClassVar

from shared.errors import FieldError, InvalidInput
from shared.secrets import MalformedSecret, Secret

SHORTEST = 15
LONGEST_BYTES = 1024


class Password(Secret[str]):
    """A password as it was typed, in one Unicode form (NFKC), so that keyboards and systems agree.

    Raises:
        MalformedSecret: empty, over 1024 bytes of UTF-8, or no text (a lone surrogate, a NUL).
    """

    __slots__ = ()
    code: ClassVar[str] = "invalid-password"
    detail: ClassVar[str] = "must be a text"

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

    def __init__(self, text: str) -> None:
        digits = text[:20].replace(" ", "")
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            raise MalformedSecret(self.code, self.detail)
        super().__init__(digits)


def check_new_password(password: Password, *, guesses: Iterable[str]) -> None:
    """Refuse what is short, or what anybody would try first.

    Args:
        password: as it was typed.
        guesses: the person's address and name, the shop's name and the like.

    Raises:
        InvalidInput: names `/password`.
    """
    text = password.reveal()
    if len(text) < SHORTEST:
        raise _refused("password-too-short", f"must have at least {SHORTEST} characters")
    if _bare(text) in {_bare(guess) for guess in _with_local_parts(guesses)} - {""}:
        raise _refused("password-too-obvious", "must not be your address, your name or the shop's name")


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


def _refused(code: str, detail: str) -> InvalidInput:
    return InvalidInput(fields=[FieldError("/password", code, detail)])


def _with_local_parts(guesses: Iterable[str]) -> Iterable[str]:
    for guess in guesses:
        yield guess
        yield guess.partition("@")[0]


def _bare(text: str) -> str:
    """Letters and digits alone: "Tokyoflash Japan" and "tokyoflash-japan" are one guess."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
