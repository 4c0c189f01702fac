"""Remembered browsers, as P4 promises them."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.sessions.cookies import RememberCookies, Ticket
from services.auth.sessions.devices import end_everywhere
from services.auth.sessions.domain import IDLE, Session
from services.auth.sessions.recognition import recognise
from services.auth.sessions.remembered import LASTS
from services.auth.sessions.visit import Presented
from services.auth.staff.usecases import NewStaff, add_staff
from services.auth.trail.pending import Noted
from shared.http.cookies import cookie_name
from shared.testing.keys import MemoryKeys
from tests.unit.auth.doubles import PASSWORD, Browser, MemorySessions, World

ANN = "ann@shop.example"


async def _verified(world: World, email: str) -> None:
    await register(world.deps, Wish(email, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])


@pytest.fixture
async def ann(browser: Browser, world: World) -> Browser:
    """Ann's browser, which she asked us to remember and then closed."""
    await _verified(world, ANN)
    await browser.log_in(ANN, remember=True)
    browser.close()
    return browser


async def _is_in(browser: Browser) -> bool:
    return bool((await browser.identity()).headers["X-Identity"])


async def test_a_ticked_box_sets_a_cookie_for_sixty_days(browser: Browser, world: World) -> None:
    await _verified(world, ANN)

    answer = await browser.log_in(ANN, remember=True)

    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.getall("Set-Cookie")}
    assert set(cookies) == {browser.name("session"), browser.name("remember")}
    assert f"Max-Age={60 * 86400}" in cookies[browser.name("remember")]
    assert "Max-Age" not in cookies[browser.name("session")]
    assert (await answer.json())["remembered"] is True


async def test_a_remembered_browser_is_logged_in_again_but_not_fresh(ann: Browser, world: World) -> None:
    answer = await ann.identity("orders")

    identity = await world.verifier("orders").verify(answer.headers["X-Identity"])
    assert identity.fresh is False
    assert answer.headers["X-Set-Session"].startswith(ann.name("session") + "=")
    assert "Max-Age" not in answer.headers["X-Set-Session"]
    assert f"Max-Age={60 * 86400}" in answer.headers["X-Set-Remember"]
    body = await (await ann.send("GET", "/api/auth/session")).json()
    assert (body["fresh"], body["remembered"], body["account"]["name"]) == (False, True, "Ann Example")


async def test_the_value_rotates_at_each_return(ann: Browser) -> None:
    seen = [ann.jar[ann.name("remember")]]
    for _ in range(3):
        assert await _is_in(ann)
        ann.close()
        seen.append(ann.jar[ann.name("remember")])

    assert len(set(seen)) == 4


async def test_twenty_parallel_uses_of_one_cookie_all_work_and_make_one_session(ann: Browser, world: World) -> None:
    tabs = [ann.copy() for _ in range(20)]

    assert all(await asyncio.gather(*(_is_in(tab) for tab in tabs)))

    assert len({tab.jar[tab.name("session")] for tab in tabs}) == 1
    assert len(world.sessions.stored) == 1
    assert [template for template, _ in world.mails] == ["verify"]
    for tab in tabs:
        tab.close()
        assert await _is_in(tab)


async def test_a_lost_answer_costs_nothing_within_sixty_seconds(ann: Browser, world: World) -> None:
    before = ann.copy()
    await _is_in(ann)
    world.clock.advance(seconds=60)

    assert await _is_in(before)
    assert before.jar[before.name("session")] == ann.jar[ann.name("session")]


async def test_a_replay_after_sixty_seconds_logs_everybody_of_the_series_out(ann: Browser, world: World) -> None:
    thief = ann.copy()
    await _is_in(ann)
    world.clock.advance(seconds=61)

    answer = await thief.identity()

    assert answer.headers["X-Identity"] == ""
    assert not thief.jar
    assert not await _is_in(ann)
    assert not ann.jar or ann.name("remember") not in ann.jar
    assert not world.sessions.stored


async def test_the_owner_is_told_of_a_theft_once(ann: Browser, world: World) -> None:
    thief = ann.copy()
    await _is_in(ann)
    world.clock.advance(seconds=61)

    await asyncio.gather(*(_is_in(thief.copy()) for _ in range(5)))

    told = [recipient for template, recipient in world.mails if template == "remember-theft"]
    assert [(each.name, each.email, each.link) for each in told] == [
        ("Ann Example", ANN, "https://shop.example/account")
    ]


async def test_the_owner_is_told_in_the_accounts_language(ann: Browser, world: World) -> None:
    await ann.send("PUT", "/api/auth/preferences", json={"language": "ja", "currency": "JPY"})
    ann.close()
    thief = ann.copy()
    await _is_in(ann)
    world.clock.advance(seconds=61)

    await _is_in(thief)

    assert [event.data["language"] for event in world.remembered.events] == ["ja"]


