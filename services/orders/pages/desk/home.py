"""The way into the desk: the parts of it that a member of staff may enter, each at the service that it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from services.orders.pages.frame import Frame
from shared.http.context import identity_of
from shared.http.routes import roles

PATH = "/desk"
STAFF = roles("support", "marketing", "fraud", "officer", "admin")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the desk: where it is, who may enter. Its name is a word of the subject `desk_home`."""

    name: str
    path: str
    roles: frozenset[str]


PARTS = (
    Part("orders", "/desk/orders", frozenset({"support", "admin"})),
    Part("warranty", "/desk/warranty", frozenset({"support"})),
    Part("newsletter", "/desk/newsletter", frozenset({"marketing", "admin"})),
    Part("reviews", "/desk/orders/reviews", frozenset({"fraud"})),
)


def home_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For staff of every role."""
    return [frame.get(PATH, _home)]


async def _home(frame: Frame, request: web.Request) -> web.Response:
    identity = identity_of(request)
    STAFF.check(identity)
    assert identity is not None
    words = frame.words(request)["desk_home"]
    parts = [(words[part.name], part.path) for part in PARTS if part.roles & identity.roles]
    return frame.show(request, "desk_home.html", words["title"], parts=parts)
