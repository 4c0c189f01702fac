"""What the API takes and answers."""

from typing import Literal

from pydantic import AwareDatetime, Field

from services.auth.domain.passwords import OneTimeCode, Password
from services.auth.domain.sessions import Session
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


class Login(RequestModel):
    """Address and password; staff also send the code of their authenticator."""

    email: Email
    password: Password
    remember: bool = False
    """Sets a cookie that logs this browser in for 60 days."""
    otp: OneTimeCode | None = None


class PreferenceChoice(RequestModel):
    """From closed lists."""

    language: Literal["en", "ja", "de"]
    currency: Literal["JPY", "USD", "EUR"]


class Accepted(ResponseModel):
    """Taken in; a mail says how it goes on, whether the address was known or not."""

    status: Literal["accepted"] = "accepted"


class Verified(ResponseModel):
    """The address is proven."""

    status: Literal["verified"] = "verified"


class AccountView(ResponseModel):
    """An account as its owner sees it."""

    id: str
    name: str
    roles: list[str]
    email_verified: bool = True


class SessionView(ResponseModel):
    """Who is logged in, and how."""

    account: AccountView
    fresh: bool
    """The password was given in this session."""
    remembered: bool
    """This browser keeps a cookie that logs it in."""


class DeviceView(ResponseModel):
    """One session of the account."""

    id: str
    device: str
    created_at: AwareDatetime
    seen_at: AwareDatetime
    remembered: bool
    current: bool


class DeviceList(ResponseModel):
    """All sessions of the account, the one seen last first."""

    items: list[DeviceView]


class PreferenceView(ResponseModel):
    """What pages and mails follow from now on in this browser."""

    language: str
    currency: str


def device_view(session: Session, *, current: str) -> DeviceView:
    """A session as its owner sees it."""
    return DeviceView(
        id=session.id,
        device=session.device,
        created_at=session.created_at,
        seen_at=session.seen_at,
        remembered=session.remembered,
        current=session.id == current,
    )
