"""Change of address, agreed to at both; of name and language; through the API."""

import asyncio
from typing import Any

import pytest

from services.auth.accounts.change import EMAIL_CHANGES
from services.auth.accounts.cleanup import clean_up
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import MAILS, Wish, register, verify_address
from services.auth.people import email_key
from shared.contracts.auth import MessageRequested
from tests.unit.auth.doubles import PASSWORD, SITE, Browser, World

ANN, NEW, BOB = "ann@shop.example", "ann@new.example", "bob@shop.example"


async def _customer(world: World, email: str, name: str) -> None:
    await register(world.deps, Wish(email, name, Password(PASSWORD)))
    await verify_address(world.deps, _token(world, "verify"))


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """A verified customer, logged in."""
    await _customer(world, ANN, "Ann Example")
    await browser.log_in(ANN)
    return browser


async def _ask(browser: Browser, email: Any = NEW) -> tuple[int, Any]:
    answer = await browser.send("PUT", "/api/auth/email", json={"email": email})
    return answer.status, await answer.json() | {"instance": ""}


async def _confirm(browser: Browser, token: str) -> tuple[int, Any]:
    answer = await browser.send("POST", "/api/auth/email/confirm", json={"token": token})
    return answer.status, await answer.json()


def _token(world: World, template: str, place: int = -1) -> str:
    links = [recipient.link for name, recipient in world.mails if name == template]
    return links[place].partition("t=")[2]


async def test_both_addresses_are_asked(ann: Browser, world: World) -> None:
    assert await _ask(ann) == (202, {"status": "accepted", "instance": ""})

    asked = {template: (each.name, each.email) for template, each in world.mails if template != "verify"}
    assert asked == {"email-approve": ("Ann Example", ANN), "email-confirm": ("", NEW)}
    assert all(each.link.startswith(f"{SITE}/email/confirm?t=") for _, each in world.mails[1:])
    assert (await ann.log_in(ANN)).status == 200


@pytest.mark.parametrize("order", [("email-confirm", "email-approve"), ("email-approve", "email-confirm")])
async def test_the_address_changes_once_both_have_agreed(ann: Browser, world: World, order: tuple[str, str]) -> None:
    await _ask(ann)

    first = await _confirm(ann, _token(world, order[0]))
    before = (await ann.log_in(NEW)).status
    second = await _confirm(ann, _token(world, order[1]))

    assert (first, before, second) == ((200, {"status": "waiting"}), 401, (200, {"status": "changed"}))
    assert (await ann.log_in(ANN)).status == 401
    assert (await ann.log_in(NEW)).status == 200
    template, told = world.mails[-1]
    assert (template, told.email) == ("email-changed", ANN)


async def test_everything_that_is_bound_to_the_address_follows(ann: Browser, world: World) -> None:
    await ann.send("POST", "/api/auth/password/forgot", json={"email": ANN})
    reset = _token(world, "reset")
    await _ask(ann)
    for side in ("email-confirm", "email-approve"):
        await _confirm(ann, _token(world, side))

    [account] = world.accounts.stored.values()
    assert account.email_key == email_key(world.deps.index, NEW)
    used = await ann.send("POST", "/api/auth/password/reset", json={"token": reset, "password": "x" * 9 + " y lamp"})
    assert used.status == 410
    await ann.send("POST", "/api/auth/password/forgot", json={"email": NEW})
    assert [each.email for template, each in world.mails if template == "reset"] == [ANN, NEW]
    await _customer(world, ANN, "Somebody Else")
    assert len(world.accounts.stored) == 2


async def test_the_trail_tells_of_it(ann: Browser, world: World) -> None:
    [account] = world.accounts.stored
    await _ask(ann)
    for side in ("email-confirm", "email-approve"):
        await _confirm(ann, _token(world, side))

    assert world.trail.whats(account)[-2:] == ["email-change-asked", "email-changed"]
    assert NEW not in repr(world.trail.stored)


