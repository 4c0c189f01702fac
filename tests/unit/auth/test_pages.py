"""The pages, as a browser without scripts uses them."""

import re
from typing import Any

import pyotp
import pytest

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.staff.usecases import NewStaff, add_staff
from shared.testing.texts import without_ids
from tests.unit.auth.doubles import PASSWORD, Browser, World

ANN = "ann@shop.example"
HTML = {"Accept": "text/html"}


async def _get(browser: Browser, path: str) -> tuple[int, str]:
    answer = await browser.send("GET", path, headers=HTML)
    return answer.status, await answer.text()


async def _post(browser: Browser, path: str, **form: str) -> tuple[int, str, str]:
    answer = await browser.send("POST", path, data=form, headers=HTML)
    return answer.status, answer.headers.get("Location", ""), await answer.text()


@pytest.fixture
async def ann(browser: Browser, world: World) -> Browser:
    """Ann's browser, logged in."""
    await _verified(world)
    await browser.log_in(ANN)
    return browser


async def _verified(world: World) -> None:
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])


@pytest.mark.parametrize("path", ["/register", "/login", "/verify?t=abc"])
async def test_pages_for_guests_are_there_and_load_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    status, text = await _get(browser, path)

    assert status == 200
    assert all(re.fullmatch(r' src="/assets/[a-z]+\.js" defer', tag) for tag in re.findall(r"<script([^>]*)>", text))
    assert "style=" not in text
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', text)
    assert not browser.jar


async def test_registering_by_page_ends_with_check_your_mail(browser: Browser, world: World) -> None:
    status, _, text = await _post(browser, "/register", email=ANN, name="Ann", password=PASSWORD)

    assert status == 202
    assert "Check your mail" in text
    assert [template for template, _ in world.mails] == ["verify"]


async def test_a_known_address_sees_the_same_page(browser: Browser, world: World) -> None:
    unknown = await _post(browser, "/register", email=ANN, name="Ann", password=PASSWORD)
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])

    assert await _post(browser, "/register", email=ANN, name="Ann", password=PASSWORD) == unknown


async def test_a_refused_registration_shows_why_and_keeps_all_but_the_password(browser: Browser) -> None:
    status, _, text = await _post(browser, "/register", email=ANN, name='"><b>Ann', password="too short")

    assert status == 422
    assert "must not contain" in text
    assert ANN in text
    assert "too short" not in text
    assert "<b>Ann" not in text


async def test_a_short_password_is_explained_beside_the_field(browser: Browser) -> None:
    status, _, text = await _post(browser, "/register", email=ANN, name="Ann", password="too short")

    assert status == 422
    assert re.search(r'id="f-password-error">Please use at least 15 characters', text)


async def test_opening_the_link_changes_nothing_and_the_button_verifies(browser: Browser, world: World) -> None:
    await _post(browser, "/register", email=ANN, name="Ann", password=PASSWORD)
    link = world.mails[0][1].link
    for _ in range(3):
        status, text = await _get(browser, link.removeprefix(world.settings.public_url))
        assert status == 200
    [account] = world.accounts.stored.values()
    unverified = account.is_verified

    [token] = re.findall(r'name="token" value="([^"]+)"', text)
    status, _, text = await _post(browser, "/verify", token=token)

    [account] = world.accounts.stored.values()
    assert (unverified, account.is_verified) == (False, True)
    assert status == 200
    assert "Address confirmed" in text


async def test_a_spent_link_says_so(browser: Browser) -> None:
    status, _, text = await _post(browser, "/verify", token="unknown")

    assert status == 404
    assert "no longer works" in text


async def test_the_remember_box_is_not_ticked(browser: Browser) -> None:
    _, text = await _get(browser, "/login")

    boxes = re.findall(r"<input[^>]*name=\"remember\"[^>]*>", text)
    assert boxes
    assert not any("checked" in box for box in boxes)


async def test_logging_in_by_page_leads_to_the_account(browser: Browser, world: World) -> None:
    await _verified(world)

    status, place, _ = await _post(browser, "/login", email=ANN, password=PASSWORD, next="/warranty")

    assert (status, place) == (303, "/warranty")
    assert set(browser.jar) == {browser.name("session")}


async def test_the_ticked_box_remembers(browser: Browser, world: World) -> None:
    await _verified(world)

    await _post(browser, "/login", email=ANN, password=PASSWORD, remember="true", next="")

    assert set(browser.jar) == {browser.name("session"), browser.name("remember")}


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_the_next_page_is_never_elsewhere(browser: Browser, world: World, elsewhere: str) -> None:
    await _verified(world)

    _, text = await _get(browser, f"/login?next={elsewhere}")
    _, place, _ = await _post(browser, "/login", email=ANN, password=PASSWORD, next=elsewhere)

    assert "evil" not in text
    assert place == "/account"


