"""A tiny service that the tests of the HTTP edge talk to."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from aiohttp import web
from pydantic import Field, SecretStr

from shared.errors import DomainError, ErrorKind, TransientError
from shared.http.app import build_api
from shared.http.context import who
from shared.http.cookies import Cookie
from shared.http.pages import Pages, parse_form, redirect
from shared.http.routes import SIGNED_IN, Answer, RequestModel, ResponseModel, Route, roles
from shared.settings import BaseSettings
from shared.testing.identity import SigningAuth
from shared.trace import current_traceparent

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Settings(BaseSettings):
    service: ClassVar[str] = "orders"


def some_settings(**changes):
    values = {
        "public_url": "https://localhost:8443",
        "http_port": 0,
        "mongo_url": SecretStr("mongodb://127.0.0.1/"),
        "amqp_url": SecretStr("amqp://127.0.0.1/"),
        "key_dir": Path("/nowhere"),
        "seal_keys_dir": Path("/nowhere"),
        "jwks_url": "http://127.0.0.1/jwks.json",
        "body_limit_bytes": 2048,
    }
    return Settings(**(values | changes))


class Line(RequestModel):
    """One article."""

    sku: Annotated[str, Field(min_length=1, max_length=40)]
    quantity: Annotated[int, Field(ge=1, le=20)] = 1
    """How many."""


class Contact(RequestModel):
    name: Annotated[str, Field(max_length=100)]
    email: Annotated[str, Field(max_length=254)]


class OrderRequest(RequestModel):
    """What somebody wants."""

    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=50)]
    currency: Literal["JPY", "USD"] = "JPY"
    weight_kg: float | None = None
    contact: Contact | None = None
    newsletter: bool = False


class OrderView(ResponseModel):
    id: str
    pieces: int
    at: datetime
    contact: str = ""


class ListQuery(RequestModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    """How many at most."""
    cursor: str = ""


class Page(ResponseModel):
    limit: int
    cursor: str


class SoldOut(DomainError):
    """That watch is sold out."""

    kind = ErrorKind.CONFLICT
    code = "sold-out"


class SlowDown(DomainError):
    """Too many orders at once."""

    kind = ErrorKind.TOO_MANY
    code = "too-many-orders"


class Shop:
    """Handlers, and what they have seen."""

    def __init__(self):
        self.orders = []
        self.entered = asyncio.Event()
        self.parts = {"mongo": True}
        self.traces = []

    async def order(self, call):
        self.orders.append(call.body)
        self.traces.append(current_traceparent())
        skus = {line.sku for line in call.body.lines}
        if "GONE" in skus:
            raise SoldOut
        if "FAST" in skus:
            raise SlowDown(retry_after_s=7)
        if "AWAY" in skus:
            raise TransientError("mongodb://user:hush@db is away", retry_after_s=3)
        if "BUG" in skus:
            raise KeyError("anna@example.com")
        pieces = sum(line.quantity for line in call.body.lines)
        name = call.body.contact.name if call.body.contact else ""
        return Answer(201, OrderView(id="o-1", pieces=pieces, at=NOON, contact=name), {"Location": "/api/orders/o-1"})

    async def get(self, call):
        return Answer(
            200, OrderView(id=call.path("id"), pieces=1, at=NOON), {"Cache-Control": "private", "ETag": '"1"'}
        )

    async def page(self, call):
        return Answer(200, Page(limit=call.query.limit, cursor=call.query.cursor))

    async def mine(self, call):
        return Answer(200, OrderView(id=call.who.subject, pieces=0, at=NOON))

    async def forget(self, _call):
        return Answer(204, cookies=[Cookie.deletion("session"), Cookie("remember", "x.y", max_age_s=3600)])

    async def sleep(self, _call):
        self.entered.set()
        await asyncio.Event().wait()

    async def finish(self, request):
        self.entered.set()
        await request.app[FINISH].wait()
        return web.Response(text="done")

    async def wait_until_entered(self, _request):
        await self.entered.wait()
        return web.Response()

    async def show(self, request):
        name = request.query.get("name", "")
        return self.pages.render(request, "checkout.html", name=name, at=NOON)

    async def buy(self, request):
        form = await parse_form(request, OrderRequest)
        self.orders.append(form)
        if form.newsletter:
            return redirect("/thanks", self.settings, Cookie("prefs", "en.JPY"))
        response = web.HTTPSeeOther("/thanks")
        response.set_cookie("raised", "1")
        raise response

    async def private(self, request):
        return web.Response(text=who(request).subject)

    async def one_click(self, _request):
        return web.Response(text="unsubscribed")

    def routes(self):
        return [
            Route("POST", "/api/orders", self.order, "Buy", body=OrderRequest, answers={201: OrderView},
                  problems=[SoldOut, SlowDown], headers=["Idempotency-Key"]),
            Route("GET", "/api/orders", self.page, "List", query=ListQuery, answers={200: Page}),
            Route("GET", "/api/orders/mine", self.mine, "Mine", answers={200: OrderView}, access=SIGNED_IN),
            Route("GET", "/api/orders/desk", self.mine, "Desk", answers={200: OrderView},
                  access=roles("support", "admin")),
            Route("GET", "/api/orders/sleep", self.sleep, "Sleep", answers={204: None}),
            Route("GET", "/api/orders/{id}", self.get, "One", answers={200: OrderView}),
            Route("PUT", "/api/orders/{id}", self.get, "Change", answers={200: OrderView}),
            Route("DELETE", "/api/orders/session", self.forget, "Forget"),
        ]  # fmt: skip

    def build(self, settings=None, *, auth=None, package="tests.unit.shared.example", **options):
        self.settings = settings = settings or some_settings()
        self.pages = Pages(settings, package, languages=("en", "de"))
        auth = auth or SigningAuth("orders", lambda: NOON)

        async def ready():
            return self.parts

        app = build_api(
            settings,
            routes=self.routes(),
            pages=[
                web.get("/checkout", self.show),
                web.post("/checkout", self.buy),
                web.get("/private", self.private),
                web.get("/finish", self.finish),
                web.get("/entered", self.wait_until_entered),
                web.post("/one-click", self.one_click),
            ],
            identities=auth.verifier,
            ready=ready,
            cross_site_ok=["/one-click"],
            **options,
        )
        app[FINISH] = asyncio.Event()
        return app


FINISH = web.AppKey("finish", asyncio.Event)
