"""The account's pages: what they change, and what they ask for before."""

import html
import re
from datetime import datetime, timedelta

import pytest

from shared.http.middleware import CSP, CSP_WITH_SCRIPT
from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.pages import HTML, get, post
from tests.unit.auth.people import ANN, SUE, a_colleague, a_customer, a_phone, add_passkey, set_up_totp

OTHER = "three quite other words"
LATER = timedelta(minutes=16)
FOR_OWNERS = ("/account", "/account/name", "/account/email", "/account/password", "/account/devices",
              "/account/factors", "/account/activity", "/account/data", "/account/preferences")  # fmt: skip
IMPORTANT = ("/account/email", "/account/factors", "/account/data")


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in."""
    await a_customer(world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


def _link(world: World, template: str) -> str:
    """The path of the newest mail's link."""
    return [each.link for name, each in world.mails if name == template][-1].removeprefix(world.settings.public_url)


@pytest.mark.parametrize("path", FOR_OWNERS)
async def test_a_guest_logs_in_first_and_comes_back(browser: Browser, path: str) -> None:
    answer = await browser.send("GET", path, headers=HTML)

    assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={path}")


@pytest.mark.parametrize("path", IMPORTANT)
async def test_what_is_important_asks_for_the_password_again_and_goes_on(ann: Browser, world: World, path: str) -> None:
    assert (await get(ann, path))[0] == 200
    world.clock.advance(seconds=LATER.total_seconds())

    asked = await ann.send("GET", path, headers=HTML)
    wrong = await post(ann, "/confirm", next=path, password="not the right one")
    right = await post(ann, "/confirm", next=path, password=PASSWORD)

    assert (asked.status, asked.headers["Location"]) == (303, f"/confirm?next={path}")
    assert wrong[0] == 403
    assert re.search(r'id="f-password-error">This is not your current password', wrong[2])
    assert f'value="{path}"' in wrong[2]
    assert right[:2] == (303, path)
    assert (await get(ann, path))[0] == 200


@pytest.mark.parametrize(
    "form", ["/account/email", "/account/factors/authenticator", "/account/factors/codes", "/account/data/export"]
)
async def test_no_form_gets_round_that(ann: Browser, world: World, form: str) -> None:
    world.clock.advance(seconds=LATER.total_seconds())

    status, place, _ = await post(ann, form, email="other@shop.example")

    assert (status, place.partition("?")[0]) == (303, "/confirm")
    assert not [template for template, _ in world.mails if template != "verify"]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/logout"])
async def test_the_confirmation_leads_nowhere_else(ann: Browser, elsewhere: str) -> None:
    assert (await post(ann, "/confirm", next=elsewhere, password=PASSWORD))[:2] == (303, "/account")


async def test_a_second_factor_is_asked_for_with_the_password(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)
    world.clock.advance(seconds=LATER.total_seconds())

    _, page = await get(ann, "/confirm?next=/account/data")
    alone = await post(ann, "/confirm", next="/account/data", password=PASSWORD)
    both = await post(ann, "/confirm", next="/account/data", password=PASSWORD, otp=totp.at(world.clock()))

    assert 'name="otp"' in page
    assert alone[0] == 401
    assert both[:2] == (303, "/account/data")


async def test_the_name_is_corrected(ann: Browser) -> None:
    assert (await post(ann, "/account/name", name="Ann Other"))[:2] == (303, "/account?done=name-changed")

    _, text = await get(ann, "/account?done=name-changed")
    assert "Ann Other" in text
    assert re.search(r'role="status">Your name is changed', text)


async def test_what_was_done_is_from_a_closed_list(ann: Browser) -> None:
    _, text = await get(ann, "/account?done=<b>Send+me+money")

    assert "money" not in text
    assert 'role="status"' not in text


