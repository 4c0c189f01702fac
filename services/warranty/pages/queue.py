"""The desk's queue by deadline, page by page, with figures and their charts."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BeforeValidator, Field

from services.warranty.claims.domain import Claim, ClaimNotFound
from services.warranty.claims.steps import Status
from services.warranty.claims.store import MOST_FIGURED, SPANS_DAYS, Figures, read_position, write_position
from services.warranty.claims.views import desk_summary_of
from services.warranty.pages.frame import Frame
from shared.http.context import identity_of
from shared.http.explain import Words
from shared.http.intake import read_query
from shared.http.routes import RequestModel, roles

PATH = "/desk/warranty"
SUPPORT = roles("support")
_SHOWN = 50
_FIGURES_DAYS = 90


class DeskQueueQuery(RequestModel):
    """Which part of the queue, or which claim."""

    number: Annotated[str, Field(max_length=40)] = ""
    status: Annotated[Status | None, BeforeValidator(lambda text: text or None)] = None
    cursor: Annotated[str, Field(max_length=400)] = ""
    done: Annotated[str, Field(max_length=40)] = ""


async def show_queue(frame: Frame, request: web.Request) -> web.Response:
    """What waits for the staff, by when it is due, or the claims of one status; a claim by its number; figures."""
    SUPPORT.check(identity_of(request))
    deps, query = frame.deps, read_query(request, DeskQueueQuery)
    number = query.number.strip().upper()
    if number and (claim := await deps.claims.of_number(number)) is not None:
        raise web.HTTPSeeOther(f"{PATH}/claims/{claim.id}")
    found, figures = await asyncio.gather(
        deps.claims.queue(after=read_position(query.cursor), limit=_SHOWN + 1, status=query.status),
        deps.claims.figures(deps.clock() - timedelta(days=_FIGURES_DAYS)),
    )
    words = frame.words(request)
    refused = frame.refused(request, ClaimNotFound()) if number else {}
    return frame.show(
        request,
        "desk_claims.html",
        words["desk"]["title"],
        404 if number else 200,
        claims=[desk_summary_of(claim) for claim in found[:_SHOWN]],
        next_page=_next_page(found, query.status),
        number=query.number,
        chosen=query.status.value if query.status else "",
        days=_FIGURES_DAYS,
        **(_charts(words, figures) | refused),
    )


def _next_page(found: Sequence[Claim], status: Status | None) -> str:
    if len(found) <= _SHOWN:
        return ""
    also = {"status": status.value} if status else {}
    return f"{PATH}?{urlencode({'cursor': write_position(found[_SHOWN - 1])} | also)}"


def _charts(words: Words, figures: Figures) -> dict[str, Any]:
    """Figures, and rows of a name, a count and the length of its bar: 100 is the longest."""
    said, at_desk, desk_words = words["status"], words["at_desk"], words["desk"]
    by_status = sorted(figures.by_status.items())
    spans = [*(desk_words["within"].format(days=days) for days in SPANS_DAYS[1:]), desk_words["longer"]]
    took = zip([desk_words["within_one"], *spans], figures.by_duration, strict=True)
    return {
        "figures": {name: counted(getattr(figures, name)) for name in ("waiting", "overdue", "resolved")},
        "by_status": [(status, counted(count)) for status, count in by_status],
        "bars": _bars([(at_desk.get(status) or said[status], count) for status, count in by_status]),
        "took": _bars(list(took)) if figures.resolved else [],
        "hours": max(1, ceil(figures.median_resolution_s / 3600)),
    }


def _bars(rows: Sequence[tuple[str, int]]) -> list[tuple[str, str, int]]:
    most = max((count for _, count in rows), default=0) or 1
    return [(name, counted(count), round(100 * count / most)) for name, count in rows]


def counted(count: int) -> str:
    """A figure as it is shown: they are not counted without end."""
    return f"{count}+" if count >= MOST_FIGURED else str(count)
