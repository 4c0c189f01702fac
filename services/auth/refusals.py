"""What auth refuses, and under which name. None of them says whether an address is known."""

from shared.errors import DomainError, ErrorKind


class WrongCredentials(DomainError):
    """The address, the password or the code is not right."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "wrong-credentials"


class SecondFactorRequired(DomainError):
    """This account also needs the six-digit code of its authenticator."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "second-factor-required"


class AddressNotVerified(DomainError):
    """The address is not verified yet: follow the link in the mail."""

    kind = ErrorKind.FORBIDDEN
    code = "address-not-verified"


class TooManyTries(DomainError):
    """Too many tries for this address; wait a while."""

    kind = ErrorKind.TOO_MANY
    code = "too-many-tries"


class UnknownToken(DomainError):
    """There is no such token, or it no longer counts."""

    kind = ErrorKind.NOT_FOUND
    code = "unknown-token"


class SpentToken(DomainError):
    """The token was used already, or its time is over."""

    kind = ErrorKind.GONE
    code = "spent-token"


class NoSession(DomainError):
    """Nobody is logged in here."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "no-session"


class SessionNotFound(DomainError):
    """There is no such session, or it is not yours."""

    kind = ErrorKind.NOT_FOUND
    code = "session-not-found"


class AccountNotFound(DomainError):
    """There is no such account."""

    kind = ErrorKind.NOT_FOUND
    code = "account-not-found"


class AccountChanged(DomainError):
    """The account was changed elsewhere in the meantime; try again."""

    kind = ErrorKind.CONFLICT
    code = "account-changed"


class AddressTaken(DomainError):
    """The address has an account already. For staff commands and retries only, never an answer to a stranger."""

    kind = ErrorKind.CONFLICT
    code = "address-taken"


class FreshLoginRequired(DomainError):
    """Give your password again first: POST /api/auth/session/confirm."""

    kind = ErrorKind.FORBIDDEN
    code = "fresh-login-required"