async def test_the_address_changes_once_both_have_pressed_their_button(ann: Browser, world: World) -> None:
    assert (await post(ann, "/account/email", email="ann@new.example"))[0] == 202
    confirm, approve = _link(world, "email-confirm"), _link(world, "email-approve")

    for _ in range(2):
        assert (await get(ann, confirm))[0] == 200  # a mail scanner's visit
    _, _, waiting = await post(ann, "/email/confirm", token=confirm.partition("t=")[2])
    _, _, changed = await post(ann, "/email/confirm", token=approve.partition("t=")[2])

    assert "One side is confirmed" in waiting
    assert "Address changed" in changed
    assert "ann@new.example" in (await get(ann, "/account"))[1]


async def test_a_link_for_a_new_address_that_no_longer_counts_says_so(browser: Browser) -> None:
    status, _, text = await post(browser, "/email/confirm", token="unknown")

    assert status == 404
    assert "This link no longer works" in text


async def test_the_password_is_changed_and_this_browser_stays_logged_in(ann: Browser, world: World) -> None:
    other = Browser(ann.client, world.settings)
    await other.log_in(ANN)

    answer = await post(ann, "/account/password", current_password=PASSWORD, new_password=OTHER, username=ANN)

    assert answer[:2] == (303, "/account?done=password-changed")
    assert (await get(ann, "/account"))[0] == 200
    assert (await get(other, "/account"))[0] == 303


async def test_a_refused_change_of_password_says_which_field_and_shows_neither(ann: Browser) -> None:
    status, _, text = await post(ann, "/account/password", current_password="not the right one", new_password=OTHER)

    assert status == 403
    assert re.search(r'id="f-current_password-error">This is not your current password', text)
    assert "not the right one" not in text
    assert OTHER not in text


async def test_a_forgotten_password_is_chosen_anew_by_the_mailed_link(browser: Browser, world: World) -> None:
    await a_customer(world)

    known = await post(browser, "/password/forgot", email=ANN)
    unknown = await post(browser, "/password/forgot", email="nobody@shop.example")
    link = _link(world, "reset")
    assert (await get(browser, link))[0] == 200
    token = link.partition("t=")[2]
    short = await post(browser, "/password/reset", token=token, password="short")
    chosen = await post(browser, "/password/reset", token=token, password=OTHER)
    again = await post(browser, "/password/reset", token=token, password=OTHER)

    assert known == unknown
    assert known[0] == 202
    assert short[0] == 422
    assert f'value="{token}"' in short[2]
    assert chosen[:2] == (303, "/login?done=password-reset")
    assert again[0] == 410
    assert (await post(browser, "/login", email=ANN, password=OTHER, next=""))[0] == 303


async def test_a_link_of_no_use_says_so_before_a_password_is_typed(browser: Browser, world: World) -> None:
    await a_customer(world)
    await post(browser, "/password/forgot", email=ANN)
    link = _link(world, "reset")

    nonsense, missing = await get(browser, "/password/reset?t=nonsense"), await get(browser, "/password/reset")
    looked = [await get(browser, link) for _ in range(2)]
    await post(browser, "/password/reset", token=link.partition("t=")[2], password=OTHER)
    spent = await get(browser, link)

    for status, text in (nonsense, missing, spent):
        assert status == 404
        assert "This link no longer works" in text
        assert 'name="password"' not in text
        assert 'action="/password/forgot"' in text
    assert all(status == 200 and 'name="password"' in text for status, text in looked)


async def test_a_link_whose_time_is_over_is_of_no_use(browser: Browser, world: World) -> None:
    await a_customer(world)
    await post(browser, "/password/forgot", email=ANN)
    world.clock.advance(seconds=601)

    status, text = await get(browser, _link(world, "reset"))

    assert status == 404
    assert 'name="password"' not in text


async def test_a_field_left_empty_is_named(browser: Browser) -> None:
    _, _, text = await post(browser, "/login", email=ANN, password="", next="")

    assert '<a href="#f-password">Password: ' in text


