"""Pages, preferences, cookies, money."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from jinja2 import UndefinedError

from shared.formats import format_day, format_moment, format_money, name_zone
from shared.http.cookies import Cookie, read_cookie
from shared.http.pages import Pages, problem_title
from shared.http.preferences import Preferences, read_preferences
from tests.unit.shared.shop import some_settings

SETTINGS = some_settings()


def request_with(cookie="", **headers):
    if cookie:
        headers["Cookie"] = f"__Host-www.tokyoflash.com-prefs={cookie}"
    return make_mocked_request("GET", "/checkout", headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_a_page_has_the_shops_frame_and_a_strict_policy(client):
    response = await client.get("/checkout?name=Anna")

    text = await response.text()
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert "<title>Checkout</title>" in text
    assert "Tokyoflash Japan" in text
    assert 'href="/privacy"' in text
    assert "<script" not in text
    assert "style=" not in text


def test_a_page_with_a_script_may_run_ours_and_ask_us_and_nobody_else():
    pages = Pages(SETTINGS)

    page = pages.render(request_with(), "problem.html", scripts=("passkeys.js",), title="x", detail="")

    assert '<script src="/assets/passkeys.js" defer></script>' in page.text
    assert page.headers["Content-Security-Policy"].endswith("; script-src 'self'; connect-src 'self'")


@pytest.mark.parametrize(
    ("status", "language", "title"),
    [(404, "de", "Hier ist nichts"), (404, "xx", "There is nothing here"), (418, "ja", "処理できませんでした")],
)
def test_a_problem_has_a_title_in_the_visitors_language(status, language, title):
    assert problem_title(status, language) == title


async def test_what_people_type_is_escaped(client):
    response = await client.get("/checkout", params={"name": "<b>&'\""})

    assert "&lt;b&gt;&amp;&#39;&#34;" in await response.text()


async def test_money_and_days_follow_language_and_currency(client):
    english = await (await client.get("/checkout")).text()
    german = await (await client.get("/checkout", headers={"Cookie": "__Host-www.tokyoflash.com-prefs=de.EUR"})).text()

    assert "¥12,300" in english
    assert "November 22, 2026" in english
    assert '<html lang="en">' in english
    assert "123,00\N{NO-BREAK SPACE}€" in german
    assert "22. November 2026" in german
    assert '<html lang="de">' in german


async def test_a_language_that_the_templates_lack_is_not_claimed(client):
    text = await (await client.get("/checkout", headers={"Accept-Language": "ja"})).text()

    assert '<html lang="en">' in text


def test_a_name_that_a_template_misses_is_an_error():
    pages = Pages(SETTINGS, "tests.unit.shared.example")

    with pytest.raises(UndefinedError):
        pages.render(request_with(), "checkout.html")


def test_the_field_macro_shows_label_value_and_error():
    import jinja2

    places = jinja2.FileSystemLoader(Path(__file__).parents[3] / "shared" / "pages")
    environment = jinja2.Environment(loader=places, autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        '{% from "forms.html" import field %}'
        '{{ field("contact.name", "Name", values={"contact.name": "<A>"}, errors={"contact.name": "Too long"}) }}'
        '{{ field("password", "Password", type="password", values={"password": "hush"}) }}'
    )

    text = template.render()

    assert '<label for="f-contact-name">Name</label>' in text
    assert 'value="&lt;A&gt;"' in text
    assert 'aria-describedby="f-contact-name-error"' in text
    assert "Too long" in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (12300, "JPY", "en", "¥12,300"),
        (12300, "JPY", "ja", "￥12,300"),
        (9900, "USD", "en", "$99.00"),
        (-5, "EUR", "en", "-€0.05"),
    ],
)
def test_minor_units_follow_the_currency(minor, currency, language, text):
    assert format_money(minor, currency, language) == text


@pytest.mark.parametrize(
    ("language", "text", "zone"),
    [
        ("en", "December 1, 2026, 5:07 AM", "Tokyo"),
        ("de", "1. Dezember 2026, 05:07", "Tokio"),
        ("ja", "2026年12月1日 5:07", "東京"),
    ],
)
def test_a_moment_is_told_to_the_minute_in_the_shops_zone(language, text, zone):
    moment = datetime(2026, 11, 30, 20, 7, 59, tzinfo=UTC)

    assert format_moment(moment, language, "Asia/Tokyo").replace("\N{NARROW NO-BREAK SPACE}", " ") == text
    assert name_zone("Asia/Tokyo", language) == zone


def test_a_moment_falls_on_the_shops_day():
    late = datetime(2026, 11, 30, 20, tzinfo=UTC)

    assert format_day(late, "en", "Asia/Tokyo") == "December 1, 2026"
    assert format_day(date(2026, 11, 30), "de", "Asia/Tokyo") == "30. November 2026"


@pytest.mark.parametrize(
    ("cookie", "found"),
    [
        ("ja.EUR", Preferences("ja", "EUR")),
        ("fr.EUR", Preferences()),
        ("en", Preferences()),
        ("en.BTC", Preferences()),
        ("en.JPY.x", Preferences()),
        ("<script>.JPY", Preferences()),
        ("", Preferences()),
    ],
)
def test_preferences_come_from_a_closed_list(cookie, found):
    assert read_preferences(request_with(cookie), SETTINGS) == found


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr, ja;q=0.8, en;q=0.9", "en"),
        ("ja", "ja"),
        ("de;q=0, ja;q=0.1", "ja"),
        ("de;q=x, en", "en"),
        ("*", "en"),
        ("", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_else_the_browsers_languages_decide(header, language):
    assert read_preferences(request_with(Accept_Language=header), SETTINGS) == Preferences(language, "JPY")


def test_the_preferences_cookie_says_only_the_two_codes():
    cookie = Preferences("de", "EUR").cookie()

    assert (cookie.name, cookie.value, cookie.max_age_s) == ("prefs", "de.EUR", None)


@pytest.mark.parametrize("kind", ["session", "prefs"])
def test_only_remember_outlives_the_browser(kind):
    with pytest.raises(ValueError, match="ends with the browser"):
        Cookie(kind, "x", max_age_s=60)
    assert Cookie("remember", "x", max_age_s=60).max_age_s == 60


def test_there_is_no_fourth_cookie():
    with pytest.raises(ValueError, match="no such cookie"):
        Cookie("tracker", "x")


def test_a_huge_cookie_is_not_read():
    assert read_cookie(request_with("x" * 4097), SETTINGS, "prefs") is None


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "Reference for questions: "), ("ja", "お問い合わせ用の番号: "), ("de", "Für Rückfragen: ")],
)
def test_the_number_below_a_problem_is_said_to_be_one_to_cite(language, told):
    page = Pages(SETTINGS, languages=("en", "ja", "de")).render(
        request_with(**{"Accept-Language": language}), "problem.html", title="x", detail=""
    )

    assert f'<p class="quiet">{told}' in page.text
