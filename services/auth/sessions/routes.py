"""The API of sessions, remembered browsers and preferences: HTTP in, HTTP out."""

from contextlib import suppress
from functools import partial

from services.auth.accounts.change import prefer_language
from services.auth.browser import LOGGED_OUT, cookies_of, presented_by, visit_by
from services.auth.deps import Deps
from services.auth.factors.check import Given
from services.auth.refusals import (
    NoSession,
    SecondFactorRequired,
    SessionNotFound,
    TooManyTries,
    WrongCredentials,
)
from services.auth.sessions import devices
from services.auth.sessions.browsers import forget_one_browser, list_browsers
from services.auth.sessions.confirmation import session_of
from services.auth.sessions.login import Credentials, log_in, log_out
from services.auth.sessions.views import (
    BrowserList,
    DeviceList,
    Login,
    PreferenceChoice,
    PreferenceView,
    SessionView,
    browser_view,
    device_view,
    session_view,
)
from shared.errors import InvalidInput
from shared.http.cookies import Cookie
from shared.http.preferences import Preferences, read_preferences
from shared.http.routes import SIGNED_IN, Answer, Call, Route


def session_routes(deps: Deps) -> list[Route]:
    """Logging in and out, devices, preferences."""
    return [*_login_routes(deps), *_browser_routes(deps), *_preference_routes(deps)]


def _login_routes(deps: Deps) -> list[Route]:
    path = "/api/auth/session"
    return [
        Route(
            method="POST",
            path=path,
            handler=partial(_log_in, deps),
            summary="Log in; `remember` asks for a cookie that outlives the browser",
            body=Login,
            answers={200: SessionView},
            answer_headers=["Set-Cookie"],
            problems=(InvalidInput, WrongCredentials, SecondFactorRequired, TooManyTries),
        ),
        Route(
            method="GET",
            path=path,
            handler=partial(_show_session, deps),
            summary="Who is logged in",
            answers={200: SessionView},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="DELETE",
            path=path,
            handler=partial(_log_out, deps),
            summary="Log out and forget this browser",
            answers={204: None},
            answer_headers=["Set-Cookie"],
        ),
    ]


def _browser_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="GET",
            path="/api/auth/sessions",
            handler=partial(_list_sessions, deps),
            summary="Where you are logged in",
            answers={200: DeviceList},
            access=SIGNED_IN,
        ),
        Route(
            method="DELETE",
            path="/api/auth/sessions",
            handler=partial(_end_others, deps),
            summary="Log out everywhere else, and forget all other browsers",
            answers={204: None},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="DELETE",
            path="/api/auth/sessions/{id}",
            handler=partial(_end_session, deps),
            summary="Log out elsewhere",
            answers={204: None},
            access=SIGNED_IN,
            problems=(SessionNotFound,),
        ),
        Route(
            method="GET",
            path="/api/auth/remember",
            handler=partial(_list_browsers, deps),
            summary="Where you are remembered, also in browsers that are closed",
            answers={200: BrowserList},
            access=SIGNED_IN,
            problems=(NoSession,),
        ),
        Route(
            method="DELETE",
            path="/api/auth/remember",
            handler=partial(_forget_browsers, deps),
            summary="Forget all remembered browsers",
            answers={204: None},
            answer_headers=["Set-Cookie"],
            access=SIGNED_IN,
        ),
        Route(
            method="DELETE",
            path="/api/auth/remember/{id}",
            handler=partial(_forget_browser, deps),
            summary="Forget one remembered browser, and log it out unless it is this one",
            answers={204: None},
            access=SIGNED_IN,
            problems=(NoSession, SessionNotFound),
        ),
    ]


def _preference_routes(deps: Deps) -> list[Route]:
    return [
        Route(
            method="GET",
            path="/api/auth/preferences",
            handler=partial(_show_preferences, deps),
            summary="Language and currency of this browser: as chosen, else from Accept-Language, and yen",
            answers={200: PreferenceView},
        ),
        Route(
            method="PUT",
            path="/api/auth/preferences",
            handler=partial(_prefer, deps),
            summary="Choose language and currency for this browser; who is logged in gets mails in this language too",
            body=PreferenceChoice,
            answers={200: PreferenceView},
            answer_headers=["Set-Cookie"],
            problems=(InvalidInput,),
        ),
    ]


async def _log_in(deps: Deps, call: Call[Login, None]) -> Answer:
    visit = visit_by(call.request, deps.settings)
    logged_in = await log_in(
        deps,
        Credentials(call.body.email, call.body.password, _given(call.body)),
        remember=call.body.remember,
        visit=visit,
    )
    view = session_view(logged_in.account, logged_in.contact, logged_in.session)
    return Answer(200, view, cookies=cookies_of(logged_in, visit.presented))


def _given(body: Login) -> Given:
    return Given(body.otp, body.recovery_code, None if body.passkey is None else body.passkey.as_json())


async def _show_session(deps: Deps, call: Call[None, None]) -> Answer:
    profile = await devices.show_profile(deps, call.who)
    return Answer(200, session_view(profile.account, profile.contact, profile.session))


async def _log_out(deps: Deps, call: Call[None, None]) -> Answer:
    await log_out(deps, presented_by(call.request, deps.settings))
    return Answer(204, cookies=LOGGED_OUT)


async def _list_sessions(deps: Deps, call: Call[None, None]) -> Answer:
    sessions = await devices.list_sessions(deps, call.who)
    return Answer(200, DeviceList(items=[device_view(each, current=call.who.session) for each in sessions]))


async def _end_others(deps: Deps, call: Call[None, None]) -> Answer:
    await devices.log_out_elsewhere(deps, call.who)
    return Answer(204)


async def _end_session(deps: Deps, call: Call[None, None]) -> Answer:
    await devices.end_one_session(deps, call.who, call.path("id"))
    return Answer(204)


async def _forget_browsers(deps: Deps, call: Call[None, None]) -> Answer:
    await devices.forget_browsers(deps, call.who)
    return Answer(204, cookies=(Cookie.deletion("remember"),))


async def _list_browsers(deps: Deps, call: Call[None, None]) -> Answer:
    series = (await session_of(deps, call.who)).series
    known = await list_browsers(deps, call.who)
    return Answer(200, BrowserList(items=[browser_view(each, series=series) for each in known]))


async def _forget_browser(deps: Deps, call: Call[None, None]) -> Answer:
    await forget_one_browser(deps, call.who, call.path("id"))
    return Answer(204)


async def _show_preferences(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, _view(read_preferences(call.request, deps.settings)))


def _view(shown: Preferences) -> PreferenceView:
    return PreferenceView.model_validate({"language": shown.language, "currency": shown.currency})


async def _prefer(deps: Deps, call: Call[PreferenceChoice, None]) -> Answer:
    chosen = Preferences(call.body.language, call.body.currency)
    if call.identity is not None:
        with suppress(NoSession):  # erased a moment ago: then it is this browser's choice alone
            await prefer_language(deps, call.identity, chosen.language)
    return Answer(200, _view(chosen), cookies=(chosen.cookie(),))
