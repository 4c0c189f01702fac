"""All campaigns, newest first."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.mailer.campaigns.usecases import list_campaigns
from services.mailer.pages.frame import PATH, Frame
from shared.http.intake import read_query
from shared.http.routes import RequestModel

_SHOWN = 30


class PageQuery(RequestModel):
    """Which page of the list."""

    cursor: Annotated[str, Field(max_length=200)] = ""
    done: Annotated[str, Field(max_length=40)] = ""


def listing_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """One page."""
    return [frame.get(PATH, _list)]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    query = read_query(request, PageQuery)
    found, rest = await list_campaigns(frame.deps, limit=_SHOWN, before=query.cursor)
    rows = [(campaign, campaign.content_for(frame.rendered.language_of(request))[1].subject) for campaign in found]
    return frame.show(
        request, "desk_campaigns.html", frame.words(request)["list"]["title"], campaigns=rows, cursor=rest
    )
