"""What the API takes and answers about sessions and preferences."""

from typing import Literal, cast

from pydantic import AwareDatetime

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.factors.codes import RecoveryCode
from services.auth.factors.credentials import Assertion
from services.auth.people import Contact
from services.auth.sessions.browsers import public_id
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import RememberedBrowser
from shared.addresses import Email
from shared.http.routes import RequestModel, ResponseModel

Language = Literal["en", "ja", "de"]
Currency = Literal["JPY", "USD", "EUR", "GBP"]
Role = Literal["customer", "support", "marketing", "fraud", "officer", "admin"]


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
    email: str
    roles: list[Role]
    email_verified: bool = True
    language: Language
    """Of the account's mails."""


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


class BrowserView(ResponseModel):
    """One remembered browser, also one that is closed now."""

    id: str
    device: str
    created_at: AwareDatetime
    seen_at: AwareDatetime
    """When it last came back without a session."""
    expires_at: AwareDatetime
    """Forgotten then, unless it comes back before."""
    current: bool


class BrowserList(ResponseModel):
    """All remembered browsers of the account, the newest first."""

    items: list[BrowserView]


class PreferenceChoice(RequestModel):
    """From closed lists."""

    language: Language
    currency: Currency


class PreferenceView(ResponseModel):
    """What pages and mails follow from now on in this browser."""

    language: Language
    currency: Currency


def session_view(account: Account, contact: Contact, session: Session) -> SessionView:
    """Who is logged in, and how; for the owner alone."""
    view = AccountView(
        id=account.id,
        name=contact.name,
        email=contact.email,
        roles=cast("list[Role]", sorted(account.roles)),
        language=cast("Language", account.language),
    )
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


def browser_view(browser: RememberedBrowser, *, series: str | None) -> BrowserView:
    """A remembered browser as its owner sees it; `series`: that of the session that asks."""
    return BrowserView(
        id=public_id(browser),
        device=browser.device,
        created_at=browser.created_at,
        seen_at=browser.rotated_at,
        expires_at=browser.expires_at,
        current=browser.id == series,
    )
