"""What auth refuses, and under which name. None of them says whether an address is known."""

from shared.errors import DomainError, ErrorKind


class WrongCredentials(DomainError):
    """The address, the password or the code is not right, or the address is not verified yet: look into your mail."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "wrong-credentials"


class SecondFactorRequired(DomainError):
    """This account also needs a second factor: `errors` names what it can be."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "second-factor-required"


class WrongPassword(DomainError):
    """This is not your password. You are still logged in."""

    kind = ErrorKind.FORBIDDEN
    code = "wrong-password"


class WrongSecondFactor(DomainError):
    """This code or passkey is wrong, or was used already. You are still logged in."""

    kind = ErrorKind.FORBIDDEN
    code = "wrong-second-factor"


class TooManyTries(DomainError):
    """Too many tries; wait a while."""

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


class ExportRunning(DomainError):
    """A copy of your data is being gathered already; wait for it."""

    kind = ErrorKind.TOO_MANY
    code = "export-running"

    def __init__(self) -> None:
        super().__init__(retry_after_s=60)


class ExportNotFound(DomainError):
    """There is no such export, or it is not yours, or its time is over."""

    kind = ErrorKind.NOT_FOUND
    code = "export-not-found"


class ExportNotReady(DomainError):
    """The export is not complete yet; a mail tells when it is."""

    kind = ErrorKind.CONFLICT
    code = "export-not-ready"


class StaffStays(DomainError):
    """This account works here: remove it from the staff first."""

    kind = ErrorKind.CONFLICT
    code = "staff-stays"


class NothingOffered(DomainError):
    """There is no new authenticator to prove: begin with POST /api/auth/mfa/totp."""

    kind = ErrorKind.CONFLICT
    code = "nothing-offered"


class NoSecondFactor(DomainError):
    """There is no second factor that recovery codes would stand in for."""

    kind = ErrorKind.CONFLICT
    code = "no-second-factor"


class StaffNeedSecondFactor(DomainError):
    """Staff cannot be without a second factor: add another one first."""

    kind = ErrorKind.CONFLICT
    code = "staff-need-second-factor"


class PasswordTooShortAlone(DomainError):
    """Your password is too short to be all that is asked for: choose one of 15 characters first."""

    kind = ErrorKind.CONFLICT
    code = "password-too-short-alone"


class PasskeyRefused(DomainError):
    """The passkey is not for what was asked, came too late, or does not check who uses it."""

    kind = ErrorKind.INVALID
    code = "passkey-refused"


class PasskeyNotFound(DomainError):
    """There is no such passkey, or it is not yours."""

    kind = ErrorKind.NOT_FOUND
    code = "passkey-not-found"


class KnownPasskey(DomainError):
    """This passkey is yours already."""

    kind = ErrorKind.CONFLICT
    code = "known-passkey"


class TooManyPasskeys(DomainError):
    """There are ten passkeys: remove one first."""

    kind = ErrorKind.CONFLICT
    code = "too-many-passkeys"
