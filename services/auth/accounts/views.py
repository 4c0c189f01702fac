"""What the API takes and answers about accounts."""

from typing import Literal

from pydantic import Field

from services.auth.accounts.passwords import Password
from shared.addresses import Email, PersonName
from shared.http.routes import RequestModel, ResponseModel


class Registration(RequestModel):
    """Who wants an account."""

    email: Email
    name: PersonName
    password: Password
    """At least 15 characters, at most 1024 bytes; not your address, name or the shop's name."""


class VerificationRequest(RequestModel):
    """The mailed link's token."""

    token: str = Field(min_length=1, max_length=200)


class Accepted(ResponseModel):
    """Taken in; a mail says how it goes on, whether the address was known or not."""

    status: Literal["accepted"] = "accepted"


class Verified(ResponseModel):
    """The address is proven."""

    status: Literal["verified"] = "verified"
