"""What the gateway asks, and what services make of the answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.app import build_app
from services.auth.identity.issuer import PUBLISHED_FIRST, REUSED_FOR, IdentityIssuer
from services.auth.sessions.domain import ABSOLUTE, IDLE
from services.auth.sessions.seen import SeenSessions
from shared.errors import TransientError
from shared.identity import InvalidIdentity, read_key_set, verify_identity
from shared.lifecycle import listening
from shared.testing.clock import FixedClock
from shared.testing.identity import an_identity
from shared.testing.keys import MemoryKeys
from tests.unit.auth.doubles import PASSWORD, Browser, MemorySessions, World, some_notes
from tests.unit.auth.stores_suite import a_session

ANN = "ann@shop.example"
ISSUED = an_identity()


@pytest.fixture
async def ann(browser: Browser, world: World) -> Browser:
    """Ann's browser, logged in."""
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    await browser.log_in(ANN)
    return browser


@pytest.mark.parametrize("audience", ["auth", "orders", "mailer", "warranty"])
async def test_a_session_gives_an_identity_for_one_audience(ann: Browser, world: World, audience: str) -> None:
    answer = await ann.identity(audience)

    token = answer.headers["X-Identity"]
    identity = await world.verifier(audience).verify(token)
    [session] = world.sessions.stored.values()
    assert (identity.subject, identity.session) == (session.account_id, session.id)
    assert (identity.roles, identity.fresh, identity.email_verified) == (frozenset({"customer"}), True, True)
    other = "orders" if audience != "orders" else "mailer"
    with pytest.raises(InvalidIdentity):
        await world.verifier(other).verify(token)


async def test_the_token_holds_for_a_minute(ann: Browser, world: World) -> None:
    token = (await ann.identity("orders")).headers["X-Identity"]
    keys = read_key_set(world.issuer.key_set())
    world.clock.advance(seconds=66)

    with pytest.raises(InvalidIdentity):
        verify_identity(token, keys=keys, audience="orders", now=world.clock())


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "$ne", "%00"])
async def test_a_cookie_of_nobody_is_a_guest(browser: Browser, value: str) -> None:
    browser.jar[browser.name("session")] = value

    answer = await browser.identity()

    assert (answer.status, answer.headers["X-Identity"]) == (200, "")
    assert "X-Set-Session" not in answer.headers
    assert "Set-Cookie" not in answer.headers


async def test_no_cookie_is_a_guest_and_costs_no_look_up(browser: Browser, world: World) -> None:
    answer = await browser.identity()

    assert (answer.status, answer.headers["X-Identity"]) == (200, "")
    assert world.sessions.reads == 0


@pytest.mark.parametrize("audience", ["", "auth,orders", "shop", "AUTH"])
async def test_an_unknown_audience_is_refused(ann: Browser, audience: str) -> None:
    answer = await ann.identity(audience)

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == ["X-Audience"]


async def test_a_check_is_one_look_up_and_no_write(ann: Browser, world: World) -> None:
    world.sessions.reads = 0
    before = dict(world.sessions.stored)

    await ann.identity("orders")

    assert world.sessions.reads == 1
    assert world.sessions.stored == before


async def test_an_ended_session_is_a_guest_at_once(ann: Browser, world: World) -> None:
    copy = ann.copy()
    assert (await copy.identity("orders")).headers["X-Identity"]
    await ann.send("DELETE", "/api/auth/session")

    assert (await copy.identity("orders")).headers["X-Identity"] == ""


async def test_a_session_ends_when_idle(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=IDLE.total_seconds())

    assert (await ann.identity()).headers["X-Identity"] == ""


async def test_a_session_in_use_lives_until_its_absolute_end(ann: Browser, world: World) -> None:
    hours = int(ABSOLUTE.total_seconds()) // 3600
    for _ in range(0, hours - 6, 6):
        world.clock.advance(seconds=6 * 3600)
        assert (await ann.identity()).headers["X-Identity"]
        await world.deps.seen.flush()
    world.clock.advance(seconds=6 * 3600)

    assert (await ann.identity()).headers["X-Identity"] == ""


