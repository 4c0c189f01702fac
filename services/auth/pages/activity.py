"""What happened to an account, and who of the staff has looked at the person's data and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from services.auth.pages.explain import device_text
from services.auth.pages.frame import Frame, Shown
from services.auth.trail.usecases import Entry, read_trail
from shared.http.context import who
from shared.http.explain import Words
from shared.http.intake import read_query
from shared.http.routes import RequestModel

_PAGE = 50


class TrailQuery(RequestModel):
    """Where the list goes on."""

    after: int = Field(default=0, ge=0, le=10**12)


def activity_pages(frame: Frame) -> list[web.RouteDef]:
    """The one page."""
    return [frame.get("/account/activity", _list)]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    after = read_query(request, TrailQuery).after
    page = await read_trail(frame.deps, who(request), limit=_PAGE, after=after)
    words = frame.words(request)
    entries = [_line(words, entry) for entry in page.items]
    rest = f"after={page.after}" if page.after else ""
    return frame.show(request, Shown("activity.html", "activity", more={"entries": entries, "rest": rest}))


def _line(words: Words, entry: Entry) -> dict[str, Any]:
    what = words["happened"]
    details = list(_details(words, entry))
    return {"at": entry.at, "sentence": what.get(entry.what, what["other"]), "details": details}


def _details(words: Words, entry: Entry) -> Iterator[str]:
    """What of the details says something to a person; ids do not."""
    own, details = words["activity"], entry.details
    if device := details.get("device"):
        yield own["on_device"].format(device=device_text(words, device))
    if entry.what == "staff-access":
        yield from _access(words, details)
    if reason := details.get("reason"):
        yield own["reason"].format(reason=reason)


def _access(words: Words, details: Mapping[str, str]) -> Iterator[str]:
    """What was looked at, and in which role."""
    own, roles, seen = words["activity"], words["roles"], words["seen"]
    yield seen.get(details.get("what", ""), seen["other"])
    named = [roles.get(role, roles["other"]) for role in details.get("roles", "").split()]
    yield own["by_role"].format(role=", ".join(named or [roles["other"]]))
