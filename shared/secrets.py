"""Values that must never be shown: the holder for them, and the two that a card brings.

A holder cannot be printed, logged, pickled, serialised or looked into by accident; `reveal()` is the only way in, so
that a search for that word finds every use. Python cannot wipe a string from memory: keep holders short-lived.
"""

import hmac
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, NoReturn, SupportsIndex, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

ValueT = TypeVar("ValueT", str, bytes)

_LONGEST_CARD_TEXT = 64


class MalformedSecret(ValueError):
    """The text is no secret of this kind. Says what is wrong, never what was sent."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def hidden_error(code: str, detail: str) -> ValidationError:
    """An error for a pydantic validator to raise that does not carry the value refused.

    A plain `ValueError` would: pydantic puts the input beside it, and prints it.
    """
    # Neither part is a template: no context is given, so braces stay as they are.
    error = PydanticCustomError(code, detail)
    return ValidationError.from_exception_data(
        code, [InitErrorDetails(type=error, loc=(), input="hidden")], hide_input=True
    )


class Secret(Generic[ValueT]):  # noqa: PLW1641 - no hash: it would be a value derived from the secret
    """Holds one `str` or `bytes` that nobody sees by accident.

    Usable as a field of a pydantic model (`Secret[str]`). Equality takes the same time wherever the values differ;
    a secret has no hash and no order. Copies are the same object.
    """

    __slots__ = ("_value",)
    _value: ValueT

    code: ClassVar[str] = "invalid-secret"
    detail: ClassVar[str] = "must be a text"
    bounds: ClassVar[Mapping[str, Any]] = {}
    """What JSON Schema can say of its form."""

    def __init__(self, value: ValueT) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> ValueT:
        """The value itself. Never keep it longer than the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(_as_bytes(self._value), _as_bytes(other._value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __copy__(self) -> "Secret[ValueT]":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret[ValueT]":
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        wanted = (get_args(source) or (str,))[0]

        def validate(value: object) -> "Secret[ValueT]":
            if isinstance(value, cls):
                return value
            return cls._from_input(value, wanted)

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_refuse, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "writeOnly": True, **cls.bounds}

    @classmethod
    def _from_input(cls, value: object, wanted: type) -> "Secret[ValueT]":
        if not isinstance(value, wanted):
            raise hidden_error(cls.code, cls.detail)
        try:
            return cls(value)  # type: ignore[arg-type]  # checked above against the type parameter
        except MalformedSecret as error:
            raise hidden_error(error.code, error.detail) from None


class CardNumber(Secret[str]):
    """A whole card number, in memory for the length of one charge: 12 to 19 ASCII digits.

    Whether they pass the check digit is for the caller to say.

    Raises:
        MalformedSecret: `invalid-card-number`.
    """

    __slots__ = ()
    code = "invalid-card-number"
    detail = "must be a card number of 12 to 19 digits"

    def __init__(self, text: str) -> None:
        super().__init__(_digits(text, 12, 19, error=MalformedSecret(self.code, self.detail)))

    @property
    def first6(self) -> str:
        """The issuer's part, which may be kept (encrypted)."""
        return self._value[:6]

    @property
    def last4(self) -> str:
        """The part that may be shown to the card's owner."""
        return self._value[-4:]


class CardCode(Secret[str]):
    """The verification code of a card, 3 or 4 digits. Never kept, not even encrypted.

    Raises:
        MalformedSecret: `invalid-card-code`.
    """

    __slots__ = ()
    code = "invalid-card-code"
    detail = "must be the 3 or 4 digits printed on the card"

    def __init__(self, text: str) -> None:
        super().__init__(_digits(text, 3, 4, error=MalformedSecret(self.code, self.detail)))


def _digits(text: str, fewest: int, most: int, *, error: MalformedSecret) -> str:
    """ASCII digits of what people type: spaces and dashes of any kind dropped, digits of any script read."""
    if len(text) > _LONGEST_CARD_TEXT:
        raise error
    plain = text.replace(" ", "").replace("-", "")
    if plain.isascii() and plain.isdigit() and fewest <= len(plain) <= most:
        return plain
    kept = [char for char in unicodedata.normalize("NFKC", text) if not _is_separator(char)]
    values = [unicodedata.decimal(char, None) for char in kept]
    if None in values or not fewest <= len(values) <= most:
        raise error
    return "".join(map(str, values))


def _is_separator(char: str) -> bool:
    return unicodedata.category(char) in ("Zs", "Pd") or char == "\N{MINUS SIGN}"


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _refuse(value: object) -> NoReturn:
    raise TypeError("a secret is not serialised")
