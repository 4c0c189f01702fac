"""The API of accounts: HTTP in, HTTP out."""

from functools import partial

from services.auth.accounts import change
from services.auth.accounts.recovery import ask_reset, reset_password
from services.auth.accounts.registration import Wish, register, verify_address, verify_by_code
from services.auth.accounts.views import (
    Accepted,
    EmailChoice,
    EmailConfirmation,
    EmailConfirmed,
    ForgottenPassword,
    NameChoice,
    NameView,
    PasswordChange,
    PasswordChanged,
    PasswordReset,
    Registration,
    Verification,
    Verified,
)
from services.auth.browser import cookies_of, presented_by, visit_by
from services.auth.deps import Deps
from services.auth.refusals import (
    AccountChanged,
    NoSession,
    SpentToken,
    TooManyTries,
    UnknownToken,
    WrongPassword,
)
from services.auth.sessions.views import SessionView, session_view
from shared.errors import FieldError, InvalidInput
from shared.http.client import network_of
from shared.http.context import FreshLoginRequired
from shared.http.preferences import read_preferences
from shared.http.routes import SIGNED_IN, Answer, Call, Route


def account_routes(deps: Deps) -> list[Route]:
    """Registration and the proof of an address; a forgotten password; what an owner changes."""
    return [*_entry_routes(deps), *_recovery_routes(deps), *_owner_routes(deps)]


def _entry_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="POST",
            path="/api/auth/accounts",
            handler=partial(_register, deps),
            summary="Ask for an account; the answer is the same whether the address is known or not",
            body=Registration,
            answers={202: Accepted},
            problems=(InvalidInput, TooManyTries),
        ),
        Route(
            method="POST",
            path="/api/auth/accounts/verify",
            handler=partial(_verify, deps),
            summary="Prove the address with the token of the mailed link, or with the address and the mailed code",
            body=Verification,
            answers={200: Verified},
            problems=(InvalidInput, UnknownToken, SpentToken, TooManyTries),
        ),
    ]


def _recovery_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="POST",
            path="/api/auth/password/forgot",
            handler=partial(_forget, deps),
            summary="Ask for a mail to choose a new password; the same answer whether the address is known or not",
            body=ForgottenPassword,
            answers={202: Accepted},
            problems=(InvalidInput, TooManyTries),
        ),
        Route(
            method="POST",
            path="/api/auth/password/reset",
            handler=partial(_reset, deps),
            summary="Choose a new password with the mailed token; logs out everywhere, and second factors stay",
            body=PasswordReset,
            answers={200: PasswordChanged},
            problems=(InvalidInput, UnknownToken, SpentToken),
        ),
        Route(
            method="POST",
            path="/api/auth/email/confirm",
            handler=partial(_confirm_email, deps),
            summary="Agree to a change of address with the token mailed to the old or to the new one",
            body=EmailConfirmation,
            answers={200: EmailConfirmed},
            problems=(InvalidInput, UnknownToken, SpentToken),
        ),
    ]


def _owner_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="PUT",
            path="/api/auth/password",
            handler=partial(_change_password, deps),
            summary="Change the password; logs out everywhere else and gives this browser a new session",
            body=PasswordChange,
            answers={200: SessionView},
            answer_headers=["Set-Cookie"],
            access=SIGNED_IN,
            problems=(InvalidInput, NoSession, FreshLoginRequired, WrongPassword, TooManyTries, AccountChanged),
        ),
        Route(
            method="PUT",
            path="/api/auth/email",
            handler=partial(_change_email, deps),
            summary="Ask for another address; it counts once both addresses have agreed",
            body=EmailChoice,
            answers={202: Accepted},
            access=SIGNED_IN,
            problems=(InvalidInput, NoSession, FreshLoginRequired, TooManyTries, AccountChanged),
        ),
        Route(
            method="PUT",
            path="/api/auth/name",
            handler=partial(_change_name, deps),
            summary="Correct the name",
            body=NameChoice,
            answers={200: NameView},
            access=SIGNED_IN,
            problems=(InvalidInput, NoSession),
        ),
    ]


async def _register(deps: Deps, call: Call[Registration, None]) -> Answer:
    language = read_preferences(call.request, deps.settings).language
    wish = Wish(call.body.email, call.body.name, call.body.password, language, network_of(call.request))
    await register(deps, wish)
    return Answer(202, Accepted())


async def _verify(deps: Deps, call: Call[Verification, None]) -> Answer:
    body = call.body
    _check_one_form(body)
    if body.token is not None:
        await verify_address(deps, body.token)
    elif body.email is not None and body.code is not None:
        await verify_by_code(deps, body.email, body.code, network=network_of(call.request))
    return Answer(200, Verified())


def _check_one_form(body: Verification) -> None:
    """Refuse a mixture of both forms, and half of one."""
    given = {name for name in ("token", "email", "code") if getattr(body, name) is not None}
    if given in ({"token"}, {"email", "code"}):
        return
    if "token" in given:
        fields = [FieldError(f"/{name}", "unexpected", "goes without a token") for name in sorted(given - {"token"})]
    else:
        missing = {"email", "code"} - given if given else {"token"}
        fields = [FieldError(f"/{name}", "missing", "either a token, or an email and a code") for name in missing]
    raise InvalidInput("Some fields were refused.", fields=fields)


async def _forget(deps: Deps, call: Call[ForgottenPassword, None]) -> Answer:
    language = read_preferences(call.request, deps.settings).language
    await ask_reset(deps, call.body.email, language=language, visit=visit_by(call.request, deps.settings))
    return Answer(202, Accepted())


async def _reset(deps: Deps, call: Call[PasswordReset, None]) -> Answer:
    await reset_password(deps, call.body.token, call.body.password)
    return Answer(200, PasswordChanged())


async def _confirm_email(deps: Deps, call: Call[EmailConfirmation, None]) -> Answer:
    is_changed = await change.confirm_email_change(deps, call.body.token)
    return Answer(200, EmailConfirmed(status="changed" if is_changed else "waiting"))


async def _change_password(deps: Deps, call: Call[PasswordChange, None]) -> Answer:
    logged_in = await change.change_password(
        deps,
        call.who,
        current=call.body.current_password,
        new=call.body.new_password,
        visit=visit_by(call.request, deps.settings),
    )
    view = session_view(logged_in.account, logged_in.contact, logged_in.session)
    return Answer(200, view, cookies=cookies_of(logged_in, presented_by(call.request, deps.settings)))


async def _change_email(deps: Deps, call: Call[EmailChoice, None]) -> Answer:
    await change.ask_email_change(deps, call.who, call.body.email)
    return Answer(202, Accepted())


async def _change_name(deps: Deps, call: Call[NameChoice, None]) -> Answer:
    await change.change_name(deps, call.who, call.body.name)
    return Answer(200, NameView(name=call.body.name))
