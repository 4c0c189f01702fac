"""Recovery codes: what opens an account in place of a second factor that was lost. Kept as hashes, shown once."""

from types import MappingProxyType
from typing import ClassVar

from services.auth.tokens import fingerprint
from shared.ids import new_number, read_crockford
from shared.secrets import MalformedSecret, Secret

HOW_MANY = 10
_GROUPS, _GROUP_SIZE = 4, 4


class RecoveryCode(Secret[str]):
    """A recovery code in one spelling: case, dashes and spaces are forgiven, and letters that look like digits.

    80 bits in Crockford's base 32, so that nobody can guess it from its hash.

    Raises:
        MalformedSecret: anything else.
    """

    __slots__ = ()
    code: ClassVar[str] = "invalid-recovery-code"
    detail: ClassVar[str] = "must be a recovery code such as 7F3K-Q2XM-9D4T-1VWB"
    bounds = MappingProxyType(
        {"minLength": 16, "maxLength": 60, "pattern": "^[0-9A-Za-z \u2013-]+$", "examples": ["7F3K-Q2XM-9D4T-1VWB"]}
    )

    def __init__(self, text: str) -> None:
        signs = read_crockford(text[:60])
        if signs is None or len(signs) != _GROUPS * _GROUP_SIZE:
            raise MalformedSecret(self.code, self.detail)
        super().__init__(signs)

    def hash(self) -> bytes:
        """What is kept of it."""
        return fingerprint(self._value)


def new_codes() -> list[str]:
    """Ten, grouped for reading."""
    return [new_number(_GROUPS, _GROUP_SIZE) for _ in range(HOW_MANY)]


def hashes_of(codes: list[str]) -> tuple[bytes, ...]:
    """What is kept of them."""
    return tuple(RecoveryCode(code).hash() for code in codes)
