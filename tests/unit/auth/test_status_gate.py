"""Whom the gateway shows its status page: staff of every role, by their session, and nobody else."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.auth.accounts.domain import STAFF_ROLES
from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.people import ANN, a_customer
from tests.unit.auth.test_desk import _log_in_staff

PATH = "/internal/staff"


async def asked(client: TestClient[Any, Any], browser: Browser | None = None) -> int:
    answer = await client.get(PATH, headers=browser._cookie_header() if browser else {})
    assert "Set-Cookie" not in answer.headers
    return int(answer.status)


@pytest.mark.parametrize("role", STAFF_ROLES)
async def test_staff_of_any_role_are_let_in(
    browser: Browser, client: TestClient[Any, Any], world: World, role: str
) -> None:
    staff = await _log_in_staff(browser, world, role)

    assert await asked(client, staff) == 200


async def test_guests_and_customers_are_not(browser: Browser, client: TestClient[Any, Any], world: World) -> None:
    await a_customer(world)
    assert await asked(client) == 403
    assert (await browser.log_in(ANN, PASSWORD, remember=True)).status == 200

    assert await asked(client, browser) == 403
    browser.close()  # remembered only, which must cost nothing of what is remembered
    kept = dict(browser.jar)
    assert await asked(client, browser) == 403
    assert (await browser.identity()).headers["X-Identity"]
    assert kept
