"""Auth as a whole, on the real database and the real broker."""

import asyncio
from typing import Any

from services.auth.config import Settings
from shared.identity import IdentityVerifier, read_key_set
from shared.mongo import Database
from tests.component.auth.conftest import Auth, running_auth
from tests.unit.auth.doubles import PASSWORD, Browser

ANN = {"email": "ann@shop.example", "name": "Ann Example", "password": PASSWORD}


async def _register(auth: Auth, browser: Browser) -> str:
    """Register Ann; the token of the link that mailer was given."""
    answer = await browser.send("POST", "/api/auth/accounts", json=ANN)
    assert answer.status == 202
    template, recipient = await auth.mailbox.next()
    assert (template, recipient.email) == ("verify", ANN["email"])
    return recipient.link.partition("t=")[2]


async def _ann(auth: Auth, **login: Any) -> Browser:
    browser = auth.browser()
    token = await _register(auth, browser)
    assert (await browser.send("POST", "/api/auth/accounts/verify", json={"token": token})).status == 200
    assert (await browser.log_in(ANN["email"], **login)).status == 200
    return browser


async def test_register_verify_log_in_and_out(auth: Auth) -> None:
    ann = await _ann(auth)

    session = await (await ann.send("GET", "/api/auth/session")).json()
    token = (await ann.identity("orders")).headers["X-Identity"]

    async def fetch() -> Any:
        return read_key_set(await (await auth.client.get("/.well-known/jwks.json")).json())

    identity = await IdentityVerifier(fetch, "orders", auth.deps.clock).verify(token)
    assert (identity.subject, identity.fresh) == (session["account"]["id"], True)
    assert (await ann.send("DELETE", "/api/auth/session")).status == 204
    assert (await ann.send("GET", "/api/auth/session")).status == 401


async def test_twenty_registrations_of_one_address_at_once_make_one_account(auth: Auth) -> None:
    browsers = [auth.browser() for _ in range(20)]

    answers = await asyncio.gather(*(each.send("POST", "/api/auth/accounts", json=ANN) for each in browsers))

    assert {answer.status for answer in answers} == {202}
    assert await auth.runtime.database["accounts"].count_documents({}) == 1


async def test_of_twenty_parallel_uses_of_one_link_one_verifies(auth: Auth) -> None:
    browser = auth.browser()
    token = await _register(auth, browser)

    answers = await asyncio.gather(
        *(auth.browser().send("POST", "/api/auth/accounts/verify", json={"token": token}) for _ in range(20))
    )

    assert sorted(answer.status for answer in answers) == [200] + [410] * 19


async def test_of_links_followed_at_once_one_decides_whose_password_counts(auth: Auth) -> None:
    links = {}
    for number in range(5):
        wish = ANN | {"password": f"the password of {number}"}
        elsewhere = {"X-Forwarded-For": f"100.64.{number}.1"}  # from one network an address gets four mails
        await auth.browser().send("POST", "/api/auth/accounts", json=wish, headers=elsewhere)
        links[wish["password"]] = (await auth.mailbox.next())[1].link.partition("t=")[2]

    answers = await asyncio.gather(
        *(auth.browser().send("POST", "/api/auth/accounts/verify", json={"token": token}) for token in links.values())
    )
    logins = [(await auth.browser().log_in(ANN["email"], password)).status for password in links]

    assert sorted(answer.status for answer in answers) == [200] + [404] * 4
    assert logins == [200 if answer.status == 200 else 401 for answer in answers]


async def test_twenty_parallel_uses_of_one_remember_cookie_all_work(auth: Auth) -> None:
    ann = await _ann(auth, remember=True)
    ann.close()
    tabs = [ann.copy() for _ in range(20)]

    answers = await asyncio.gather(*(tab.identity("orders") for tab in tabs))

    assert all(answer.headers["X-Identity"] for answer in answers)
    assert len({tab.jar[tab.name("session")] for tab in tabs}) == 1
    assert await auth.runtime.database["sessions"].count_documents({"ended_at": None}) == 1
    assert await auth.runtime.database["remembered"].count_documents({"ended_at": None}) == 1
    assert auth.mailbox.queue.empty()


async def test_at_most_ten_of_fifty_guesses_at_once_are_tried(auth: Auth) -> None:
    await _ann(auth)

    answers = await asyncio.gather(*(auth.browser().log_in(ANN["email"], "a wrong password") for _ in range(50)))

    statuses = [answer.status for answer in answers]
    assert set(statuses) <= {401, 429, 503}
    assert statuses.count(401) <= 10
    assert statuses.count(429) == 40


async def test_the_theft_of_a_cookie_is_told_by_mail(settings: Settings) -> None:
    async with running_auth(settings) as auth:
        ann = await _ann(auth, remember=True)
        thief = ann.copy()
        ann.close()
        thief.close()
        await ann.identity()
    async with running_auth(settings.model_copy(update={"clock_offset_s": 120})) as later:
        stolen = Browser(later.client, settings)
        stolen.jar = thief.jar

        answer = await stolen.identity()
        template, recipient = await later.mailbox.next()

    assert answer.headers["X-Identity"] == ""
    assert (template, recipient.email) == ("remember-theft", ANN["email"])


async def test_a_session_outlives_a_restart_and_its_last_use_is_kept(settings: Settings, database: Database) -> None:
    async with running_auth(settings) as auth:
        ann = await _ann(auth)
    async with running_auth(settings.model_copy(update={"clock_offset_s": 90})) as later:
        moved = Browser(later.client, settings)
        moved.jar = ann.jar
        assert (await moved.identity("orders")).headers["X-Identity"]

    session = await database["sessions"].find_one({})
    assert session is not None
    assert (session["seen_at"] - session["created_at"]).total_seconds() >= 60


async def test_events_are_gone_from_the_documents_once_the_broker_has_them(auth: Auth) -> None:
    await _ann(auth)

    async with asyncio.timeout(20):
        while await auth.runtime.database["accounts"].count_documents({"outbox.0": {"$exists": True}}):
            await asyncio.sleep(0.02)

    assert await auth.runtime.database["accounts"].count_documents({}) == 1


async def test_no_personal_value_or_token_is_in_the_database_in_clear(auth: Auth) -> None:
    ann = await _ann(auth, remember=True)
    secrets = [ANN["email"], "Ann Example", PASSWORD, "$argon2id", *ann.jar.values()]

    everything = b""
    for name in await auth.runtime.database.list_collection_names():
        async for document in auth.runtime.database[name].find({}):
            everything += repr(document).encode()

    assert b"customer" in everything
    for secret in secrets:
        assert secret.encode() not in everything
