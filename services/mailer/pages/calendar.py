"""The month: what goes out on which day, what the cap allows, and the days that need a place in both months."""

from calendar import Calendar as Weeks
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.mailer.campaigns.domain import Campaign
from services.mailer.months import Calendar
from services.mailer.pages.frame import PATH, Frame
from shared.http.intake import read_query
from shared.http.routes import RequestModel


class MonthQuery(RequestModel):
    """Which month; this one where none is named."""

    month: Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the month: its campaigns, and whether a copy sent on it may need a place in another month, too."""

    on: date
    campaigns: Sequence[tuple[Campaign, str]]
    is_edge: bool


def calendar_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """One page."""
    return [frame.get(f"{PATH}/calendar", _month)]


async def _month(frame: Frame, request: web.Request) -> web.Response:
    calendar = frame.deps.settings.calendar
    month = read_query(request, MonthQuery).month or calendar.month_of(frame.deps.clock())
    first = date.fromisoformat(f"{month}-01")
    following = _following(first)
    found = await frame.deps.campaigns.between(_begins(calendar, first), _begins(calendar, following))
    language = frame.rendered.language_of(request)
    titled = [(campaign, campaign.content_for(language)[1].subject) for campaign in found]
    return frame.show(
        request,
        "desk_calendar.html",
        frame.words(request)["calendar"]["title"].format(year=first.year, month=first.month),
        weeks=[[_day(calendar, first, day, titled) for day in week] for week in _weeks(first)],
        cap=calendar.table.of(first.month),
        before=f"{first - timedelta(days=1):%Y-%m}",
        after=f"{following:%Y-%m}",
    )


def _weeks(first: date) -> list[list[date]]:
    return Weeks().monthdatescalendar(first.year, first.month)


def _day(calendar: Calendar, first: date, day: date, found: Sequence[tuple[Campaign, str]]) -> Day | None:
    """None where the day is of another month."""
    if day.month != first.month:
        return None
    begins, ends = _begins(calendar, day), _begins(calendar, day + timedelta(days=1))
    is_edge = any(len(calendar.place_at(moment).caps) > 1 for moment in (begins, ends - timedelta(seconds=1)))
    return Day(day, [each for each in found if begins <= each[0].send_at < ends], is_edge)


def _begins(calendar: Calendar, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=calendar.zone).astimezone(UTC)


def _following(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
