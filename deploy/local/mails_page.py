"""The mailbox's page and its small JSON interface."""

import re
from dataclasses import asdict
from html import escape
from itertools import islice

from aiohttp import web

from deploy.local.mails import Mail, MailStore

STORE = web.AppKey("store", MailStore)
SHOWN = 200
_LINK = re.compile(r"https?://[^\s<>\"]+")
# The mail's own HTML is shown in a sandboxed frame: no scripts, no forms, nothing from elsewhere.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .4rem; border-bottom: 1px solid #ddd }
pre { white-space: pre-wrap; background: #f6f6f4; padding: 1rem }
iframe { width: 100%; height: 30rem; border: 1px solid #ddd }
"""


def build_app(store: MailStore) -> web.Application:
    """`/`, `/mails/{name}`, its HTML part alone, `/api/messages`."""
    app = web.Application()
    app[STORE] = store
    app.router.add_get("/", _list)
    app.router.add_get("/mails/{name}", _show)
    app.router.add_get("/mails/{name}/html", _show_html)
    app.router.add_get("/api/messages", _messages)
    return app


async def _messages(request: web.Request) -> web.Response:
    found = request.app[STORE].mails(to=request.query.get("to", ""), since=request.query.get("since", ""))
    return web.json_response([asdict(mail) for mail in found])


async def _list(request: web.Request) -> web.Response:
    store = request.app[STORE]
    names = store.names()
    rows = "".join(_row(store.get(name)) for name in islice(reversed(names), SHOWN))
    table = f"<table><tr><th>at (UTC)<th>to<th>from<th>subject</tr>{rows}</table>"
    return _page("Mailbox", f"<p>{len(names)} mails, the newest first.</p>{table}")


async def _show(request: web.Request) -> web.Response:
    mail = _mail(request)
    facts = {"from": mail.sender, "to": mail.to, "Message-ID": mail.message_id, "file": mail.name}
    head = "".join(f"<tr><th>{label}<td>{escape(value)}</tr>" for label, value in facts.items())
    frame = f'<h2>HTML</h2><iframe sandbox="allow-popups" src="/mails/{escape(mail.name)}/html"></iframe>'
    text = f"<pre>{_linked(mail.text)}</pre>"
    page = f"<p><a href='/'>All mails</a></p><table>{head}</table>{text}"
    return _page(mail.subject, page + (frame if mail.html else ""))


async def _show_html(request: web.Request) -> web.Response:
    headers = {"Content-Security-Policy": _MAIL_POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=_mail(request).html, content_type="text/html", headers=headers)


def _mail(request: web.Request) -> Mail:
    try:
        return request.app[STORE].get(request.match_info["name"])
    except FileNotFoundError:
        raise web.HTTPNotFound(text="no such mail") from None


def _row(mail: Mail) -> str:
    link = f'<a href="/mails/{escape(mail.name)}">{escape(mail.subject) or "(no subject)"}</a>'
    return f"<tr><td>{escape(mail.at)}<td>{escape(mail.to)}<td>{escape(mail.sender)}<td>{link}</tr>"


def _linked(text: str) -> str:
    pieces, end = [], 0
    for match in _LINK.finditer(text):
        address = escape(match.group())
        pieces += [escape(text[end : match.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        end = match.end()
    return "".join([*pieces, escape(text[end:])])


def _page(title: str, body: str) -> web.Response:
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}'
    )
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return web.Response(text=html, content_type="text/html", headers=headers)
