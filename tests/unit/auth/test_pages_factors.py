"""Second factors by page: set up, shown once, used, removed."""

import json
import re

import pyotp
import pytest

from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.pages import get, post
from tests.unit.auth.people import ANN, a_customer, a_phone, add_passkey, an_assertion, new_options, set_up_totp

HERE = "/account/factors"


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in."""
    await a_customer(world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


def _codes(text: str) -> list[str]:
    return re.findall(r"<li><code>([^<]+)</code></li>", text)


async def test_an_authenticator_is_set_up_by_its_picture_and_codes_are_shown_once(ann: Browser, world: World) -> None:
    _, _, offered = await post(ann, f"{HERE}/authenticator")
    [secret] = re.findall(r"<code>([A-Z2-7]{32})</code>", offered)

    wrong = await post(ann, f"{HERE}/authenticator/prove", otp="000000")
    malformed = await post(ann, f"{HERE}/authenticator/prove", otp="none")
    status, _, text = await post(ann, f"{HERE}/authenticator/prove", otp=pyotp.TOTP(secret).at(world.clock()))

    assert "<svg" in offered
    assert wrong[0] == malformed[0] == 422
    for text_again in (wrong[2], malformed[2]):
        assert secret in text_again
        assert "<svg" in text_again
    assert status == 200
    assert len(_codes(text)) == 10
    assert _codes((await get(ann, HERE))[1]) == []


async def _ticket(browser: Browser, **more: str) -> str:
    """The second step's, after the right password."""
    status, _, text = await post(browser, "/login", email=ANN, password=PASSWORD, next="/account/data", **more)
    assert status == 200
    assert "The password is right." in text
    assert PASSWORD not in text
    [ticket] = re.findall(r'name="ticket" value="([^"]+)"', text)
    return ticket


async def test_logging_in_asks_for_the_factor_in_a_second_step(ann: Browser, world: World) -> None:
    totp, recovery = await set_up_totp(ann, world)
    world.clock.advance(seconds=30)
    ticket = await _ticket(ann)
    step = {"ticket": ticket, "next": "/account/data"}

    nothing = await post(ann, "/login/step", **step, otp="", recovery_code="")
    wrong = await post(ann, "/login/step", **step, otp="000000")
    by_app = await post(ann, "/login/step", **step, otp=totp.at(world.clock()))
    by_code = await post(ann, "/login/step", **step, recovery_code=recovery[0])
    twice = await post(ann, "/login/step", **step, recovery_code=recovery[0])

    assert by_app[:2] == by_code[:2] == (303, "/account/data")
    for status, _, text in (nothing, wrong, twice):
        assert status == 401
        assert f'value="{ticket}"' in text


async def test_the_ticked_box_is_not_forgotten_between_the_steps(ann: Browser, world: World) -> None:
    _, recovery = await set_up_totp(ann, world)
    await post(ann, "/logout")

    _, _, text = await post(ann, "/login", email=ANN, password=PASSWORD, next="", remember="true")
    [ticket] = re.findall(r'name="ticket" value="([^"]+)"', text)
    assert 'name="remember" value="true"' in text
    await post(ann, "/login/step", ticket=ticket, recovery_code=recovery[0], remember="true")

    assert ann.name("remember") in ann.jar


