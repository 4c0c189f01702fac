"""What a use case may raise. Only the two edges (HTTP and consumer) translate it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class ErrorKind(Enum):
    """How an error is to be answered, without naming a protocol."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    PAYMENT_FAILED = "payment-failed"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    GONE = "gone"
    STALE = "stale"
    TOO_LARGE = "too-large"
    INVALID = "invalid"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused.

    `pointer` is a JSON Pointer (RFC 6901) into the request body, such as `/lines/0/sku`, or, where the fault is
    not in the body, the name of the header or query parameter. `code` is stable, `detail` is for people.
    Neither ever repeats the value that was sent.
    """

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal that a retry would meet again. `detail` names ids, never persons or secrets."""

    kind: ClassVar[ErrorKind] = ErrorKind.INVALID
    code: ClassVar[str] = "refused"

    def __init__(
        self, detail: str = "", *, fields: Sequence[FieldError] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail or (type(self).__doc__ or self.code).strip().splitlines()[0])
        self.fields = tuple(fields)
        self.retry_after_s = retry_after_s

    @property
    def detail(self) -> str:
        """The sentence for people."""
        return str(self.args[0])


class InvalidInput(DomainError):
    """Some fields were refused."""

    kind = ErrorKind.INVALID
    code = "invalid-input"


class NotFound(DomainError):
    """There is no such thing, or not for you."""

    kind = ErrorKind.NOT_FOUND
    code = "not-found"


class TransientError(Exception):
    """A peer is down or late; the same call may succeed in `retry_after_s` seconds.

    The detail is for our logs; callers are told `code` and `advice`.
    """

    code: ClassVar[str] = "unavailable"
    advice: ClassVar[str] = "Please try again in a moment."

    def __init__(self, detail: str, *, retry_after_s: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