@pytest.mark.parametrize("side", ["email-confirm", "email-approve"])
async def test_one_side_twice_is_not_both(ann: Browser, world: World, side: str) -> None:
    await _ask(ann)
    token = _token(world, side)

    answers = [(await _confirm(ann, token))[0] for _ in range(2)]

    assert answers == [200, 410]
    assert (await ann.log_in(NEW)).status == 401


async def test_of_parallel_uses_of_both_links_each_counts_once(ann: Browser, world: World) -> None:
    await _ask(ann)
    tokens = [_token(world, side) for side in ("email-confirm", "email-approve")]

    answers = await asyncio.gather(*(_confirm(ann, token) for token in tokens * 4))

    assert sorted(status for status, _ in answers) == [200] * 2 + [410] * 6
    assert sorted(body["status"] for status, body in answers if status == 200) == ["changed", "waiting"]
    assert [template for template, _ in world.mails].count("email-changed") == 1


async def test_after_a_day_the_links_are_gone(ann: Browser, world: World) -> None:
    await _ask(ann)
    await _confirm(ann, _token(world, "email-confirm"))
    world.clock.advance(days=1)

    status, problem = await _confirm(ann, _token(world, "email-approve"))

    assert (status, problem["type"]) == (410, "/problems/spent-token")
    assert (await ann.log_in(ANN)).status == 200


async def test_another_wish_ends_the_one_before(ann: Browser, world: World) -> None:
    await _ask(ann)
    await _ask(ann, "ann@newer.example")

    assert (await _confirm(ann, _token(world, "email-confirm", 0)))[0] == 404
    assert (await _confirm(ann, _token(world, "email-approve", 0)))[0] == 404


async def test_that_an_address_is_taken_is_told_to_it_alone(ann: Browser, world: World) -> None:
    await _customer(world, BOB, "Bob Example")
    sent = len(world.mails)

    answers = [await _ask(ann, email) for email in (BOB, NEW)]

    assert answers[0] == answers[1]
    to_ann = [template for template, each in world.mails[sent:] if each.email == ANN]
    assert to_ann == ["email-approve", "email-approve"]
    assert [(template, each.name) for template, each in world.mails[sent:] if each.email == BOB] == [
        ("already-registered", "")
    ]


async def test_a_taken_address_stays_with_its_owner(ann: Browser, world: World) -> None:
    await _customer(world, BOB, "Bob Example")
    await _ask(ann, BOB)

    assert await _confirm(ann, _token(world, "email-approve")) == (200, {"status": "waiting"})

    assert (await (await ann.log_in(BOB)).json())["account"]["name"] == "Bob Example"


async def test_an_address_that_is_taken_meanwhile_stays_with_its_owner(ann: Browser, world: World) -> None:
    await _ask(ann)
    await _customer(world, NEW, "Bob Example")
    await _confirm(ann, _token(world, "email-confirm"))

    status, _ = await _confirm(ann, _token(world, "email-approve"))

    assert status == 410
    assert (await (await ann.log_in(NEW)).json())["account"]["name"] == "Bob Example"
    assert (await (await ann.log_in(ANN)).json())["account"]["name"] == "Ann Example"


async def test_a_registration_that_nobody_has_proven_does_not_hold_an_address(ann: Browser, world: World) -> None:
    await register(world.deps, Wish(NEW, "Mallory", Password("the stranger's password")))
    waiting = _token(world, "verify")
    await _ask(ann)
    await _confirm(ann, _token(world, "email-confirm"))

    assert await _confirm(ann, _token(world, "email-approve")) == (200, {"status": "changed"})

    [account] = world.accounts.stored
    assert account in world.data_keys.stored
    assert len(world.data_keys.stored) == 1
    verify = await ann.send("POST", "/api/auth/accounts/verify", json={"token": waiting})
    assert verify.status == 404


async def test_a_remembered_browser_gives_the_password_first(ann: Browser, world: World) -> None:
    await ann.log_in(ANN, remember=True)
    ann.close()

    status, problem = await _ask(ann)

    assert (status, problem["type"]) == (403, "/problems/fresh-login-required")
    assert [template for template, _ in world.mails] == ["verify"]