async def test_the_key_set_is_public_and_holds_no_secret(client: TestClient[Any, Any]) -> None:
    answer = await client.get("/.well-known/jwks.json")

    [key] = (await answer.json())["keys"]
    assert answer.status == 200
    assert set(key) >= {"kty", "crv", "x", "kid"}
    assert "d" not in key


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys(["identity"])


@pytest.fixture
def issuer(keys: MemoryKeys, clock: FixedClock) -> IdentityIssuer:
    return IdentityIssuer(keys, clock)


def test_a_signature_is_used_again_for_a_third_of_its_life(issuer: IdentityIssuer, clock: FixedClock) -> None:
    first = issuer.issue(ISSUED, "orders")
    clock.advance(seconds=REUSED_FOR.total_seconds() - 1)
    again = issuer.issue(ISSUED, "orders")
    clock.advance(seconds=1)

    assert again == first
    assert issuer.issue(ISSUED, "orders") != first


def test_signatures_are_kept_apart_by_audience_and_by_what_they_say(issuer: IdentityIssuer) -> None:
    tokens = {
        issuer.issue(ISSUED, "orders"),
        issuer.issue(ISSUED, "mailer"),
        issuer.issue(an_identity(fresh=False), "orders"),
        issuer.issue(an_identity("a-1", "customer", "support"), "orders"),
        issuer.issue(an_identity(session="s-2"), "orders"),
    }

    assert len(tokens) == 5


def test_a_new_key_is_published_before_it_signs(issuer: IdentityIssuer, keys: MemoryKeys, clock: FixedClock) -> None:
    issuer.issue(ISSUED, "orders")
    clock.advance(days=1)
    keys.rotate("identity")
    published = read_key_set(issuer.key_set())
    seconds_between = 10
    for _ in range(0, int(PUBLISHED_FIRST.total_seconds()), seconds_between):
        assert _kid(issuer) == "1"
        clock.advance(seconds=seconds_between)
        verify_identity(issuer.issue(ISSUED, "orders"), keys=published, audience="orders", now=clock())

    clock.advance(seconds=REUSED_FOR.total_seconds())

    assert _kid(issuer) == "2"
    assert [key["kid"] for key in issuer.key_set()["keys"]] == ["1", "2"]


def test_after_a_restart_the_oldest_key_signs_until_the_others_were_seen_long_enough(
    keys: MemoryKeys, clock: FixedClock
) -> None:
    keys.rotate("identity")
    issuer = IdentityIssuer(keys, clock)

    assert _kid(issuer) == "1"
    clock.advance(seconds=PUBLISHED_FIRST.total_seconds())
    assert _kid(issuer) == "2"


def test_a_restart_forgets_nothing_of_a_key_whose_age_is_known(keys: MemoryKeys, clock: FixedClock) -> None:
    keys.rotate("identity")
    keys.ages = {("identity", 1): 9e6, ("identity", 2): PUBLISHED_FIRST.total_seconds() - 10}
    issuer = IdentityIssuer(keys, clock)

    assert _kid(issuer) == "1"
    clock.advance(seconds=REUSED_FOR.total_seconds())
    assert _kid(issuer) == "2"


def test_a_lone_key_signs_at_once(issuer: IdentityIssuer) -> None:
    assert _kid(issuer) == "1"


def test_a_key_that_was_taken_away_signs_no_more(issuer: IdentityIssuer, keys: MemoryKeys, clock: FixedClock) -> None:
    issuer.issue(ISSUED, "orders")
    keys.rotate("identity")
    issuer.key_set()
    keys.forget("identity", 1)
    clock.advance(seconds=REUSED_FOR.total_seconds())

    assert _kid(issuer) == "2"
    assert [key["kid"] for key in issuer.key_set()["keys"]] == ["2"]


def test_a_token_is_not_used_again_once_its_key_is_gone(issuer: IdentityIssuer, keys: MemoryKeys) -> None:
    issuer.issue(ISSUED, "orders")
    keys.rotate("identity")
    keys.forget("identity", 1)

    assert _kid(issuer) == "2"


def _kid(issuer: IdentityIssuer) -> str:
    import base64
    import json

    head = issuer.issue(ISSUED, "orders").partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=="))["kid"])


class _AwaySessions(MemorySessions):
    tries = 0

    async def mark_seen(self, seen: object) -> None:
        self.tries += 1
        raise TransientError("away")