async def test_the_second_step_shows_the_ways_that_the_account_has(ann: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    await post(ann, "/logout")

    _, _, text = await post(ann, "/login", email=ANN, password=PASSWORD, next="")
    [ticket] = re.findall(r'name="ticket" value="([^"]+)"', text)
    _, _, again = await post(ann, "/login/step", ticket=ticket, recovery_code="7F3K-Q2XM-9D4T-1VWB")

    for page in (text, again):
        assert 'name="otp"' not in page
        assert page.index("/login/passkey") < page.index('name="recovery_code"')


async def test_the_second_step_offers_no_passkey_to_who_has_none(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)
    stranger = Browser(ann.client, world.settings)

    _, _, text = await post(stranger, "/login", email=ANN, password=PASSWORD, next="")

    assert "passkey" not in text.lower()
    assert 'name="otp"' in text


async def test_the_ticked_box_is_not_forgotten_where_the_second_step_is_a_passkey(ann: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    await post(ann, "/logout")

    _, _, text = await post(ann, "/login", email=ANN, password=PASSWORD, next="", remember="true")
    [form] = re.findall(r'<form method="post" action="/login/passkey".*?</form>', text, re.DOTALL)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    await post(ann, "/login/passkey", **fields | {"credential": json.dumps(await an_assertion(ann, phone))})

    assert "checkbox" not in text
    assert ann.name("remember") in ann.jar


async def test_a_ticket_lasts_five_minutes_and_one_password(ann: Browser, world: World) -> None:
    _, recovery = await set_up_totp(ann, world)
    stranger = Browser(ann.client, world.settings)
    changed = await _ticket(stranger)
    await post(ann, "/account/password", current_password=PASSWORD, new_password="three quite other words")
    assert (await post(stranger, "/login/step", ticket=changed, recovery_code=recovery[0]))[0] == 404
    await post(ann, "/account/password", current_password="three quite other words", new_password=PASSWORD)

    old = await _ticket(stranger)
    world.clock.advance(seconds=300)
    status, _, text = await post(stranger, "/login/step", ticket=old, recovery_code=recovery[0])

    assert status == 404
    assert "That took too long" in text
    assert 'name="password"' in text


@pytest.mark.parametrize("forged", ["x", ".", "no-such-account.AAAA", "{}", "é.é"])
async def test_a_forged_ticket_is_worth_nothing(ann: Browser, world: World, forged: str) -> None:
    await set_up_totp(ann, world)
    [account] = world.accounts.stored

    assert (await post(ann, "/login/step", ticket=forged, otp="123456"))[0] == 404
    assert (await post(ann, "/login/step", ticket=f"{account}.{forged}", otp="123456"))[0] == 404


async def test_codes_are_guessed_as_seldom_by_ticket_as_by_password(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)
    stranger = Browser(ann.client, world.settings)
    ticket = await _ticket(stranger)

    answers = [(await post(stranger, "/login/step", ticket=ticket, otp="000000"))[0] for _ in range(11)]

    assert answers[0] == 401
    assert answers.count(401) < 11
    assert answers[-1] == 429


async def test_a_passkey_is_added_used_and_removed(ann: Browser, world: World) -> None:
    phone = a_phone()
    credential = json.dumps(phone.create(await new_options(ann)))

    status, _, text = await post(ann, f"{HERE}/passkeys", name="Telephone", credential=credential)
    await post(ann, "/logout")
    assertion = json.dumps(await an_assertion(ann, phone))
    logged_in = await post(ann, "/login/passkey", credential=assertion, next=HERE)
    replayed = await post(ann, "/login/passkey", credential=assertion, next=HERE)
    await post(ann, "/login/passkey", credential=json.dumps(await an_assertion(ann, phone)), next=HERE)
    _, page = await get(ann, HERE)
    [passkey] = re.findall(r'name="id" value="([^"]+)"', page)
    removed = await post(ann, f"{HERE}/passkeys/remove", id=passkey)

    assert status == 200
    assert len(_codes(text)) == 10
    assert logged_in[:2] == (303, HERE)
    assert replayed[0] == 401
    assert "This passkey opens no account here" in replayed[2]
    assert 'aria-label="Remove the passkey Telephone"' in page
    assert removed[:2] == (303, f"{HERE}?done=passkey-removed")


@pytest.mark.parametrize("sent", ["", "{}", "[]", "[" * 5000, '{"id": 1}', "no json"])
async def test_what_is_no_passkey_is_refused(ann: Browser, sent: str) -> None:
    added = await post(ann, f"{HERE}/passkeys", name="Telephone", credential=sent)
    used = await post(ann, "/login/passkey", credential=sent, next="")
    confirmed = await post(ann, "/confirm", credential=sent, next="")

    assert (added[0], used[0]) == (422, 401)
    assert confirmed[0] in (401, 422)
    assert 'role="alert"' in added[2]


async def test_new_recovery_codes_take_the_place_of_the_old(ann: Browser, world: World) -> None:
    _, old = await set_up_totp(ann, world)

    _, _, text = await post(ann, f"{HERE}/codes")

    assert len(_codes(text)) == 10
    assert not set(_codes(text)) & set(old)


async def test_what_cannot_be_removed_says_why_on_a_page(ann: Browser) -> None:
    status, _, text = await post(ann, f"{HERE}/codes")

    assert status == 409
    assert "there is none yet" in text
    assert f'href="{HERE}"' in text