async def test_after_a_quarter_of_an_hour_likewise(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=900)

    assert (await _ask(ann))[0] == 403


async def test_an_account_asks_five_times_a_day(ann: Browser) -> None:
    statuses = [(await _ask(ann, f"ann{number}@new.example"))[0] for number in range(EMAIL_CHANGES.most + 1)]

    assert statuses == [202] * EMAIL_CHANGES.most + [429]


async def test_an_address_is_not_flooded_by_changes_either(ann: Browser, world: World) -> None:
    for number in range(MAILS.from_all.most + 1):
        mallory = Wish(NEW, "Mallory", Password("the stranger's password"), network=f"100.64.{number}.0/24")
        await register(world.deps, mallory)

    assert (await _ask(ann))[0] == 202

    assert [each.email for template, each in world.mails if template == "email-confirm"] == []
    assert [each.email for template, each in world.mails if template == "email-approve"] == [ANN]


async def test_a_change_that_nobody_agreed_to_is_forgotten(ann: Browser, world: World) -> None:
    await _ask(ann)
    world.clock.advance(days=2)

    await clean_up(world.deps)

    [account] = world.accounts.stored.values()
    assert account.email_change is None


@pytest.mark.parametrize(
    ("email", "code"),
    [
        (ANN, "email-unchanged"),
        ("ANN@Shop.Example", "email-unchanged"),
        ({"$ne": None}, "invalid-email"),
        ('"ann example"@shop.example', "invalid-email"),
        ("\u0430nn@shop.example", "invalid-email"),  # Cyrillic
        ("ann@shop.example\r\nBcc: b@shop.example", "invalid-email"),
        ("ann\0@shop.example", "unfit_text"),
    ],
)
async def test_bad_input_is_refused_by_field_and_changes_nothing(
    ann: Browser, world: World, email: Any, code: str
) -> None:
    status, problem = await _ask(ann, email)

    assert status == 422
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/email", code)]
    assert [template for template, _ in world.mails] == ["verify"]


@pytest.mark.parametrize("token", ["x", "A" * 43])
async def test_an_unknown_token_is_not_found(ann: Browser, token: str) -> None:
    status, problem = await _confirm(ann, token)

    assert (status, problem["type"]) == (404, "/problems/unknown-token")


async def test_the_name_is_corrected(ann: Browser, world: World) -> None:
    answer = await ann.send("PUT", "/api/auth/name", json={"name": "  Ann Other "})

    session = await (await ann.send("GET", "/api/auth/session")).json()
    assert (answer.status, await answer.json()) == (200, {"name": "Ann Other"})
    assert session["account"]["name"] == "Ann Other"
    [account] = world.accounts.stored
    assert world.trail.whats(account)[-1] == "name-changed"
    assert "Other" not in repr(world.accounts.stored)


@pytest.mark.parametrize("name", ["", "<Ann>", "Ann\r\nBcc: b@shop.example", {"$ne": None}, "x" * 101])
async def test_a_bad_name_is_refused(ann: Browser, name: Any) -> None:
    answer = await ann.send("PUT", "/api/auth/name", json={"name": name})

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == ["/name"]


async def test_mails_follow_the_language_that_was_chosen(ann: Browser, world: World) -> None:
    await ann.send("PUT", "/api/auth/preferences", json={"language": "de", "currency": "EUR"})

    await _ask(ann)

    languages = [event.data["language"] for event in world.accounts.events if event.type == MessageRequested.TYPE]
    assert languages == ["en", "de", "de"]


async def test_a_visitors_choice_is_the_browsers_alone(ann: Browser, world: World) -> None:
    stranger = ann.copy()
    stranger.jar.clear()

    answer = await stranger.send("PUT", "/api/auth/preferences", json={"language": "de", "currency": "EUR"})

    assert answer.status == 200
    assert [account.language for account in world.accounts.stored.values()] == ["en"]
