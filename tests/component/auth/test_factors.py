"""Second factors on real MongoDB: what works once works once, whoever comes at the same time; nothing in clear."""

import asyncio
from typing import Any

import pyotp
import pytest

from deploy.outside.authenticator import from_base64url
from services.auth.accounts.passwords import Password
from services.auth.factors.mongo import MongoChallenges
from services.auth.service import ensure_indexes
from services.auth.staff.usecases import NewStaff, add_staff
from shared.mongo import Database
from tests.component.auth.conftest import Auth
from tests.unit.auth.doubles import PASSWORD, Browser
from tests.unit.auth.people import a_phone, add_passkey, an_assertion, login_options, new_options, use
from tests.unit.auth.stores_suite import ChallengesSuite

ANN = {"email": "ann@shop.example", "name": "Ann Example", "password": PASSWORD}


@pytest.fixture
async def ann(auth: Auth) -> Browser:
    """Registered, verified, logged in."""
    browser = auth.browser()
    await browser.send("POST", "/api/auth/accounts", json=ANN)
    token = (await auth.mailbox.next())[1].link.partition("t=")[2]
    await browser.send("POST", "/api/auth/accounts/verify", json={"token": token})
    assert (await browser.log_in(ANN["email"])).status == 200
    return browser


async def _set_up(ann: Browser, auth: Auth) -> tuple[str, list[str]]:
    """The authenticator's secret, and the recovery codes."""
    secret = (await (await ann.send("POST", "/api/auth/mfa/totp")).json())["secret"]
    code = pyotp.TOTP(secret).at(auth.deps.clock())
    answer = await ann.send("POST", "/api/auth/mfa/totp/confirm", json={"otp": code})
    return secret, (await answer.json())["recovery_codes"]


async def test_of_many_uses_of_one_recovery_code_at_once_one_logs_in(ann: Browser, auth: Auth) -> None:
    _, codes = await _set_up(ann, auth)

    answers = await asyncio.gather(*(auth.browser().log_in(ANN["email"], recovery_code=codes[0]) for _ in range(10)))

    assert [answer.status for answer in answers].count(200) == 1
    document = await auth.runtime.database["accounts"].find_one({})
    assert document is not None
    assert len(document["factors"]["recovery"]) == 9


async def test_of_twenty_uses_of_one_assertion_at_once_one_logs_in(ann: Browser, auth: Auth) -> None:
    phone = a_phone(counts=False)
    await add_passkey(ann, phone)
    assertion = await an_assertion(ann, phone)

    answers = await asyncio.gather(*(use(auth.browser(), assertion) for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [200] + [401] * 19
    assert await auth.runtime.database["challenges"].count_documents({}) == 0


async def test_passkeys_that_count_are_not_confused_by_logins_at_once(ann: Browser, auth: Auth) -> None:
    phones = [a_phone() for _ in range(4)]
    for phone in phones:
        await add_passkey(ann, phone)
    assertions = [await an_assertion(ann, phone) for phone in phones]

    answers = await asyncio.gather(*(use(auth.browser(), assertion) for assertion in assertions))

    assert [answer.status for answer in answers] == [200] * 4
    document = await auth.runtime.database["accounts"].find_one({})
    assert document is not None
    assert [each["sign_count"] for each in document["factors"]["passkeys"]] == [2] * 4


async def test_the_owner_is_told_of_each_change(ann: Browser, auth: Auth) -> None:
    await _set_up(ann, auth)
    await add_passkey(ann, a_phone())

    mails = [await auth.mailbox.next() for _ in range(2)]

    assert [(template, each.email) for template, each in mails] == [("second-factor-changed", ANN["email"])] * 2


async def test_no_secret_of_a_second_factor_is_in_the_database_in_clear(ann: Browser, auth: Auth) -> None:
    secret, codes = await _set_up(ann, auth)
    await add_passkey(ann, a_phone(), "Ann's old telephone")
    challenges = [(await login_options(ann))["challenge"], (await new_options(ann))["challenge"]]

    everything = b""
    for name in await auth.runtime.database.list_collection_names():
        async for document in auth.runtime.database[name].find({}):
            everything += repr(document).encode()

    shown = [secret, "telephone", *codes, *(code.replace("-", "") for code in codes), *challenges]
    assert b"passkeys" in everything
    assert not [each for each in shown if each.encode() in everything]
    assert not [each for each in challenges if repr(from_base64url(each))[2:-1].encode() in everything]


async def test_a_reset_by_the_staff_command_ends_passkeys(auth: Auth) -> None:
    new = NewStaff("sue@staff.example", "Sue", "support", Password(PASSWORD))
    sue, phone = auth.browser(), a_phone()
    await _log_in(sue, auth, await add_staff(auth.deps, new))
    await add_passkey(sue, phone)
    again = NewStaff(new.email, new.name, new.role, new.password, reset=True)

    await _log_in(sue, auth, await add_staff(auth.deps, again))

    assert (await use(auth.browser(), await an_assertion(auth.browser(), phone))).status == 401
    overview: Any = await (await sue.send("GET", "/api/auth/mfa")).json()
    assert (overview["passkeys"], overview["recovery_codes_left"], overview["required"]) == ([], 0, True)


async def _log_in(browser: Browser, auth: Auth, secret: str) -> None:
    code = pyotp.TOTP(secret).at(auth.deps.clock())
    assert (await browser.log_in("sue@staff.example", otp=code)).status == 200


class TestMongoChallenges(ChallengesSuite):
    @pytest.fixture
    async def challenges(self, database: Database) -> MongoChallenges:
        await ensure_indexes(database)
        return MongoChallenges(database)

    async def test_challenges_leave_the_database_by_themselves(
        self, challenges: MongoChallenges, database: Database
    ) -> None:
        indexes = await database["challenges"].index_information()

        assert indexes["expiry"]["expireAfterSeconds"] == 0
        assert indexes["expiry"]["key"] == [("expires_at", 1)]
