"""The API of one's own trail: HTTP in, HTTP out."""

from functools import partial

from pydantic import AwareDatetime

from services.auth.deps import Deps
from services.auth.trail.domain import What
from services.auth.trail.usecases import read_trail
from shared.http.paging import PageQuery, next_link, unknown_cursor
from shared.http.routes import SIGNED_IN, Answer, Call, ResponseModel, Route

PATH = "/api/auth/trail"


class TrailEntryView(ResponseModel):
    """What happened to the account."""

    at: AwareDatetime
    what: What
    details: dict[str, str]
    """Codes and ids; of a `staff-access` also the `reason` that was given for it."""


class TrailView(ResponseModel):
    """A page of entries, newest first."""

    items: list[TrailEntryView]


def trail_routes(deps: Deps) -> list[Route]:
    """The trail."""
    return [
        Route(
            method="GET",
            path=PATH,
            handler=partial(_trail, deps),
            summary="What happened to your account, and who looked at your data; newest first",
            query=PageQuery,
            answers={200: TrailView},
            access=SIGNED_IN,
        )
    ]


async def _trail(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    page = await read_trail(deps, call.who, limit=call.query.limit, after=_number(call.query.behind))
    items = [TrailEntryView(at=each.at, what=each.what, details=dict(each.details)) for each in page.items]
    headers = next_link(PATH, call.query, str(page.after)) if page.after else {}
    return Answer(200, TrailView(items=items), headers=headers)


def _number(behind: str) -> int:
    if not behind:
        return 0
    if not (behind.isascii() and behind.isdigit() and len(behind) < 10 and int(behind)):
        raise unknown_cursor()
    return int(behind)