async def test_the_code_of_the_mail_verifies_as_the_link_does(browser: Browser, world: World) -> None:
    _, _, page = await post(browser, "/register", email=ANN, name="Ann", password=PASSWORD)
    code = world.mails[-1][1].code

    wrong = await post(browser, "/verify", email=ANN, code="AAAA-AAAA")
    right = await post(browser, "/verify", email=ANN, code=code.lower())

    assert f'value="{ANN}"' in page
    assert (wrong[0], right[0]) == (404, 200)
    assert "Address confirmed" in right[2]


async def test_logging_in_changes_no_language_by_itself(browser: Browser, world: World) -> None:
    await a_customer(world)
    account = next(iter(world.accounts.stored.values()))
    await browser.log_in(ANN)
    await post(browser, "/account/preferences", language="ja", currency="EUR")
    elsewhere = Browser(browser.client, world.settings)

    _, _, before = await post(elsewhere, "/login", {"Accept-Language": "de"}, email=ANN, password="wrong", next="")
    await post(elsewhere, "/login", {"Accept-Language": "de"}, email=ANN, password=PASSWORD, next="")
    _, after = await get(elsewhere, "/account", **{"Accept-Language": "de"})
    chosen = Browser(browser.client, world.settings)
    chosen.jar[chosen.name("prefs")] = "de.EUR"
    await post(chosen, "/login", email=ANN, password=PASSWORD, next="")

    assert world.accounts.stored[account.id].language == "ja"
    assert elsewhere.name("prefs") not in elsewhere.jar
    assert all('<html lang="de">' in text for text in (before, after))
    assert chosen.jar[chosen.name("prefs")] == "de.EUR"


async def test_the_trail_is_shown_in_words_without_ids(ann: Browser, world: World) -> None:
    await post(ann, "/account/name", name="Ann Other")

    _, text = await get(ann, "/account/activity")

    assert text.index("Name changed") < text.index("Logged in") < text.index("Address confirmed")
    [account] = world.accounts.stored
    assert account not in text


@pytest.mark.parametrize("path", ["/account/activity", "/account/devices", "/account/data", "/account/factors"])
async def test_times_are_told_to_the_minute_and_their_zone_once(ann: Browser, world: World, path: str) -> None:
    await post(ann, "/account/data/export")
    await add_passkey(ann, a_phone())

    _, text = await get(ann, path)

    machine, person = re.findall(r'<time datetime="([^"]+)">([^<]+)</time>', text)[0]
    assert datetime.fromisoformat(machine).tzinfo is not None
    assert re.search(r"\b\d{1,2}:\d\d\s[AP]M$", person)
    assert "+0900" not in text
    assert text.count("Times are those of Tokyo.") == 1


async def test_the_owner_reads_who_of_the_staff_looked_and_why(ann: Browser, world: World) -> None:
    totp = await a_colleague(world)
    sue = Browser(ann.client, world.settings)
    assert (await sue.log_in(SUE, otp=totp.at(world.clock()))).status == 200
    look = {"email": ANN, "reason": "She asks <why> on the phone."}
    assert (await sue.send("POST", "/api/auth/desk/people", json=look)).status == 200

    _, text = await get(ann, "/account/activity")

    assert "Our staff looked at your data" in text
    assert "the account · by customer service · Reason: She asks &lt;why&gt; on the phone." in text
    assert SUE not in text


@pytest.mark.parametrize(
    ("path", "policy"),
    [("/login", CSP_WITH_SCRIPT), ("/register", CSP_WITH_SCRIPT), ("/account", CSP), ("/account/data", CSP),
     ("/account/factors", CSP_WITH_SCRIPT), ("/confirm", CSP), ("/privacy", CSP)],
)  # fmt: skip
async def test_only_pages_that_need_a_script_may_run_one(ann: Browser, path: str, policy: str) -> None:
    answer = await ann.send("GET", path, headers=HTML)

    assert answer.headers["Content-Security-Policy"] == policy
    assert ("<script" in await answer.text()) == (policy == CSP_WITH_SCRIPT)


