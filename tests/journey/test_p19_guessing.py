"""P19: accounts resist guessing, and nobody learns who is a customer."""

import asyncio
import secrets
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address

GUESSES = 2000
NETWORKS = 200
TRIED_AT_MOST = 10
DIFFERENCE = 0.05
ROUND = 40
ROUNDS = 6
RESETS_ROUND, NETWORKS_OF_RESETS, RESETS_FROM_ONE = 4, 4, 3
ROUNDS_OF_RESETS = 12  # each answer is a few ms: a median of few of them wanders by more than what is asked


@asynccontextmanager
async def _from(shop: Shop, host: str) -> AsyncIterator[Browser]:
    """A browser in another network: all of 127.0.0.0/8 is this machine."""
    connector = aiohttp.TCPConnector(ssl=shop.stack.tls(), local_addr=(host, 0), limit=2)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Browser(shop.gateway, session)


async def _guess(browser: Browser, email: str, **headers: str) -> Answer:
    login = {"email": email, "password": f"not {secrets.token_hex(8)} at all"}
    return await browser.call("POST", "/api/auth/session", login, headers=headers)


async def test_of_two_thousand_guesses_from_two_hundred_networks_ten_are_tried(
    shop: Shop, browser: Browser, address: Address
) -> None:
    email = address("victim")
    await shop.register(browser, email, "Vic", PASSWORD)
    await shop.log_in(browser, email, PASSWORD, remember=True)
    statuses: Counter[int] = Counter()

    async def guess_from(network: int) -> None:
        async with _from(shop, f"127.1.{network}.1") as stranger:
            for _ in range(GUESSES // NETWORKS):
                forged = {
                    "X-Forwarded-For": f"203.0.{network}.7",
                    "X-Real-IP": "198.51.100.1",
                    "Forwarded": "for=1.1.1.1",
                }
                answer = await _guess(stranger, email, **forged)
                statuses[answer.status] += 1
                assert answer.status == 401 or int(answer.headers["Retry-After"]) > 0

    gate = asyncio.Semaphore(16)

    async def in_turn(network: int) -> None:
        async with gate:
            await guess_from(network)

    await asyncio.gather(*(in_turn(network) for network in range(NETWORKS)))

    assert sum(statuses.values()) == GUESSES
    assert set(statuses) == {401, 429}
    assert statuses[401] <= TRIED_AT_MOST
    browser.forget("-session")
    assert (await browser.call("GET", "/api/auth/session", expect=200)).json["remembered"] is True
    await shop.log_in(browser, email, PASSWORD)  # a known browser has tries of its own


async def test_an_owner_who_is_kept_out_gets_in_by_a_new_password(
    shop: Shop, browser: Browser, address: Address
) -> None:
    email, other = address("owner"), f"{PASSWORD}, or so they say"
    await shop.register(browser, email, "Ow", PASSWORD)
    for _ in range(TRIED_AT_MOST):
        await _guess(browser, email)
    login = {"email": email, "password": PASSWORD}
    assert (await browser.call("POST", "/api/auth/session", login)).status == 429

    await browser.call("POST", "/api/auth/password/forgot", {"email": email}, expect=202)
    mail = await shop.mailbox.wait(email, count=2)
    await browser.call("POST", "/api/auth/password/reset", {"token": mail.token, "password": other}, expect=200)

    await shop.log_in(browser, email, other)


async def test_many_mails_to_a_victim_are_not_sent(shop: Shop, browser: Browser, address: Address) -> None:
    email = address("flooded")
    await shop.register(browser, email, "Flo", PASSWORD)

    for _ in range(30):
        asked = await browser.call("POST", "/api/auth/password/forgot", {"email": email})
        registered = {"email": email, "name": "X", "password": PASSWORD}
        again = await browser.call("POST", "/api/auth/accounts", registered)
        assert {asked.status, again.status} <= {202, 429}

    last = address("last")  # mails are sent in turn: when this one is there, so are those before it
    await shop.register(browser, last, "La", PASSWORD)
    assert len(shop.mailbox.to(email)) <= 12


async def test_every_answer_is_the_same_for_known_and_unknown_addresses(
    shop: Shop, browser: Browser, address: Address
) -> None:
    known, unproven = address("known"), address("unproven")
    await shop.register(browser, known, "Ken", PASSWORD)
    account = {"email": unproven, "name": "Un", "password": PASSWORD}
    await browser.call("POST", "/api/auth/accounts", account, expect=202)
    calls: list[Callable[[str], Awaitable[Answer]]] = [
        lambda email: _guess(browser, email),
        lambda email: browser.call("POST", "/api/auth/password/forgot", {"email": email}),
        lambda email: browser.call("POST", "/api/auth/accounts", {"email": email, "name": "Ann", "password": PASSWORD}),
        lambda email: browser.call("POST", "/api/auth/accounts/verify", {"email": email, "code": "AAAA-AAAA"}),
    ]

    for call in calls:
        answers = [await call(email) for email in (known, unproven, address(f"unknown-{secrets.token_hex(3)}"))]
        assert len({_shape(answer) for answer in answers}) == 1, [_shape(answer) for answer in answers]


async def test_the_right_password_of_an_unproven_account_looks_like_a_wrong_one(
    browser: Browser, address: Address
) -> None:
    account = {"email": address("unproven"), "name": "Un", "password": PASSWORD}
    await browser.call("POST", "/api/auth/accounts", account, expect=202)

    right = await browser.call("POST", "/api/auth/session", {"email": account["email"], "password": PASSWORD})
    wrong = await _guess(browser, account["email"])

    assert _shape(right) == _shape(wrong)


def _shape(answer: Answer) -> tuple[object, ...]:
    """All of an answer but what differs each time."""
    body = {name: value for name, value in answer.json.items() if name not in ("request_id", "instance")}
    headers = {name.lower() for name in answer.headers} - {"date"}
    return answer.status, str(body), frozenset(headers), answer.cookies


async def test_a_known_address_takes_as_long_as_an_unknown_one(shop: Shop, browser: Browser, address: Address) -> None:
    """Rounds of pairs in turns, until the medians agree or patience ends: one noisy round proves nothing."""
    known = address("known")
    await shop.register(browser, known, "Ken", PASSWORD)
    taken: tuple[list[float], list[float]] = [], []

    for _ in range(ROUNDS):
        for pair in range(ROUND):
            if pair % (TRIED_AT_MOST - 2) == 0:
                await shop.log_in(browser, known, PASSWORD)  # begins the count of tries anew
                browser.forget("")
            unknown = address(f"unknown-{secrets.token_hex(4)}")
            pairs = [(known, taken[0]), (unknown, taken[1])]
            for email, times in pairs if pair % 2 else pairs[::-1]:
                begun = time.perf_counter()
                assert (await _guess(browser, email)).status == 401
                times.append(time.perf_counter() - begun)
        medians = [statistics.median(times) for times in taken]
        if abs(medians[0] - medians[1]) < DIFFERENCE * min(medians):
            return

    raise AssertionError(f"medians of known and unknown addresses: {medians}")


async def test_a_forgotten_password_takes_as_long_for_a_known_address_as_for_an_unknown_one(
    shop: Shop, browser: Browser, address: Address
) -> None:
    """Likewise; an address is asked for a dozen times, three from each network, as often as it gets a mail.

    Each of the two is the first from every other network, for the first one there costs more.
    """
    taken: tuple[list[float], list[float]] = [], []

    for turn in range(ROUNDS_OF_RESETS):
        for account in range(RESETS_ROUND):
            known, unknown = address(f"forgetful-{turn}-{account}"), address(f"nobodyelse-{turn}-{account}")
            payer = address(f"somebody-{turn}-{account}")
            await shop.register(browser, known, "Ken", PASSWORD)
            for network in range(NETWORKS_OF_RESETS):
                place = (turn * RESETS_ROUND + account) * NETWORKS_OF_RESETS + network
                async with _from(shop, f"127.2.{place}.1") as stranger:
                    await stranger.call("GET", "/login", expect=200)  # connected from now on
                    for pair in range(RESETS_FROM_ONE):
                        pairs = [(known, taken[0]), (unknown, taken[1])]
                        for email, times in pairs if (place + pair) % 2 else pairs[::-1]:
                            begun = time.perf_counter()
                            await stranger.call("POST", "/api/auth/password/forgot", {"email": email}, expect=202)
                            times.append(time.perf_counter() - begun)
                            if email == known:  # whoever comes next must not pay for this one's mail
                                await shop.mailbox.wait(known, count=2 + network * RESETS_FROM_ONE + pair)
                                # Nor for what mailer writes down behind it: somebody pays who is not timed.
                                await stranger.call("POST", "/api/auth/password/forgot", {"email": payer}, expect=202)
        medians = [statistics.median(times) for times in taken]
        if abs(medians[0] - medians[1]) < DIFFERENCE * min(medians):
            return

    raise AssertionError(f"medians of known and unknown addresses: {medians}")
