"""The way to an account: register, prove the address by link or by code."""

from aiohttp import web

from services.auth.accounts.passwords import MailedCode
from services.auth.accounts.registration import Wish, register, verify_address, verify_by_code
from services.auth.accounts.views import Registration
from services.auth.pages.forms import LinkQuery, TokenForm
from services.auth.pages.frame import Frame, Shown
from shared.addresses import Email
from shared.errors import DomainError
from shared.http.client import network_of
from shared.http.intake import Form, read_form, read_query
from shared.http.routes import RequestModel

_VERIFY = Shown("verify.html", "verify", more={"token": "", "failed": False})


class CodeForm(RequestModel):
    """The code of the mail, in place of its link."""

    email: Email
    code: MailedCode


def registration_pages(frame: Frame) -> list[web.RouteDef]:
    """For those who have no account yet."""
    return [
        frame.get("/register", _registration),
        frame.post("/register", _register, back="/register"),
        frame.get("/verify", _verification),
        frame.post("/verify", _verify, back="/verify"),
    ]


def _form(values: dict[str, str]) -> Shown:
    return Shown("register.html", "register", scripts=("strength.js",), values=values)


async def _registration(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, _form({}))


async def _register(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        wanted = form.parse(Registration)
        language = frame.rendered.language_of(request)
        await register(frame.deps, Wish(wanted.email, wanted.name, wanted.password, language, network_of(request)))
    except DomainError as refusal:
        return frame.again(request, _form(form.shown), refusal)
    return frame.show(request, Shown("registered.html", "registered", values={"email": wanted.email}), 202)


async def _verification(frame: Frame, request: web.Request) -> web.Response:
    """Changes nothing: mail scanners follow links."""
    return frame.show(request, _VERIFY, token=read_query(request, LinkQuery).t)


async def _verify(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        await _prove(frame, request, form)
    except DomainError as refusal:
        return _not_verified(frame, request, form, refusal)
    words = frame.words(request)
    link_text = words["common"]["log_in"]
    told = frame.telling("verify", "done_title", words["verify"]["done"], link="/login", link_text=link_text)
    return frame.show(request, told)


async def _prove(frame: Frame, request: web.Request, form: Form) -> None:
    if "token" in form.values:
        await verify_address(frame.deps, form.parse(TokenForm).token)
    else:
        posted = form.parse(CodeForm)
        await verify_by_code(frame.deps, posted.email, posted.code, network=network_of(request))


def _not_verified(frame: Frame, request: web.Request, form: Form, refusal: DomainError) -> web.Response:
    by_link = "token" in form.values
    title = "failed_title" if by_link else "title"
    more = {"token": "", "failed": by_link}
    return frame.again(request, Shown("verify.html", "verify", title, values=form.shown, more=more), refusal)