async def test_a_return_that_a_new_password_overtakes_begins_no_session(ann: Browser, world: World) -> None:
    class Overtaken(MemorySessions):
        async def add(self, session: Session, *, notes: Sequence[Noted] = ()) -> None:
            await end_everywhere(replace(world.deps, sessions=self), session.account_id)
            await super().add(session, notes=notes)

    sessions = Overtaken(world.notes)
    presented = Presented(remember=ann.jar[ann.name("remember")])

    recognised = await recognise(replace(world.deps, sessions=sessions), presented)

    assert (recognised.session, recognised.session_cookie, recognised.forget) == (None, None, True)
    assert not sessions.stored


async def test_a_thief_who_comes_first_is_found_out_by_the_owner(ann: Browser, world: World) -> None:
    thief = ann.copy()
    assert await _is_in(thief)
    world.clock.advance(seconds=61)

    assert not await _is_in(ann)
    assert not await _is_in(thief)


async def test_one_series_says_nothing_about_another_browser_of_the_same_account(ann: Browser, world: World) -> None:
    other = Browser(ann.client, world.settings)
    await other.log_in(ANN, remember=True)
    thief = ann.copy()
    await _is_in(ann)
    world.clock.advance(seconds=61)
    await _is_in(thief)
    other.close()

    assert await _is_in(other)


async def test_a_session_that_ended_by_itself_is_replaced(ann: Browser, world: World) -> None:
    await _is_in(ann)
    world.clock.advance(seconds=IDLE.total_seconds())

    assert await _is_in(ann)
    assert len(world.sessions.stored) == 1


async def test_sixty_days_count_from_the_last_return(ann: Browser, world: World) -> None:
    world.clock.advance(days=LASTS.days - 1)
    assert await _is_in(ann)
    ann.close()
    world.clock.advance(days=LASTS.days - 1)
    assert await _is_in(ann)
    ann.close()
    world.clock.advance(days=LASTS.days)

    assert not await _is_in(ann)
    assert not ann.jar


async def test_logging_out_forgets_the_browser_also_without_a_session(ann: Browser) -> None:
    copy = ann.copy()

    await ann.send("DELETE", "/api/auth/session")

    assert not ann.jar
    assert not await _is_in(copy)


async def test_a_login_without_the_tick_forgets_the_browser(ann: Browser, world: World) -> None:
    await ann.log_in(ANN)

    assert set(ann.jar) == {ann.name("session")}
    ann.close()
    assert not await _is_in(ann)


async def test_a_flipped_bit_anywhere_is_refused_and_the_cookie_removed(ann: Browser) -> None:
    whole = ann.jar[ann.name("remember")]
    for place in range(len(whole)):
        ann.jar[ann.name("remember")] = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]

        answer = await ann.identity()

        # The last character of base64 may carry bits that mean nothing.
        assert answer.headers["X-Identity"] == "" or place == len(whole) - 1

    ann.jar[ann.name("remember")] = whole
    assert await _is_in(ann)


@pytest.mark.parametrize(
    "value", ["", "1", "1.", ".x", "x.y", "1.%%%", "99999999999.AAAA", "7.AAAA", "1." + "A" * 4000]
)
async def test_what_is_no_cookie_of_ours_is_a_guest(browser: Browser, value: str) -> None:
    browser.jar[browser.name("remember")] = value

    assert not await _is_in(browser)


async def test_an_old_key_still_opens_and_a_lost_one_does_not(ann: Browser, world: World) -> None:
    world.keys.rotate("cookie")
    assert await _is_in(ann)
    ann.close()
    assert ann.jar[ann.name("remember")].startswith("2.")
    world.keys.forget("cookie", 2)

    assert not await _is_in(ann)


async def test_who_joined_the_staff_is_no_longer_remembered(ann: Browser, world: World) -> None:
    await add_staff(world.deps, NewStaff(ANN, "Ann", "support", Password(PASSWORD), reset=True))

    assert not await _is_in(ann)


def test_two_cookies_of_one_account_have_no_bytes_in_common() -> None:
    cookies = RememberCookies(MemoryKeys(), cookie_name("shop", "remember"))
    ticket = Ticket("series", "value" * 8)

    one, other = cookies.write(ticket), cookies.write(ticket)

    pieces = {one[at : at + 5] for at in range(len(one) - 4)}
    assert not any(other[at : at + 5] in pieces for at in range(len(other) - 4))
    assert re.fullmatch(r"1\.[A-Za-z0-9_-]+", one)
    assert cookies.read(one) == cookies.read(other) == ticket


def test_a_cookie_is_bound_to_its_name() -> None:
    keys = MemoryKeys()
    cookie = RememberCookies(keys, cookie_name("shop", "remember")).write(Ticket("series", "value"))

    assert RememberCookies(keys, cookie_name("shop", "session")).read(cookie) is None
