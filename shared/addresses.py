"""E-mail addresses and names of persons: what is accepted, in which form it is kept, and how it is looked up.

Refusals never repeat the text that was sent. Nothing here asks the network.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from shared.cardlike import holds_card_number
from shared.errors import FieldError, InvalidInput
from shared.secrets import hidden_error

MAX_EMAIL = 254
MAX_NAME = 100
_FORBIDDEN_IN_NAMES = ("<", ">", "=?", "://", "www.")
_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]{1,32}(\.[a-z0-9_+-]{1,31})?")
"""Local parts that stay as they are: an atom, or two with a dot between (RFC 5321 section 4.1.2), in small letters."""
_LINE_SEPARATORS = ("Zl", "Zp")


def parse_email(text: str, *, pointer: str = "/email") -> str:
    """The address in the form that mail is sent to: domain lower-case and in A-labels, local part as written.

    RFC 5321 addresses of at most 254 characters; no quoted or non-ASCII local part, no address literal, and no domain
    that only a local network knows (RFC 6761), `.test` excepted: it never leaves a rehearsal.

    Raises:
        InvalidInput: field `pointer`, code `invalid-email` or `looks-like-card-number`.
    """
    try:
        if len(text) > MAX_EMAIL:
            raise EmailNotValidError
        address = _in_ascii(text.strip(" "))
    except EmailNotValidError:  # its text repeats the address
        raise _invalid(pointer, "invalid-email", "must be an e-mail address such as name@shop.example") from None
    if len(address) > MAX_EMAIL:
        raise _invalid(pointer, "invalid-email", f"must have at most {MAX_EMAIL} characters")
    _refuse_card_number(address, pointer)
    return address


def _in_ascii(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if at and _PLAIN_LOCAL.fullmatch(local):
        return f"{local}@{_domain_in_ascii(domain)}"
    return _validated(text)


@lru_cache(maxsize=1000)
def _domain_in_ascii(domain: str) -> str:
    """Checking a domain takes most of the time, and of those that customers have a few are most."""
    return _validated(f"a@{domain}").removeprefix("a@")


def _validated(text: str) -> str:
    parts = validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True)
    if parts.ascii_email is None:
        raise EmailNotValidError
    return parts.ascii_email


def is_email(text: str) -> bool:
    """Whether `parse_email` takes it."""
    try:
        parse_email(text)
    except InvalidInput:
        return False
    return True


def normalise_email(email: str) -> str:
    """The form for look-ups, one for all spellings that differ in case or in how the domain is encoded.

    Dots and `+tags` in the local part are kept: only the mailbox's own server knows what they mean.

    Raises:
        InvalidInput: code `invalid-email`; never for what `parse_email` returned.
    """
    return parse_email(email).casefold()


def clean_name(text: str, *, pointer: str = "/name") -> str:
    """The name as it is kept: NFC, without space around it, 1 to 100 characters.

    Refused is what could end a mail header or pose as an address or an encoded word (RFC 2047): control and format
    characters, line separators, `<`, `>`, `=?`. And what mail programs make a link of: names stand in mails to whoever
    a stranger says to be, so `://` and `www.` are refused too.

    Raises:
        InvalidInput: field `pointer`, code `invalid-name` or `looks-like-card-number`.
    """
    if len(text) > 4 * MAX_NAME:  # NFC may shorten, but not so much
        raise _invalid(pointer, "invalid-name", f"must have at most {MAX_NAME} characters")
    whole = unicodedata.normalize("NFC", text)
    if any(part in whole.casefold() for part in _FORBIDDEN_IN_NAMES) or not _is_printable(whole):
        raise _invalid(pointer, "invalid-name", "must not contain <, >, =?, a link or control characters")
    name = whole.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise _invalid(pointer, "invalid-name", f"must have 1 to {MAX_NAME} characters")
    _refuse_card_number(name, pointer)
    return name


def _refuse_card_number(text: str, pointer: str) -> None:
    if holds_card_number(text):
        raise _invalid(pointer, "looks-like-card-number", "looks like a card number, which belongs into no other field")


def _is_printable(text: str) -> bool:
    if text.isascii():  # of which the control characters are all that is not
        return text.isprintable()
    return not any(map(_is_unprintable, text))


def _is_unprintable(char: str) -> bool:
    category = unicodedata.category(char)
    return category.startswith("C") or category in _LINE_SEPARATORS


def _invalid(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(fields=[FieldError(pointer, code, detail)])


def _email_field(value: object, _: ValidatorFunctionWrapHandler) -> str:
    if not isinstance(value, str):
        raise hidden_error("invalid-email", "must be a text")
    try:
        return parse_email(value)
    except InvalidInput as refusal:
        raise _as_validation_error(refusal) from None


def _name_field(value: object, _: ValidatorFunctionWrapHandler) -> str:
    if not isinstance(value, str):
        raise hidden_error("invalid-name", "must be a text")
    try:
        return clean_name(value)
    except InvalidInput as refusal:
        raise _as_validation_error(refusal) from None


def _as_validation_error(refusal: InvalidInput) -> ValueError:
    [fault] = refusal.fields
    return hidden_error(fault.code, fault.detail)


Email = Annotated[
    str,
    WrapValidator(_email_field),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL, "examples": ["ann@shop.example"]}),
]
"""A request model's e-mail address: `parse_email`; the error's type is the code, and the value stays out of it."""

PersonName = Annotated[
    str,
    WrapValidator(_name_field),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME, "examples": ["Ann Example"]}),
]
"""A request model's name of a person: `clean_name`; likewise."""
