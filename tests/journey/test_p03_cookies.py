"""P3: without "remember me" there are only cookies that end with the browser and carry nothing personal."""

import base64
import binascii
import re
import secrets
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together

SERVICES = ("auth", "orders", "mailer", "warranty")
LINK = re.compile(r'(?:href|src|action)="([^"#]+)')
MOST_PAGES = 200
NEVER = ("/no-such-page", "/products/none", "/orders/none", "/api/orders/none", "/verify?t=none", "/static/none.css")
PREFERENCES = re.compile(r"[a-z]{2}\.[A-Z]{3}")


class Crawl:
    """Every Set-Cookie of every answer, by the page that sent it."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.visited: set[str] = set()
        self.cookies: list[tuple[str, str]] = []

    async def run(self, *starts: str) -> None:
        waiting = list(starts)
        while waiting and len(self.visited) < MOST_PAGES:
            path = waiting.pop()
            if path in self.visited:
                continue
            self.visited.add(path)
            answer = await self.browser.call("GET", path)
            self.note(path, answer)
            waiting += [place for place in _places(path, answer) if place not in self.visited]

    def note(self, path: str, answer: Answer) -> None:
        self.cookies += [(path, line) for line in answer.cookies]


def _places(path: str, answer: Answer) -> Iterator[str]:
    """Pages of ours that the answer leads to."""
    for target in [answer.headers.get("Location", ""), *LINK.findall(answer.text)]:
        place = urlsplit(urljoin(f"https://shop.invalid{path}", unquote(target.replace("&amp;", "&"))))
        if target and place.netloc in ("shop.invalid", "localhost"):
            yield place.path + (f"?{place.query}" if place.query else "")


def _check(shop: Shop, path: str, line: str) -> None:
    """One Set-Cookie against the closed list."""
    [(name, morsel)] = SimpleCookie(line).items()
    site = re.escape("__Host-") + r"[a-z0-9.-]+"
    deletes = morsel["max-age"] == "0"
    assert re.fullmatch(rf"{site}-(session|prefs|remember)", name), f"{path} sets {name}"
    assert not name.endswith("-remember") or deletes, f"{path} remembers without being asked"
    assert deletes or not (morsel["max-age"] or morsel["expires"]), f"{path}: {name} outlives the browser"
    assert morsel["secure"], path
    assert morsel["httponly"], path
    assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", ""), path
    if name.endswith("-prefs") and not deletes:
        assert PREFERENCES.fullmatch(morsel.value), f"{path}: {morsel.value}"


async def test_every_cookie_of_a_full_crawl_is_on_the_list(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    as_guest, as_customer = Crawl(browser), Crawl(browser)
    api = [f"/api/{service}/{page}" for service in SERVICES for page in ("openapi.json", "docs", "none")]

    await as_guest.run("/", *NEVER, *api)
    login = await shop.log_in(browser, address("ann"), PASSWORD)
    as_customer.note("login", login)
    choice = {"language": "de", "currency": "EUR"}
    as_customer.note("preferences", await browser.call("PUT", "/api/auth/preferences", choice, expect=200))
    await as_customer.run("/", "/account", *NEVER, *api)
    as_customer.note("logout", await browser.call("DELETE", "/api/auth/session", expect=204))

    assert {"/", "/register", "/login", "/privacy"} <= as_guest.visited
    assert "/account" in as_customer.visited
    assert {path for path, _ in as_customer.cookies} >= {"login", "preferences", "logout"}
    for path, line in as_guest.cookies + as_customer.cookies:
        _check(shop, path, line)


@pytest.mark.parametrize(
    "choice",
    [
        {"language": "fr", "currency": "JPY"},
        {"language": "en", "currency": "BTC"},
        {"language": "en; Max-Age=9", "currency": "JPY"},
        {"language": "en", "currency": "JPY", "name": "Ann"},
    ],
)
async def test_only_codes_of_the_closed_list_are_preferences(browser: Browser, choice: dict[str, str]) -> None:
    refused = await browser.call("PUT", "/api/auth/preferences", choice)

    assert refused.status == 422
    assert not refused.cookies


async def test_a_renewed_session_does_not_become_persistent(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)

    browser.forget("-session")
    renewed = await browser.call("GET", "/account")

    [session] = [line for line in renewed.cookies if "-session=" in line]
    assert "max-age" not in session.lower()
    assert "expires" not in session.lower()


async def test_equal_accounts_get_unrelated_values_that_say_nothing(shop: Shop, address: Address) -> None:
    values = []
    for name in ("ann", "ann", "bo"):
        async with shop.browser() as one:
            person = address(f"{name}{len(values)}")
            await shop.register(one, person, "Canary Person", PASSWORD)
            login = await shop.log_in(one, person, PASSWORD)
            [line] = [line for line in login.cookies if "-session=" in line]
            values.append(line.partition("=")[2].partition(";")[0])

    shortest_common = 6
    for value in values:
        assert len(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))) >= 16
        assert not any(word in _readings(value) for word in ("canary", "example.org"))
    for other in values[1:]:
        chunks = {other[at : at + shortest_common] for at in range(len(other) - shortest_common)}
        assert not any(chunk in values[0] for chunk in chunks)


def _readings(value: str) -> str:
    """The value as text, decoded in each of the usual ways."""
    readings = [value, unquote(value)]
    for decode in (base64.urlsafe_b64decode, base64.b32decode, bytes.fromhex):
        try:
            readings.append(decode(value + "=" * (-len(value) % 4)).decode("latin-1"))  # type: ignore[operator]
        except (ValueError, binascii.Error):
            continue
    return " ".join(readings).lower()


async def test_a_forged_preference_cookie_changes_nothing(shop: Shop, browser: Browser) -> None:
    nonsense = secrets.token_urlsafe(8)
    name = next(iter(await _preference_cookie_names(browser)))

    page = await browser.call("GET", "/", headers={"Cookie": f"{name}={nonsense}.<script>"})

    assert page.status == 200
    assert nonsense not in page.text


async def _preference_cookie_names(browser: Browser) -> set[str]:
    chosen = await browser.call("PUT", "/api/auth/preferences", {"language": "ja", "currency": "JPY"}, expect=200)
    return {line.partition("=")[0] for line in chosen.cookies}