async def test_seen_is_written_once_a_minute_at_most(clock: FixedClock) -> None:
    sessions = MemorySessions(some_notes())
    await sessions.add(a_session())
    seen = SeenSessions(sessions)

    seen.note(a_session(), clock())
    await seen.flush()
    unmoved = sessions.stored[b"s-1"].seen_at
    clock.advance(seconds=60)
    seen.note(a_session(), clock())
    await seen.flush()

    assert unmoved == a_session().seen_at
    assert sessions.stored[b"s-1"].seen_at == clock()


async def test_what_was_seen_is_written_at_the_end(clock: FixedClock) -> None:
    sessions = MemorySessions(some_notes())
    await sessions.add(a_session())
    seen = SeenSessions(sessions)
    clock.advance(seconds=60)

    async with asyncio.timeout(3), seen.written():
        seen.note(a_session(), clock())

    assert sessions.stored[b"s-1"].seen_at == clock()


async def test_a_database_that_is_away_costs_no_request(clock: FixedClock) -> None:
    away = _AwaySessions(some_notes())
    seen = SeenSessions(away)
    clock.advance(seconds=60)

    seen.note(a_session(), clock())
    await seen.flush()

    seen.note(a_session(), clock())

    assert away.tries == 1


async def test_a_refusal_inside_the_block_stays_what_it_is() -> None:
    seen = SeenSessions(MemorySessions(some_notes()))

    with pytest.raises(TransientError):
        async with asyncio.timeout(3), seen.written():
            raise TransientError("a peer is away")


@pytest.fixture
async def direct(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """Auth as it is deployed: the gateway's question goes past the application's middlewares."""
    settings = world.settings
    async with (
        listening(build_app(world.deps), settings) as port,
        aiohttp.ClientSession(f"http://{settings.http_host}:{port}") as session,
    ):
        yield session
    world.deps.hashes.close()


async def _asked(client: Any, path: str = "/internal/identity", **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = await client.get(path, headers=headers)
    kept = {name: value for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id")}
    return answer.status, kept, await answer.read()


@pytest.mark.parametrize(
    ("cookie", "audience"),
    [
        ("", "orders"),
        ("session=x", "orders"),
        ("ours", "orders"),
        ("ours", "nobody"),
        ("ours", ""),
        ("remember=x", "auth"),
    ],
)
async def test_the_direct_answer_is_the_one_that_the_application_gives(
    direct: Any, client: TestClient[Any, Any], ann: Browser, world: World, cookie: str, audience: str
) -> None:
    kind, _, value = cookie.partition("=")
    sent = f"{ann.name(kind)}={value}" if value else f"{ann.name('session')}={ann.jar[ann.name('session')]}"
    headers = {"X-Audience": audience} | ({"Cookie": sent} if cookie else {})

    straight = await _asked(direct, **headers)
    around = await _asked(client, **headers)

    assert straight[0] == around[0] == (200 if audience in ("orders", "auth") else 422)
    for name in ("X-Identity", "X-Set-Session", "X-Set-Remember", "Content-Type", "Cache-Control"):
        assert straight[1].get(name) == around[1].get(name)
    assert "Set-Cookie" not in straight[1]


async def test_a_database_that_is_away_is_a_problem_on_the_direct_way_too(
    direct: Any, ann: Browser, world: World
) -> None:
    async def away(_key: bytes) -> None:
        raise TransientError("away")

    world.sessions.find = away  # type: ignore[method-assign, assignment]
    cookie = f"{ann.name('session')}={ann.jar[ann.name('session')]}"

    status, headers, body = await _asked(direct, **{"X-Audience": "orders", "Cookie": cookie})

    assert (status, headers["Content-Type"]) == (503, "application/problem+json")
    assert "Retry-After" in headers
    assert b"away" not in body


@pytest.mark.parametrize("path", ["/internal/identity?x=1", "/internal/identity/", "/internal//identity"])
async def test_only_the_question_itself_goes_the_direct_way(direct: Any, path: str) -> None:
    status, headers, _ = await _asked(direct, path, **{"X-Audience": "orders"})

    assert headers["X-Content-Type-Options"] == "nosniff"  # of a middleware
    assert status in (200, 404)
