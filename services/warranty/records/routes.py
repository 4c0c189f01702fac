"""HTTP in, HTTP out."""

from datetime import date
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import AwareDatetime, Field

from services.warranty.coverage.cover import coverage_of
from services.warranty.deps import Deps
from services.warranty.holders import Holder, holder_of
from services.warranty.records import usecases
from services.warranty.records.cursor import read_cursor, write_cursor
from services.warranty.records.domain import PurchaseNotFound, PurchaseRecord
from shared.errors import InvalidInput
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route, Unauthenticated, roles

LIST_PATH = "/api/warranty/purchases"
MOST_ITEMS = 100
LinkQ = TypeVar("LinkQ", bound="LinkQuery")


class LinkQuery(RequestModel):
    """How a guest shows that an order is theirs: what the link to the order has."""

    order: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9-]*$")
    t: str = Field(default="", max_length=100, pattern=r"^[0-9a-f]*$")


class ListQuery(LinkQuery):
    """Which page of a list."""

    limit: int = Field(default=20, ge=1, le=MOST_ITEMS)
    cursor: str = Field(default="", max_length=400)


class RuleView(ResponseModel):
    """The rule that a date was computed from."""

    id: str
    version: int
    months: int


class PurchaseView(ResponseModel):
    """One item bought and until which day, by the shop's calendar, it is covered."""

    id: str
    sku: str
    name: str
    purchased_at: AwareDatetime
    covered_since: date
    covered_until: date
    extended_days: int
    """By how many days repairs have made the cover longer."""
    is_covered: bool
    """Today, by the shop's calendar, and for what nothing excludes."""
    order_number: str
    price_minor: int
    currency: str
    serial: str
    """The serial number, once the watch was shipped; of the replacement, where there was one."""
    cancelled_at: AwareDatetime | None
    """When the order was cancelled; nothing of it is covered then."""
    transferred_at: AwareDatetime | None
    """When it was handed on to you; which order it was bought in and for how much is not told then."""
    order_refunded_minor: int
    """What has gone back of the whole order, in minor units of `currency`."""
    rule: RuleView


class PurchaseList(ResponseModel):
    """A page of purchases, newest first; the next one is named by `Link: rel="next"`."""

    items: list[PurchaseView]


class DayView(ResponseModel):
    """Items bought on one day."""

    day: date
    records: int


class DeskView(ResponseModel):
    """Numbers without persons."""

    total: int
    by_day: list[DayView]


class DeskQuery(RequestModel):
    """How far the count by day reaches back."""

    days: int = Field(default=30, ge=1, le=366)


def view_of(deps: Deps, record: PurchaseRecord) -> PurchaseView:
    """A record as its owner sees it today."""
    zone = deps.settings.zone
    cover = coverage_of(record, deps.clock().astimezone(zone).date(), zone=zone)
    return PurchaseView(
        id=record.id,
        sku=record.sku,
        name=record.name,
        purchased_at=record.purchased_at,
        covered_since=cover.since,
        covered_until=cover.until,
        extended_days=cover.extended_days,
        is_covered=cover.is_covered,
        order_number=record.order_number,
        price_minor=record.unit_price_minor,
        currency=record.currency,
        serial=record.serial,
        cancelled_at=record.cancelled_at,
        order_refunded_minor=record.order_refunded_minor,
        transferred_at=record.transferred_at,
        rule=RuleView(id=record.rule, version=record.rule_version, months=record.months),
    )


def routes(deps: Deps) -> list[Route]:
    """Warranty's part of the API."""
    return [
        Route(
            method="GET",
            path=LIST_PATH,
            handler=partial(_list, deps),
            summary="Your purchases and until when each is covered",
            body=None,
            query=ListQuery,
            answers={200: PurchaseList},
            problems=(InvalidInput, Unauthenticated, PurchaseNotFound),
        ),
        Route(
            method="GET",
            path=LIST_PATH + "/{id}",
            handler=partial(_get, deps),
            summary="One of your purchases",
            body=None,
            query=LinkQuery,
            answers={200: PurchaseView},
            problems=(Unauthenticated, PurchaseNotFound),
        ),
        Route(
            method="GET",
            path="/api/warranty/desk",
            handler=partial(_desk, deps),
            summary="How many purchase records there are",
            body=None,
            query=DeskQuery,
            answers={200: DeskView},
            access=roles("support", "admin"),
        ),
        Route(
            method="GET",
            path="/api/warranty/desk/units/{serial}",
            handler=partial(_unit, deps),
            summary="What was bought with this serial number, and until when it is covered",
            body=None,
            query=None,
            answers={200: PurchaseView},
            access=roles("support", "admin"),
            problems=(PurchaseNotFound,),
        ),
    ]


async def _list(deps: Deps, call: Call[None, ListQuery]) -> Answer:
    holder = await asking(deps, call)
    after = read_cursor(call.query.cursor)
    page, rest = await usecases.list_purchases(deps, holder, limit=call.query.limit, after=after)
    headers = {}
    if rest is not None:
        link = {"order": call.query.order, "t": call.query.t} if call.query.order else {}
        query = urlencode({"limit": call.query.limit, "cursor": write_cursor(rest)} | link)
        headers["Link"] = f'<{LIST_PATH}?{query}>; rel="next"'
    return Answer(200, PurchaseList(items=[view_of(deps, record) for record in page]), headers=headers)


async def _get(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    record = await usecases.get_purchase(deps, await asking(deps, call), call.path("id"))
    return Answer(200, view_of(deps, record.for_owner()))


async def asking(deps: Deps, call: Call[Any, LinkQ]) -> Holder:
    """Whose things are asked for: as `holder_of`."""
    return await holder_of(deps, call.identity, order_id=call.query.order, token=call.query.t)


async def _unit(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, view_of(deps, await usecases.find_unit(deps, call.path("serial"))))


async def _desk(deps: Deps, call: Call[None, DeskQuery]) -> Answer:
    figures = await usecases.count_records(deps, days=call.query.days)
    by_day = [DayView(day=row.day, records=row.records) for row in figures.by_day]
    return Answer(200, DeskView(total=figures.total, by_day=by_day))