async def test_a_wrong_password_shows_the_form_again(browser: Browser, world: World) -> None:
    await _verified(world)

    status, _, text = await _post(browser, "/login", email=ANN, password="not the right one", next="/orders")

    assert status == 401
    assert 'role="alert"' in text
    assert 'value="/orders"' in text
    assert "not the right one" not in text
    assert 'name="otp"' not in text


async def test_staff_are_asked_for_their_code(browser: Browser, world: World) -> None:
    secret = await add_staff(world.deps, NewStaff("sue@staff.example", "Sue", "fraud", Password(PASSWORD)))

    _, _, text = await _post(browser, "/login", email="sue@staff.example", password=PASSWORD, next="")
    [ticket] = re.findall(r'name="ticket" value="([^"]+)"', text)
    status, place, _ = await _post(browser, "/login/step", ticket=ticket, otp=pyotp.TOTP(secret).at(world.clock()))

    assert 'name="otp"' in text
    assert (status, place) == (303, "/account")


async def test_the_account_page_shows_who_and_leads_to_all_else(ann: Browser) -> None:
    status, text = await _get(ann, "/account")

    assert status == 200
    assert ANN in text
    for place in ("name", "email", "password", "factors", "devices", "activity", "data", "preferences"):
        assert f'href="/account/{place}"' in text


async def test_a_guest_of_the_account_page_is_led_to_the_login(browser: Browser) -> None:
    answer = await browser.send("GET", "/account", headers=HTML)

    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/account")


async def test_other_devices_can_be_logged_out_by_page(ann: Browser, world: World) -> None:
    phone = Browser(ann.client, world.settings)
    await phone.log_in(ANN, remember=True)
    _, text = await _get(ann, "/account/devices")
    [other] = re.findall(r'devices/end">\s*<input type="hidden" name="id" value="([^"]+)"', text)

    status, place, _ = await _post(ann, "/account/devices/end", id=other)

    assert (status, place) == (303, "/account/devices?done=ended")
    assert (await phone.send("GET", "/api/auth/session")).status == 401


async def test_logging_out_everywhere_else_keeps_this_browser(ann: Browser, world: World) -> None:
    phone = Browser(ann.client, world.settings)
    await phone.log_in(ANN, remember=True)

    await _post(ann, "/account/devices/others")

    assert (await phone.send("GET", "/api/auth/session")).status == 401
    assert (await ann.send("GET", "/api/auth/session")).status == 200


async def test_all_remembered_browsers_can_be_forgotten_by_page(ann: Browser, world: World) -> None:
    phone = Browser(ann.client, world.settings)
    await phone.log_in(ANN, remember=True)
    phone.close()

    await _post(ann, "/account/devices/forget")

    assert (await phone.send("GET", "/api/auth/session")).status == 401


async def test_preferences_are_kept_by_page(ann: Browser) -> None:
    await _post(ann, "/account/preferences", language="de", currency="EUR")

    assert ann.jar[ann.name("prefs")] == "de.EUR"


async def test_logging_out_by_page_clears_the_browser(ann: Browser) -> None:
    status, place, _ = await _post(ann, "/logout")

    assert (status, place) == (303, "/")
    assert not ann.jar


@pytest.mark.parametrize(
    "path", ["/logout", "/account/devices/others", "/account/devices/forget", "/login", "/register", "/verify"]
)
async def test_no_form_can_be_posted_from_another_site(ann: Browser, path: str) -> None:
    answer = await ann.send("POST", path, data={"x": "y"}, headers=HTML | {"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 403
    assert (await ann.send("GET", "/api/auth/session")).status == 200


async def test_password_managers_are_led_to_the_form(ann: Browser) -> None:
    answer = await ann.send("GET", "/.well-known/change-password")

    assert (answer.status, answer.headers["Location"]) == (303, "/account/password")


async def test_the_privacy_page_names_the_cookies_and_the_cap(browser: Browser) -> None:
    status, text = await _get(browser, "/privacy")

    assert status == 200
    for kind in ("session", "prefs", "remember"):
        assert browser.name(kind) in text
    assert "December" in text


async def test_pages_are_never_stored(browser: Browser) -> None:
    answer: Any = await browser.send("GET", "/login", headers=HTML)

    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/register", "/login"])
@pytest.mark.parametrize("field", ["name", "email", "next", "remember", "4242424242424242"])
async def test_a_card_number_in_a_form_is_not_shown_again(browser: Browser, path: str, field: str) -> None:
    form = {"email": "ann", "password": "short"} | {field: "4242 4242 4242 4242"}

    status, _, text = await _post(browser, path, **form)

    assert status == 422
    assert "4242" not in without_ids(text)


@pytest.mark.parametrize("choice", [{"currency": "XXX"}, {"language": "xx"}])
async def test_preferences_off_the_lists_are_refused(ann: Browser, choice: dict[str, str]) -> None:
    answer = await ann.send("POST", "/account/preferences", data={"language": "en", "currency": "JPY"} | choice)

    assert answer.status == 422
    assert [fault["pointer"] for fault in (await answer.json())["errors"]] == [f"/{name}" for name in choice]
