"""Forgotten passwords, changes of address and clean-up on the real database and the real broker."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from services.auth.accounts.cleanup import clean_up
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register
from tests.component.auth.conftest import Auth
from tests.unit.auth.doubles import PASSWORD, Browser

ANN, NEW = "ann@shop.example", "ann@new.example"


async def _customer(auth: Auth, email: str = ANN) -> Browser:
    """Registered, proven by the code of the mail, logged in."""
    browser = auth.browser()
    await register(auth.deps, Wish(email, "Ann Example", Password(PASSWORD)))
    _, recipient = await auth.mailbox.next()
    body = {"email": email, "code": recipient.code}
    assert (await browser.send("POST", "/api/auth/accounts/verify", json=body)).status == 200
    assert (await browser.log_in(email)).status == 200
    return browser


async def _token(auth: Auth, wanted: str) -> str:
    template, recipient = await auth.mailbox.next()
    assert template == wanted
    return recipient.link.partition("t=")[2]


async def test_of_twenty_parallel_uses_of_one_token_one_wins(auth: Auth) -> None:
    ann = await _customer(auth)
    await auth.browser().send("POST", "/api/auth/password/forgot", json={"email": ANN})
    token = await _token(auth, "reset")
    wishes = [f"a watch that tells no time {number}" for number in range(20)]

    answers = await asyncio.gather(
        *(
            auth.browser().send("POST", "/api/auth/password/reset", json={"token": token, "password": wish})
            for wish in wishes
        )
    )

    statuses = [answer.status for answer in answers]
    assert sorted(statuses) == [200] + [410] * 19
    assert (await auth.mailbox.next())[0] == "password-changed"
    assert (await ann.send("GET", "/api/auth/session")).status == 401
    assert (await auth.browser().log_in(ANN, wishes[statuses.index(200)])).status == 200


async def test_logins_that_race_a_reset_leave_nobody_in_with_the_old_password(auth: Auth) -> None:
    await _customer(auth)
    await auth.browser().send("POST", "/api/auth/password/forgot", json={"email": ANN})
    body = {"token": await _token(auth, "reset"), "password": "a watch that tells no time"}
    thieves = [auth.browser() for _ in range(5)]

    done, *_ = await asyncio.gather(
        auth.browser().send("POST", "/api/auth/password/reset", json=body), *(each.log_in(ANN) for each in thieves)
    )

    assert done.status == 200
    assert {(await each.send("GET", "/api/auth/session")).status for each in thieves} == {401}


async def test_two_accounts_that_want_one_address_do_not_both_get_it(auth: Auth) -> None:
    emails = [ANN, "bob@shop.example"]
    pairs = []
    for email in emails:
        browser = await _customer(auth, email)
        assert (await browser.send("PUT", "/api/auth/email", json={"email": NEW})).status == 202
        mails = dict([await auth.mailbox.next(), await auth.mailbox.next()])
        pairs.append([mails[side].link.partition("t=")[2] for side in ("email-confirm", "email-approve")])
    for confirm, _ in pairs:
        await auth.browser().send("POST", "/api/auth/email/confirm", json={"token": confirm})

    answers = await asyncio.gather(
        *(auth.browser().send("POST", "/api/auth/email/confirm", json={"token": approve}) for _, approve in pairs)
    )

    assert sorted(answer.status for answer in answers) == [200, 410]
    assert (await auth.browser().log_in(NEW)).status == 200
    assert sorted([(await auth.browser().log_in(email)).status for email in emails]) == [200, 401]


async def test_registrations_that_race_the_clean_up_all_end_in_one_account(auth: Auth) -> None:
    await register(auth.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await auth.mailbox.next()
    later = replace(auth.deps, clock=lambda: auth.deps.clock() + timedelta(days=1))
    accounts = auth.runtime.database["accounts"]
    async with asyncio.timeout(20):
        while await accounts.count_documents({"outbox.0": {"$exists": True}}):
            pass  # the relay removes what was confirmed

    await asyncio.gather(
        *(register(later, Wish(ANN, "Ann Example", Password(PASSWORD))) for _ in range(3)), clean_up(later)
    )

    codes = [(await auth.mailbox.next())[1].code for _ in range(3)]
    [document] = await accounts.find({}).to_list(None)
    assert len(document["registrations"]) >= 3
    person = await auth.deps.people.known(document["_id"])
    assert person.person_id == document["_id"]
    body = {"email": ANN, "code": codes[0]}
    assert (await auth.browser().send("POST", "/api/auth/accounts/verify", json=body)).status == 200
