"""A unit by its serial number, for support: what it is, until when it is covered, every unit before it, every claim."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.warranty.claims.usecases import cover_now
from services.warranty.claims.views import desk_summary_of
from services.warranty.pages.frame import Frame
from services.warranty.pages.queue import PATH, SUPPORT
from services.warranty.records.domain import PurchaseNotFound
from services.warranty.records.usecases import find_unit
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.problems import status_of
from shared.http.routes import RequestModel


class UnitQuery(RequestModel):
    """Which unit."""

    serial: Annotated[str, Field(max_length=60)] = ""


def unit_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """One page."""
    return [frame.get(f"{PATH}/units", _history)]


async def _history(frame: Frame, request: web.Request) -> web.Response:
    SUPPORT.check(identity_of(request))
    serial, title = read_query(request, UnitQuery).serial, frame.words(request)["units"]["title"]
    if not serial.strip():
        return frame.show(request, "desk_unit.html", title, record=None)
    values = {"serial": serial}
    try:
        record = await find_unit(frame.deps, serial)
    except PurchaseNotFound as refusal:
        refused = frame.refused(request, refusal) | {"values": values, "record": None}
        return frame.show(request, "desk_unit.html", title, status_of(refusal), **refused)
    return frame.show(
        request,
        "desk_unit.html",
        title,
        record=record,
        cover=cover_now(frame.deps, record),
        parcels=await frame.deps.purchases.serials(record.id),
        claims=[desk_summary_of(claim) for claim in await frame.deps.claims.of_purchase(record.id)],
        values=values,
    )
