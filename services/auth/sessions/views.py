"""What the API takes and answers about sessions and preferences."""

from typing import Literal

from pydantic import AwareDatetime

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.factors.codes import RecoveryCode
from services.auth.factors.credentials import Assertion
from services.auth.sessions.domain import Session
from shared.addresses import Email
from shared.http.routes import RequestModel, ResponseModel


class Login(RequestModel):
    """Address and password, and one second factor where the account has any."""

    email: Email
    password: Password
    remember: bool = False
    """Sets a cookie that logs this browser in for 60 days."""
    otp: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = None
    """In place of a second factor that was lost; each works once."""
    passkey: Assertion | None = None
    """For the options of `POST /api/auth/session/passkey/options`."""


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


class PreferenceChoice(RequestModel):
    """From closed lists."""

    language: Literal["en", "ja", "de"]
    currency: Literal["JPY", "USD", "EUR"]


class PreferenceView(ResponseModel):
    """What pages and mails follow from now on in this browser."""

    language: str
    currency: str


def session_view(account: Account, name: str, session: Session) -> SessionView:
    """Who is logged in, and how."""
    view = AccountView(id=account.id, name=name, roles=sorted(account.roles))
    return SessionView(account=view, fresh=session.fresh, remembered=session.remembered)


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
