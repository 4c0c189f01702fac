"""The contract of each service, from its real routes: valid OpenAPI 3.1, and a page that people can read."""

import re
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import MagicMock

import pytest
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import SecretStr

from services.auth import routes as auth
from services.auth.accounts.domain import CUSTOMER, STAFF_ROLES
from services.auth.accounts.passwords import MailedCode, OneTimeCode, Password
from services.auth.factors.codes import RecoveryCode
from services.mailer import app as mailer
from services.orders import app as orders
from services.warranty import routes as warranty
from shared.health import Readiness
from shared.http.app import build_api
from shared.http.openapi import openapi_document
from shared.http.preferences import LANGUAGES
from shared.http.routes import Route
from shared.secrets import Secret
from shared.settings import BaseSettings

ROUTES: dict[str, Callable[[Any], Sequence[Route]]] = {
    "auth": auth.routes,
    "mailer": mailer.routes,
    "orders": orders.routes,
    "warranty": warranty.routes,
}
SERVICES = pytest.mark.parametrize("service", ROUTES)


def routes_of(service: str) -> Sequence[Route]:
    """The real list; its handlers get nothing to work with, for none of them is called."""
    return ROUTES[service](MagicMock())


def settings_of(name: str) -> BaseSettings:
    class Settings(BaseSettings):
        service: ClassVar[str] = name

    return Settings(
        public_url="https://localhost:8443",
        http_port=0,
        mongo_url=SecretStr("mongodb://127.0.0.1/"),
        amqp_url=SecretStr("amqp://127.0.0.1/"),
        key_dir=Path("/nowhere"),
        seal_keys_dir=Path("/nowhere"),
        jwks_url="http://127.0.0.1/jwks.json",
    )


@SERVICES
def test_the_contract_is_valid(service: str) -> None:
    document = openapi_document(service, routes_of(service))

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@SERVICES
async def test_the_page_shows_each_operation(service: str) -> None:
    routes = routes_of(service)
    app = build_api(settings_of(service), routes=routes, identities=MagicMock(), ready=MagicMock(Readiness))

    async with TestClient(TestServer(app)) as client:
        response = await client.get(f"/api/{service}/docs")
        text = unescape(await response.text())

    assert response.status == 200
    assert [route.summary for route in routes if route.summary not in text] == []


def _operations(service: str) -> dict[str, Any]:
    paths = openapi_document(service, routes_of(service))["paths"]
    return {f"{method.upper()} {path}": each for path, methods in paths.items() for method, each in methods.items()}


@SERVICES
def test_refusals_that_pass_and_challenges_have_their_header(service: str) -> None:
    wanted = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}

    for name, operation in _operations(service).items():
        for status, header in wanted.items():
            if status in operation["responses"]:
                assert header in operation["responses"][status]["headers"], f"{name} {status}"


@pytest.mark.parametrize(
    ("operation", "status", "header"),
    [
        ("POST /api/auth/session", "200", "Set-Cookie"),
        ("DELETE /api/auth/session", "204", "Set-Cookie"),
        ("POST /api/auth/session/passkey", "200", "Set-Cookie"),
        ("PUT /api/auth/password", "200", "Set-Cookie"),
        ("PUT /api/auth/preferences", "200", "Set-Cookie"),
        ("DELETE /api/auth/remember", "204", "Set-Cookie"),
        ("DELETE /api/auth/me", "202", "Set-Cookie"),
        ("GET /api/auth/me/exports/{id}/archive", "200", "Content-Disposition"),
        ("GET /api/auth/trail", "200", "Link"),
        ("GET /api/orders", "200", "Link"),
        ("GET /api/warranty/purchases", "200", "Link"),
    ],
)
def test_headers_of_good_answers_are_declared(operation: str, status: str, header: str) -> None:
    service = operation.split("/")[2]

    assert header in _operations(service)[operation]["responses"][status]["headers"]


def test_each_operation_of_auth_has_its_subject() -> None:
    tags = {tag for operation in _operations("auth").values() for tag in operation["tags"]}

    assert tags == {"accounts", "sessions", "factors", "my data", "trail", "desk"}
    assert all(len(operation["tags"]) == 1 for operation in _operations("auth").values())


def test_what_auth_takes_and_tells_has_bounds_and_closed_lists() -> None:
    schemas = openapi_document("auth", routes_of("auth"))["components"]["schemas"]
    login, lookup = schemas["Login"]["properties"], schemas["Lookup"]["properties"]
    account, entry = schemas["AccountView"]["properties"], schemas["TrailEntryView"]["properties"]

    assert (login["password"]["minLength"], login["password"]["maxLength"]) == (1, 1024)
    assert schemas["Registration"]["properties"]["password"]["minLength"] == 15
    assert all("pattern" in login[name]["anyOf"][0] for name in ("otp", "recovery_code"))
    assert (lookup["reason"]["minLength"], lookup["reason"]["maxLength"]) == (10, 500)
    assert set(account["roles"]["items"]["enum"]) == {CUSTOMER, *STAFF_ROLES}
    assert set(account["language"]["enum"]) == set(LANGUAGES)
    assert "staff-access" in entry["what"]["enum"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OneTimeCode, "123456"), (OneTimeCode, "123 456"), (MailedCode, "K7QF-2M9P"), (MailedCode, "k7qf2m9p"),
        (RecoveryCode, "7F3K-Q2XM-9D4T-1VWB"), (RecoveryCode, "7f3k q2xm 9d4t 1vwb"), (Password, "p"),
    ],
)  # fmt: skip
def test_what_is_taken_is_within_the_bounds_that_are_told(kind: type[Secret[str]], text: str) -> None:
    kind(text)

    assert re.search(kind.bounds.get("pattern", ""), text)
    assert kind.bounds.get("minLength", 0) <= len(text) <= kind.bounds["maxLength"]