async def test_the_confirmation_offers_a_passkey_to_who_has_one(ann: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    _, text = await get(ann, "/confirm?next=/account/data")

    assert 'data-passkey-options="/api/auth/session/passkey/options"' in text
    assert text.index("data-passkey-options") < text.index('name="password"')
    assert 'name="otp"' not in text


async def test_the_confirmation_has_ways_out(ann: Browser) -> None:
    _, text = await get(ann, "/confirm?next=/account/data")

    [page] = re.findall(r"<main.*</main>", text, re.DOTALL)
    assert 'href="/password/forgot"' in page
    assert 'href="/account"' in page
    assert 'name="otp"' not in page
    assert 'name="recovery_code"' not in page


async def test_a_remembered_browser_that_is_closed_can_be_forgotten_alone(ann: Browser, world: World) -> None:
    laptop, phone = Browser(ann.client, world.settings), Browser(ann.client, world.settings)
    await phone.log_in(ANN, remember=True)
    world.clock.advance(seconds=1)
    await laptop.log_in(ANN, remember=True)
    for each in (laptop, phone):
        each.close()

    _, page = await get(ann, "/account/devices")
    newest = re.findall(r'forget-one">\s*<input type="hidden" name="id" value="([^"]+)"', page)[0]
    answer = await post(ann, "/account/devices/forget-one", id=newest)

    assert answer[:2] == (303, "/account/devices?done=forgotten-one")
    assert (await laptop.send("GET", "/api/auth/session")).status == 401
    assert (await phone.send("GET", "/api/auth/session")).status == 200


async def test_another_persons_browser_cannot_be_forgotten(ann: Browser, world: World) -> None:
    await a_customer(world, "bob@shop.example", "Bob")
    bob = Browser(ann.client, world.settings)
    await bob.log_in("bob@shop.example", remember=True)
    _, page = await get(bob, "/account/devices")
    [his] = re.findall(r'forget-one">\s*<input type="hidden" name="id" value="([^"]+)"', page)

    assert (await post(ann, "/account/devices/forget-one", id=his))[0] == 404
    bob.close()
    assert (await bob.send("GET", "/api/auth/session")).status == 200


def _switch(text: str) -> tuple[str, list[str]]:
    """Where the switch at the foot of a page leads back to, and its languages."""
    [form] = re.findall(r'action="/account/language".*?</form>', text, re.DOTALL)
    [here] = re.findall(r'name="next" value="([^"]*)"', form)
    return html.unescape(here), re.findall(r'name="language" value="(\w+)"', form)


@pytest.mark.parametrize("path", ["/login", "/login?next=/account/data", "/verify?t=abc", "/privacy"])
async def test_a_guest_changes_the_language_and_stays_where_they_are(browser: Browser, path: str) -> None:
    browser.jar[browser.name("prefs")] = "en.EUR"
    here, languages = _switch((await get(browser, path))[1])

    answer = await post(browser, "/account/language", language="de", next=here)

    assert languages == ["ja", "de"]
    assert answer[:2] == (303, path)
    assert browser.jar[browser.name("prefs")] == "de.EUR"
    assert '<html lang="de">' in (await get(browser, here))[1]


async def test_what_a_form_was_answered_with_is_not_where_one_goes_back_to(browser: Browser) -> None:
    _, _, text = await post(browser, "/login", email=ANN, password="not the right one", next="")

    assert _switch(text)[0] == ""
    assert (await post(browser, "/account/language", language="ja", next=""))[:2] == (303, "/")


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a"]
)
async def test_the_language_leads_nowhere_else(browser: Browser, elsewhere: str) -> None:
    assert (await post(browser, "/account/language", language="ja", next=elsewhere))[:2] == (303, "/")


async def test_a_language_off_the_list_is_refused(browser: Browser) -> None:
    assert (await post(browser, "/account/language", language="xx", next="/"))[0] == 422
    assert not browser.jar


async def test_the_language_of_who_is_logged_in_is_their_accounts_too(ann: Browser, world: World) -> None:
    await post(ann, "/account/language", language="ja", next="/account")

    [account] = world.accounts.stored.values()
    assert account.language == "ja"
