"""Who may try, and who must wait, as seen through the API."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.auth.app import build_app
from services.auth.refusals import TooManyTries
from services.auth.sessions.login import TRIES
from shared.errors import TransientError
from tests.unit.auth.doubles import PASSWORD, Browser, World, some_settings
from tests.unit.auth.people import ANN, BOB, a_customer

WRONG = "not the right password"
HOME = {"X-Forwarded-For": "203.0.113.7"}
ELSEWHERE = {"X-Forwarded-For": "198.51.100.7"}
PER_NETWORK = 12


@pytest.fixture
def world() -> World:
    """Few tries for a network."""
    return World(some_settings(tries_per_network=PER_NETWORK))


@pytest.fixture
async def ann(world: World) -> str:
    return await a_customer(world)


@pytest.fixture
def stranger(client: TestClient[Any, Any], world: World) -> Browser:
    return Browser(client, world.settings)


async def _try(browser: Browser, email: str, password: str = WRONG, **headers: str) -> int:
    body = {"email": email, "password": password}
    return (await browser.send("POST", "/api/auth/session", json=body, headers=headers)).status


async def _shut(world: World, email: str = ANN) -> None:
    """Strangers from all over the world use up an address."""
    async with TestClient(TestServer(build_app(world.deps))) as client:
        for number in range(TRIES.most):
            await _try(Browser(client, world.settings), email, **{"X-Forwarded-For": f"100.64.{number}.1"})


async def test_ten_tries_are_answered_from_anywhere_and_no_more(stranger: Browser, ann: str) -> None:
    statuses = [await _try(stranger, ann, **{"X-Forwarded-For": f"100.64.{number}.1"}) for number in range(30)]

    assert statuses == [401] * 10 + [429] * 20


async def test_strangers_cannot_lock_out_a_browser_that_is_logged_in(world: World, browser: Browser, ann: str) -> None:
    await browser.log_in(ann)
    await _shut(world)

    assert await _try(browser, ann, PASSWORD, **HOME) == 200


async def test_strangers_cannot_lock_out_a_browser_that_is_remembered(world: World, browser: Browser, ann: str) -> None:
    await browser.log_in(ann, remember=True)
    browser.close()
    await _shut(world)

    assert await _try(browser, ann, PASSWORD, **HOME) == 200


async def test_a_browser_of_another_account_is_a_stranger(world: World, browser: Browser, ann: str) -> None:
    await a_customer(world, BOB)
    await browser.log_in(BOB, remember=True)
    await _shut(world)

    assert await _try(browser, ann, PASSWORD, **HOME) == 429


@pytest.mark.parametrize("cookie", ["session", "remember"])
async def test_cookies_that_are_over_make_nobody_known(
    world: World, browser: Browser, client: TestClient[Any, Any], ann: str, cookie: str
) -> None:
    await browser.log_in(ann, remember=True)
    old = browser.copy()
    old.jar = {name: value for name, value in old.jar.items() if name == old.name(cookie)}
    await browser.send("DELETE", "/api/auth/session")
    await _shut(world)

    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in old.jar.items()), "Sec-Fetch-Site": "none"}
    answer = await client.post("/api/auth/session", json={"email": ann, "password": PASSWORD}, headers=headers | HOME)

    assert answer.status == 429


async def test_a_known_browser_has_ten_tries_too_and_no_more(browser: Browser, ann: str) -> None:
    await browser.log_in(ann)

    statuses = [await _try(browser, ann, **{"X-Forwarded-For": f"100.64.{number}.1"}) for number in range(12)]

    assert statuses == [401] * 10 + [429] * 2


async def test_an_owner_who_gets_in_by_a_known_browser_gives_strangers_no_new_tries(
    world: World, browser: Browser, stranger: Browser, ann: str
) -> None:
    await browser.log_in(ann)
    await _shut(world)

    await _try(browser, ann, PASSWORD, **HOME)

    assert await _try(stranger, ann, **ELSEWHERE) == 429


async def test_strangers_without_cookies_cost_no_read_of_sessions(world: World, stranger: Browser, ann: str) -> None:
    before = world.sessions.reads

    await _try(stranger, ann)
    await _try(stranger, "nobody@shop.example")

    assert world.sessions.reads == before


async def test_known_and_unknown_addresses_cost_a_browser_with_cookies_the_same_reads(
    world: World, browser: Browser, ann: str
) -> None:
    await browser.log_in(ann)
    reads = []
    for email in (ann, BOB, "nobody@shop.example"):
        before = world.sessions.reads
        await _try(browser, email)
        reads.append(world.sessions.reads - before)

    assert len(set(reads)) == 1


async def test_the_wait_is_told_and_grows_up_to_an_hour(world: World, stranger: Browser, ann: str) -> None:
    waits = []
    for _ in range(5):
        await _shut(world)
        answer = await stranger.send("POST", "/api/auth/session", json={"email": ann, "password": WRONG}, headers=HOME)
        waits.append(int(answer.headers["Retry-After"]))
        world.clock.advance(seconds=waits[-1])

    assert waits == [901, 1801, 3601, 3601, 3601]


async def test_one_network_has_so_many_tries_over_all_accounts(stranger: Browser) -> None:
    statuses = [await _try(stranger, f"a-{number}@shop.example", **HOME) for number in range(PER_NETWORK + 2)]

    assert statuses == [401] * PER_NETWORK + [429] * 2
    assert await _try(stranger, "another@shop.example", **{"X-Forwarded-For": "203.0.113.99"}) == 429  # next door
    assert await _try(stranger, "another@shop.example", **ELSEWHERE) == 401


async def test_a_refusal_is_the_same_whether_the_network_or_the_account_is_full(
    world: World, stranger: Browser, ann: str
) -> None:
    for number in range(PER_NETWORK):
        await _try(stranger, f"a-{number}@shop.example", **HOME)
    await _shut(world)

    answers = [
        await stranger.send("POST", "/api/auth/session", json={"email": email, "password": WRONG}, headers=headers)
        for email, headers in ((ann, ELSEWHERE), (BOB, HOME), ("nobody@shop.example", HOME))
    ]

    bodies = [await answer.json() | {"instance": "", "request_id": ""} for answer in answers]
    assert [answer.status for answer in answers] == [429] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert bodies[1] == bodies[2]
    assert {body["type"] for body in bodies} == {"/problems/too-many-tries"}


async def test_logins_that_succeed_do_not_count_for_the_network(stranger: Browser, ann: str) -> None:
    statuses = [await _try(stranger, ann, PASSWORD, **HOME) for _ in range(2 * PER_NETWORK)]

    assert statuses == [200] * 2 * PER_NETWORK


async def test_what_an_account_refuses_does_not_count_for_the_network(
    world: World, stranger: Browser, ann: str
) -> None:
    await _shut(world)
    assert {await _try(stranger, ann, **HOME) for _ in range(3 * PER_NETWORK)} == {429}

    assert await _try(stranger, "another@shop.example", **HOME) == 401


async def test_what_a_network_is_refused_does_not_count_for_the_account(stranger: Browser, ann: str) -> None:
    for number in range(PER_NETWORK):
        await _try(stranger, f"a-{number}@shop.example", **HOME)
    assert {await _try(stranger, ann, **HOME) for _ in range(2 * TRIES.most)} == {429}

    assert await _try(stranger, ann, PASSWORD, **ELSEWHERE) == 200


async def test_new_accounts_count_for_the_network(stranger: Browser) -> None:
    statuses = []
    for number in range(PER_NETWORK + 1):
        wish = {"email": f"a-{number}@shop.example", "name": "Ann", "password": PASSWORD}
        statuses.append((await stranger.send("POST", "/api/auth/accounts", json=wish, headers=HOME)).status)

    assert statuses == [202] * PER_NETWORK + [429]


async def test_forgotten_passwords_and_codes_count_for_the_network(stranger: Browser) -> None:
    for number in range(PER_NETWORK):
        body: dict[str, str] = {"email": f"a-{number}@shop.example"}
        path = "/api/auth/password/forgot" if number % 2 else "/api/auth/accounts/verify"
        body |= {} if number % 2 else {"code": "AAAA-AAAA"}
        assert (await stranger.send("POST", path, json=body, headers=HOME)).status in (202, 401, 404, 410, 422)

    assert await _try(stranger, "another@shop.example", **HOME) == 429


async def test_a_client_whose_network_is_not_known_counts_for_none(world: World) -> None:
    for number in range(PER_NETWORK + 1):
        await world.deps.guard.admit(TRIES, f"a-{number}")
        await world.deps.guard.admit_network("")


async def test_a_network_is_stored_only_as_a_keyed_hash(world: World) -> None:
    await world.deps.guard.admit(TRIES, "a-1", network="203.0.113.0/24")

    assert {name for name, _ in world.tries.stored} == {"login", "network"}
    assert "203.0.113" not in repr(world.tries.stored)


async def test_forgetting_lets_strangers_and_known_browsers_begin_anew(world: World) -> None:
    guard = world.deps.guard
    for known in (False, True):
        for _ in range(TRIES.most):
            await guard.admit(TRIES, "a-1", known=known)
        with pytest.raises(TooManyTries):
            await guard.admit(TRIES, "a-1", known=known)

    await guard.forget(TRIES, "a-1")

    for known in (False, True):
        await guard.admit(TRIES, "a-1", known=known)


async def test_what_could_not_be_judged_counts_for_nobody(world: World) -> None:
    guard = world.deps.guard

    for _ in range(TRIES.most + PER_NETWORK):
        with pytest.raises(TransientError):
            async with guard.attempt(TRIES, "a-1", network="203.0.113.0/24"):
                raise TransientError("too many passwords are being checked")

    async with guard.attempt(TRIES, "a-1", network="203.0.113.0/24"):
        pass


async def test_a_try_counts_while_it_is_judged(world: World) -> None:
    guard = world.deps.guard
    async with AsyncExitStack() as judged:
        for _ in range(TRIES.most):
            await judged.enter_async_context(guard.attempt(TRIES, "a-1"))

        with pytest.raises(TooManyTries):
            await judged.enter_async_context(guard.attempt(TRIES, "a-1"))


async def test_a_closed_network_uses_up_nobodys_tries(world: World) -> None:
    guard, network = world.deps.guard, "203.0.113.0/24"
    for _ in range(PER_NETWORK):
        await guard.admit_network(network)

    for _ in range(TRIES.most):
        with pytest.raises(TooManyTries):
            async with guard.attempt(TRIES, "a-1", network=network):
                pass

    async with guard.attempt(TRIES, "a-1", network="198.51.100.0/24"):
        pass
