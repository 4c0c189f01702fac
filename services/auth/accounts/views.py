"""What the API takes and answers about accounts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.auth.accounts.passwords import MailedCode, Password
from services.auth.accounts.rules import SHORTEST, is_long
from shared.addresses import Email, PersonName
from shared.http.routes import RequestModel, ResponseModel
from shared.secrets import hidden_error


def _long(password: Password) -> Password:
    """Refused with the other fields, so that all are mended at once; the use case judges the rest."""
    if not is_long(password):
        raise hidden_error("password-too-short", f"must have at least {SHORTEST} characters")
    return password


class Registration(RequestModel):
    """Who wants an account."""

    email: Email
    name: PersonName
    password: Annotated[Password, AfterValidator(_long), Field(json_schema_extra={"minLength": SHORTEST})]
    """At least 15 characters, at most 1024 bytes; not what anybody tries first."""


class Verification(RequestModel):
    """Either the token of the mailed link, or the address and the code that stands beside the link."""

    token: str | None = Field(default=None, min_length=1, max_length=200)
    email: Email | None = None
    code: MailedCode | None = None
    """Eight signs such as K7QF-2M9P; case and dash do not matter."""


class ForgottenPassword(RequestModel):
    """Whose password is forgotten."""

    email: Email


class PasswordReset(RequestModel):
    """The token of the mailed link, and the password to have from now on."""

    token: str = Field(min_length=1, max_length=200)
    password: Password
    """As at registration; 8 characters are enough where the account has a second factor."""


class PasswordChange(RequestModel):
    """The password as it is, and as it shall be."""

    current_password: Password
    new_password: Password
    """As at registration; 8 characters are enough where the account has a second factor."""


class EmailChoice(RequestModel):
    """The address to have."""

    email: Email


class EmailConfirmation(RequestModel):
    """The token of one of the two mailed links."""

    token: str = Field(min_length=1, max_length=200)


class NameChoice(RequestModel):
    """The name to have."""

    name: PersonName


class Accepted(ResponseModel):
    """Taken in; a mail says how it goes on, whether the address was known or not."""

    status: Literal["accepted"] = "accepted"


class Verified(ResponseModel):
    """The address is proven."""

    status: Literal["verified"] = "verified"


class PasswordChanged(ResponseModel):
    """The new password counts; everybody is logged out."""

    status: Literal["changed"] = "changed"


class EmailConfirmed(ResponseModel):
    """`waiting` for the other address to agree, or `changed`."""

    status: Literal["waiting", "changed"]


class NameView(ResponseModel):
    """The name from now on."""

    name: str
