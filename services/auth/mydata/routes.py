"""The API of one's own data: HTTP in, HTTP out."""

from functools import partial

from services.auth.browser import LOGGED_OUT
from services.auth.deps import Deps
from services.auth.mydata.erasure import ask_erasure, show_receipt
from services.auth.mydata.export import ask_export, fetch_archive, list_exports, show_export
from services.auth.mydata.views import (
    ErasureView,
    ExportList,
    ExportView,
    ReceiptRequest,
    ReceiptView,
    export_view,
    new_receipt_view,
    receipt_view,
)
from services.auth.refusals import (
    ExportNotFound,
    ExportNotReady,
    ExportRunning,
    NoSession,
    StaffStays,
    TooManyTries,
    UnknownToken,
)
from shared.http.context import FreshLoginRequired
from shared.http.routes import SIGNED_IN, Answer, Call, File, Route

_EXPORTS = "/api/auth/me/exports"
ZIP = "application/zip"


def mydata_routes(deps: Deps) -> list[Route]:
    """Copies and erasure."""
    return [
        Route("POST", "/api/auth/me/export", partial(_ask_export, deps),
              "Ask for a copy of everything that the shop holds of you; a mail tells when it is ready",
              answers={202: ExportView}, access=SIGNED_IN,
              problems=(NoSession, FreshLoginRequired, ExportRunning, TooManyTries)),
        Route("GET", _EXPORTS, partial(_list_exports, deps), "Your copies, newest first",
              answers={200: ExportList}, access=SIGNED_IN),
        Route("GET", f"{_EXPORTS}/{{id}}", partial(_show_export, deps), "How a copy stands",
              answers={200: ExportView}, access=SIGNED_IN, problems=(ExportNotFound,)),
        Route("GET", f"{_EXPORTS}/{{id}}/archive", partial(_fetch, deps),
              "The copy: data.json, a file for each service, and index.html to read",
              answers={200: ZIP}, answer_headers=["Content-Disposition"], access=SIGNED_IN,
              problems=(NoSession, FreshLoginRequired, ExportNotFound, ExportNotReady)),
        Route("DELETE", "/api/auth/me", partial(_erase, deps),
              "Erase your account and everything personal in all services; the receipt tells what is kept and why",
              answers={202: ErasureView}, answer_headers=["Set-Cookie"], access=SIGNED_IN,
              problems=(NoSession, FreshLoginRequired, StaffStays)),
        Route("POST", "/api/auth/erasures/receipt", partial(_receipt, deps), "The receipt of an erasure",
              body=ReceiptRequest, answers={200: ReceiptView}, problems=(UnknownToken,)),
    ]  # fmt: skip


async def _ask_export(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(202, export_view(await ask_export(deps, call.who)))


async def _list_exports(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, ExportList(items=[export_view(each) for each in await list_exports(deps, call.who)]))


async def _show_export(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, export_view(await show_export(deps, call.who, call.path("id"))))


async def _fetch(deps: Deps, call: Call[None, None]) -> Answer:
    archive = await fetch_archive(deps, call.who, call.path("id"))
    headers = {"Content-Disposition": f'attachment; filename="{deps.settings.site_name}-data.zip"'}
    return Answer(200, File(archive, ZIP), headers=headers)


async def _erase(deps: Deps, call: Call[None, None]) -> Answer:
    receipt = await ask_erasure(deps, call.who)
    return Answer(202, ErasureView(receipt=new_receipt_view(receipt)), cookies=LOGGED_OUT)


async def _receipt(deps: Deps, call: Call[ReceiptRequest, None]) -> Answer:
    return Answer(200, receipt_view(await show_receipt(deps, call.body.token)))
