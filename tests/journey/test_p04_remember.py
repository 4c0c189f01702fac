"""P4: a persistent cookie exists only if the box was ticked, is encrypted, and logs in that browser only."""

import asyncio
import base64
import re
import time

import pytest

from deploy.outside.browser import Browser
from deploy.outside.shop import ADDRESS, Shop
from tests.journey.conftest import PASSWORD
from tests.journey.copied import Copied, remember_cookie
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together

GRACE_S = 60


async def test_unticked_there_is_no_persistent_cookie(shop: Shop, browser: Browser, address: Address) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)

    login = await shop.log_in(browser, address("ann"), PASSWORD)

    assert not [name for name in browser.cookies() if name.endswith("-remember")]
    assert not [line for line in login.cookies if "-remember=" in line and "max-age=0" not in line.lower()]


async def test_twenty_requests_at_once_with_one_cookie_all_work_and_raise_no_alarm(
    shop: Shop, browser: Browser, address: Address
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)
    name, value = remember_cookie(browser)
    browser.forget("-session")
    browser.forget("-remember")
    header = {"Cookie": f"{name}={value}"}

    answers = await asyncio.gather(*(_alone(shop, header) for _ in range(20)))

    assert answers == [200] * 20
    browser.forget("")
    await shop.log_in(browser, address("ann"), PASSWORD)
    trail = await browser.call("GET", "/api/auth/trail?limit=50", expect=200)
    assert "remember-theft" not in {entry["what"] for entry in trail.json["items"]}


async def _alone(shop: Shop, header: dict[str, str]) -> int:
    async with shop.browser() as one:
        return (await one.call("GET", "/api/auth/session", headers=header)).status


async def test_a_copy_used_after_the_grace_ends_the_series_and_tells_the_owner(
    shop: Shop, browser: Browser, copied: Copied
) -> None:
    await asyncio.sleep(max(0, copied.used_at + GRACE_S + 1 - time.monotonic()))  # the grace is real time

    thief = await browser.call("GET", "/api/auth/session", headers={"Cookie": f"{copied.name}={copied.value}"})

    assert thief.status == 401
    mail = await shop.mailbox.wait(copied.email, count=2)
    assert "t=" not in mail.text


async def test_flipped_bits_another_series_and_nonsense_open_nothing(
    shop: Shop, browser: Browser, address: Address
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)
    name, value = remember_cookie(browser)
    version, _, packed = value.partition(".")
    raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    flipped = [bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]]) for at in (0, 12, len(raw) // 2, len(raw) - 1)]
    forged = [f"{version}.{base64.urlsafe_b64encode(each).decode().rstrip('=')}" for each in flipped]

    answers = [await _alone(shop, {"Cookie": f"{name}={each}"}) for each in [*forged, f"2{value}", f"0.{packed}", "x"]]

    assert set(answers) == {401}
    browser.forget("-session")
    assert (await browser.call("GET", "/api/auth/session")).status == 200


async def test_two_cookies_of_one_account_share_no_byte_pattern(shop: Shop, address: Address) -> None:
    boxes = []
    async with shop.browser() as first:
        await shop.register(first, address("ann"), "Ann", PASSWORD)
    for _ in range(2):
        async with shop.browser() as one:
            await shop.log_in(one, address("ann"), PASSWORD, remember=True)
            version, _, packed = remember_cookie(one)[1].partition(".")
            assert re.fullmatch(r"\d{1,4}", version), "before the box stands the version of its key, and nothing else"
            boxes.append(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))

    length = 4  # of two random boxes, three equal bytes in a row are luck; four are one chance in half a million
    chunks = {boxes[0][at : at + length] for at in range(len(boxes[0]) - length)}
    assert not any(chunk in boxes[1] for chunk in chunks)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/auth/email", {"email": "new@example.org"}),
        ("POST", "/api/auth/me/export", None),
        ("DELETE", "/api/auth/me", None),
        ("POST", "/api/auth/mfa/totp", None),
        ("POST", "/api/auth/passkeys/options", None),
        ("PUT", "/api/orders/profile", None),
    ],
)
async def test_a_remembered_login_gives_the_password_again_first(
    shop: Shop, browser: Browser, address: Address, method: str, path: str, body: dict[str, str] | None
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)
    browser.forget("-session")
    if path == "/api/orders/profile":
        body = {"name": "Ann", "shipping": dict(ADDRESS)}  # type: ignore[dict-item]

    refused = await browser.call(method, path, body)
    await browser.call("POST", "/api/auth/session/confirm", {"password": PASSWORD}, expect=200)
    allowed = await browser.call(method, path, body)

    assert (refused.status, refused.json["type"].rpartition("/")[2]) == (403, "fresh-login-required")
    assert allowed.status in (200, 201, 202, 204)


@pytest.mark.parametrize("end", ["logout", "password", "forget", "elsewhere"])
async def test_the_cookie_ends_with(shop: Shop, browser: Browser, address: Address, end: str) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    await shop.log_in(browser, address("ann"), PASSWORD, remember=True)
    name, value = remember_cookie(browser)
    other = f"{PASSWORD}, or does it"

    match end:
        case "logout":
            await browser.call("DELETE", "/api/auth/session", expect=204)
        case "password":
            change = {"current_password": PASSWORD, "new_password": other}
            await browser.call("PUT", "/api/auth/password", change, expect=200)
        case "forget":
            await browser.call("DELETE", "/api/auth/remember", expect=204)
        case "elsewhere":
            async with shop.browser() as elsewhere:
                await shop.log_in(elsewhere, address("ann"), PASSWORD)
                await elsewhere.call("DELETE", "/api/auth/sessions", expect=204)

    assert await _alone(shop, {"Cookie": f"{name}={value}"}) == 401
