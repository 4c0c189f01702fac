"""The desk looks a customer up: with a reason, for the customer to read."""

from dataclasses import replace
from typing import Any

import pyotp
import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from services.auth.accounts.passwords import Password
from services.auth.app import build_app
from services.auth.desk.usecases import LOOKS
from services.auth.staff.usecases import NewStaff, add_staff
from services.auth.trail.domain import Note
from shared.errors import TransientError
from tests.unit.auth.doubles import PASSWORD, Browser, MemoryTrail, World
from tests.unit.auth.people import ANN, SUE, a_customer

PATH = "/api/auth/desk/people"
REASON = "She asks on the phone why she cannot log in."


@pytest.fixture
async def ann(world: World) -> str:
    """The id of a customer."""
    await a_customer(world)
    return next(iter(world.accounts.stored))


async def _log_in_staff(browser: Browser, world: World, role: str, email: str = SUE) -> Browser:
    secret = await add_staff(world.deps, NewStaff(email, "Sue", role, Password(PASSWORD)))
    assert (await browser.log_in(email, otp=pyotp.TOTP(secret).at(world.clock()))).status == 200
    return browser


@pytest.fixture
async def sue(browser: Browser, world: World, ann: str) -> Browser:
    """Sue of the support."""
    return await _log_in_staff(browser, world, "support")


async def _look(browser: Browser, email: str = ANN, reason: Any = REASON) -> Any:
    return await browser.send("POST", PATH, json={"email": email, "reason": reason})


def _last(world: World, account_id: str) -> Note:
    return [note for owner, note in world.trail.stored if owner == account_id][-1]


async def test_support_finds_a_customer(sue: Browser, ann: str) -> None:
    answer = await _look(sue, " Ann@Shop.example")

    assert answer.status == 200
    body = await answer.json()
    assert body.pop("created_at")
    assert body == {"account_id": ann, "name": "Ann Example", "email_verified": True, "second_factor": False}


async def test_the_customer_reads_who_looked_and_why(
    sue: Browser, world: World, ann: str, client: TestClient[Any, Any]
) -> None:
    await _look(sue)

    customer = Browser(client, world.settings)
    await customer.log_in(ANN)
    items = (await (await customer.send("GET", "/api/auth/trail")).json())["items"]
    [access] = [item for item in items if item["what"] == "staff-access"]
    assert access["details"]["reason"] == REASON
    assert access["details"]["roles"] == "support"
    assert access["details"]["staff"] == list(world.accounts.stored)[1]


async def test_whoever_looks_has_it_in_their_own_trail_too(sue: Browser, world: World, ann: str) -> None:
    await _look(sue)
    await _look(sue, "nobody@shop.example")

    items = (await (await sue.send("GET", "/api/auth/trail?limit=2")).json())["items"]
    assert [(item["what"], item["details"]["found"]) for item in items] == [
        ("staff-lookup", "no"),
        ("staff-lookup", ann),
    ]
    assert {item["details"]["reason"] for item in items} == {REASON}


async def test_no_trail_holds_an_address_or_a_reason_in_clear(sue: Browser, world: World) -> None:
    await _look(sue)
    await _look(sue, "nobody@shop.example")

    stored = repr(world.trail.stored)
    assert REASON not in stored
    assert "shop.example" not in stored


async def test_staff_are_no_customers(sue: Browser, world: World) -> None:
    await add_staff(world.deps, NewStaff("max@staff.example", "Max", "fraud", Password(PASSWORD)))

    answers = [await _look(sue, email) for email in ("max@staff.example", SUE, "nobody@shop.example")]

    assert [answer.status for answer in answers] == [404] * 3
    assert "staff-access" not in [note.what for _, note in world.trail.stored]


async def test_an_erased_person_is_not_found(sue: Browser, world: World, ann: str) -> None:
    await world.deps.people.erase(ann)

    assert (await _look(sue)).status == 404


@pytest.mark.parametrize(("role", "status"), [("officer", 200), ("admin", 200), ("marketing", 403), ("fraud", 403)])
async def test_who_may_look(browser: Browser, world: World, ann: str, role: str, status: int) -> None:
    await _log_in_staff(browser, world, role)

    answer = await _look(browser)

    assert answer.status == status
    assert ("Ann" in await answer.text()) == (status == 200)


async def test_customers_and_strangers_may_not_look(browser: Browser, world: World, ann: str) -> None:
    stranger = await _look(browser)
    await browser.log_in(ANN)
    customer = await _look(browser)

    assert (stranger.status, customer.status) == (401, 403)
    assert "staff-access" not in world.trail.whats(ann)


@pytest.mark.parametrize("reason", ["", "too short", " " * 50, "x" * 501, "line\nline line line", None, {"$ne": ""}])
async def test_without_a_reason_nothing_is_shown(sue: Browser, world: World, ann: str, reason: Any) -> None:
    answer = await _look(sue, reason=reason)

    assert answer.status == 422
    assert "Ann" not in await answer.text()
    assert "staff-access" not in world.trail.whats(ann)


async def test_a_list_of_addresses_cannot_be_tried(sue: Browser, world: World) -> None:
    statuses = [(await _look(sue, f"a-{number}@shop.example")).status for number in range(LOOKS.most + 1)]

    assert statuses == [404] * LOOKS.most + [429]


class _FullFor(MemoryTrail):
    """Takes nothing more for one account."""

    def __init__(self, account_id: str, before: MemoryTrail) -> None:
        super().__init__()
        self.stored = before.stored
        self._full_for = account_id

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        if account_id == self._full_for:
            raise TransientError("away")
        return await super().append(account_id, note, key=key)


async def test_what_cannot_be_noted_is_not_shown(sue: Browser, world: World, ann: str) -> None:
    app = build_app(replace(world.deps, trail=_FullFor(ann, world.trail)))

    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as other:
        twin = Browser(other, world.settings)
        twin.jar = dict(sue.jar)
        answer = await _look(twin)
        text = await answer.text()

    assert answer.status == 503
    assert "Ann" not in text
