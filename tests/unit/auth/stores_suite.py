"""What every store of auth must do: one suite for those in memory and those in MongoDB.

Heirs give the fixtures `accounts`, `sessions`, `remembered`, `tries`, each empty.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.accounts.domain import Account, Proof, Registration
from services.auth.accounts.store import Accounts
from services.auth.factors.domain import Authenticator, Factors, Passkey
from services.auth.refusals import AccountChanged, AccountNotFound, AddressTaken
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import LASTS, RememberedBrowser
from services.auth.sessions.store import RememberedBrowsers, Sessions
from services.auth.throttle.store import Limit, Tries
from shared.testing.clock import NOON

LIMIT = Limit("test", most=3, within=timedelta(minutes=15))
MINUTE = timedelta(minutes=1)


def an_account(id: str = "a-1", *, key: str = "k-1") -> Account:
    """Unverified, with a link whose token is the id."""
    asked = a_registration(id.encode())
    return Account(id, key, asked.email, asked.name, asked.password, created_at=NOON, registrations=(asked,))


def a_registration(token: bytes, *, name: bytes = b"name", password: bytes = b"hash") -> Registration:
    """Good for a minute after noon."""
    return Registration(Proof(token, NOON + MINUTE), email=b"email", name=name, password=password)


def a_passkey(id: bytes = b"p-1") -> Passkey:
    """Never used."""
    return Passkey(id, public_key=b"public", sign_count=3, name=b"sealed name", created_at=NOON)


def a_session(key: bytes = b"s-1", *, account: str = "a-1", series: str | None = None) -> Session:
    """Live at noon."""
    return Session(
        key=key,
        id=f"public-{key.decode()}",
        account_id=account,
        roles=frozenset({"customer"}),
        device="Firefox on Linux",
        created_at=NOON,
        seen_at=NOON,
        series=series,
        confirmed_at=NOON,
    )


def a_browser(id: str = "r-1", *, account: str = "a-1") -> RememberedBrowser:
    """Remembered at noon with the value "v1"."""
    return RememberedBrowser(
        id, account, "Firefox on Linux", current=b"v1", created_at=NOON, rotated_at=NOON, expires_at=NOON + LASTS
    )


class AccountsSuite:
    async def test_an_account_reads_back_as_it_was_written(self, accounts: Accounts) -> None:
        whole = replace(
            an_account(),
            roles=frozenset({"customer", "support"}),
            verified_at=NOON,
            proof=Proof(b"p", NOON + MINUTE, used_at=NOON),
            registrations=(a_registration(b"r-1"), a_registration(b"r-2", name=b"n", password=b"h")),
            factors=Factors(Authenticator(b"secret", 7), b"offered", (b"c1", b"c2"), (a_passkey(),)),
            language="de",
        )

        await accounts.add(whole, [])

        assert await accounts.get("a-1") == whole
        assert await accounts.find_by_email("k-1") == whole
        for link in (b"p", b"r-1", b"r-2"):
            assert await accounts.find_by_proof(link) == whole

    async def test_what_is_not_there_is_not_found(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])

        assert await accounts.find_by_email("k-2") is None
        assert await accounts.find_by_proof(b"other") is None
        with pytest.raises(AccountNotFound):
            await accounts.get("a-2")

    async def test_an_address_has_one_account_whoever_comes_at_once(self, accounts: Accounts) -> None:
        both = await asyncio.gather(*(accounts.add(an_account(f"a-{n}"), []) for n in range(8)), return_exceptions=True)

        assert sorted(str(type(outcome).__name__) for outcome in both) == ["AddressTaken"] * 7 + ["NoneType"]

    async def test_a_taken_address_leaves_the_first_account_as_it_is(self, accounts: Accounts) -> None:
        await accounts.add(an_account("a-1"), [])

        with pytest.raises(AddressTaken):
            await accounts.add(an_account("a-2"), [])

        found = await accounts.find_by_email("k-1")
        assert found is not None
        assert found.id == "a-1"

    async def test_a_save_moves_the_version(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])

        saved = await accounts.save(replace(an_account(), verified_at=NOON, registrations=()), [])

        assert saved.version == 2
        assert await accounts.get("a-1") == saved
        assert await accounts.find_by_proof(b"a-1") is None

    async def test_of_two_savers_one_is_refused(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])

        outcomes = await asyncio.gather(
            *(accounts.save(replace(an_account(), name=str(n).encode()), []) for n in range(8)), return_exceptions=True
        )

        refused = [outcome for outcome in outcomes if isinstance(outcome, AccountChanged)]
        [saved] = [outcome for outcome in outcomes if isinstance(outcome, Account)]
        assert len(refused) == 7
        assert await accounts.get("a-1") == saved

    async def test_each_registration_is_found_by_its_link_until_one_is_followed(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])
        both = await accounts.save(an_account().ask_again(a_registration(b"r-2", password=b"h-2")), [])

        for link in (b"a-1", b"r-2"):
            assert await accounts.find_by_proof(link) == both
        followed = await accounts.save(both.verify(b"a-1", at=NOON), [])

        assert followed.password == b"hash"
        assert await accounts.find_by_proof(b"a-1") == followed
        assert await accounts.find_by_proof(b"r-2") is None

    async def test_of_two_links_followed_at_once_one_is_refused(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])
        both = await accounts.save(an_account().ask_again(a_registration(b"r-2", password=b"h-2")), [])

        outcomes = await asyncio.gather(
            *(accounts.save(both.verify(link, at=NOON), []) for link in (b"a-1", b"r-2")), return_exceptions=True
        )

        [followed] = [outcome for outcome in outcomes if isinstance(outcome, Account)]
        assert [type(outcome) for outcome in outcomes if outcome is not followed] == [AccountChanged]
        assert await accounts.get("a-1") == followed
        assert followed.proof is not None
        assert followed.password == {b"a-1": b"hash", b"r-2": b"h-2"}[followed.proof.token_hash]

    async def test_staff_are_those_with_a_role(self, accounts: Accounts) -> None:
        await accounts.add(an_account("a-1", key="k-1"), [])
        await accounts.add(replace(an_account("a-2", key="k-2"), roles=frozenset({"customer", "fraud"})), [])

        assert [each.id for each in await accounts.staff()] == ["a-2"]


class SessionsSuite:
    async def test_a_session_reads_back_as_it_was_written(self, sessions: Sessions) -> None:
        session = a_session(series="r-1")

        await sessions.add(session)

        assert await sessions.find(b"s-1") == session
        assert await sessions.find_by_id("a-1", "public-s-1") == session

    async def test_the_first_of_a_key_stays(self, sessions: Sessions) -> None:
        await asyncio.gather(*(sessions.add(replace(a_session(), id="same")) for _ in range(5)))
        await sessions.add(replace(a_session(), id="late"))

        assert [each.id for each in await sessions.of_account("a-1")] == ["same"]

    async def test_anothers_session_is_not_found_by_its_id(self, sessions: Sessions) -> None:
        await sessions.add(a_session())

        assert await sessions.find_by_id("a-2", "public-s-1") is None

    async def test_an_ended_session_is_gone(self, sessions: Sessions) -> None:
        await sessions.add(a_session())

        await sessions.end(b"s-1")

        assert await sessions.find(b"s-1") is None

    async def test_a_series_ends_with_all_its_sessions_but_the_one_kept(self, sessions: Sessions) -> None:
        for session in (a_session(b"1", series="r"), a_session(b"2", series="r"), a_session(b"3"), a_session(b"4")):
            await sessions.add(session)

        await sessions.end_series("r", keep=b"2")

        assert {each.key for each in await sessions.of_account("a-1")} == {b"2", b"3", b"4"}

    async def test_an_account_ends_with_all_its_sessions_but_the_one_kept(self, sessions: Sessions) -> None:
        for session in (a_session(b"1"), a_session(b"2"), a_session(b"3", account="a-2")):
            await sessions.add(session)

        await sessions.end_account("a-1", keep=b"2")

        assert [each.key for each in await sessions.of_account("a-1")] == [b"2"]
        assert await sessions.find(b"3") is not None

    async def test_seen_moves_forward_only(self, sessions: Sessions) -> None:
        await sessions.add(a_session())

        await sessions.mark_seen([(b"s-1", NOON + MINUTE), (b"gone", NOON)])
        await sessions.mark_seen([(b"s-1", NOON - MINUTE)])

        assert [each.seen_at for each in await sessions.of_account("a-1")] == [NOON + MINUTE]
        assert await sessions.find(b"gone") is None


class RememberedBrowsersSuite:
    async def test_a_series_reads_back_as_it_was_written(self, remembered: RememberedBrowsers) -> None:
        browser = replace(a_browser(), former=b"v0", handover=b"box")

        await remembered.add(browser)

        assert await remembered.find("r-1") == browser
        assert await remembered.find("r-2") is None

    async def test_of_many_with_one_value_one_rotates_and_all_learn_what_it_made(
        self, remembered: RememberedBrowsers
    ) -> None:
        await remembered.add(a_browser())
        wishes = [a_browser().rotate(f"n{n}".encode(), handover=b"box", at=NOON + MINUTE) for n in range(20)]

        outcomes = await asyncio.gather(*(remembered.rotate(wish) for wish in wishes))

        assert len({outcome.current for outcome in outcomes if outcome}) == 1
        assert outcomes[0] in wishes
        assert await remembered.find("r-1") == outcomes[0]

    async def test_an_ended_series_rotates_no_more(self, remembered: RememberedBrowsers) -> None:
        await remembered.add(a_browser())
        await remembered.end("r-1", [], at=NOON)

        after = await remembered.rotate(a_browser().rotate(b"v2", handover=b"box", at=NOON))

        assert after is not None
        assert (after.current, after.ended_at) == (b"v1", NOON)

    async def test_a_series_that_is_not_there_neither_rotates_nor_ends(self, remembered: RememberedBrowsers) -> None:
        assert await remembered.rotate(a_browser().rotate(b"v2", handover=b"box", at=NOON)) is None
        assert not await remembered.end("r-1", [], at=NOON)

    async def test_a_series_ends_once(self, remembered: RememberedBrowsers) -> None:
        await remembered.add(a_browser())

        ended = await asyncio.gather(*(remembered.end("r-1", [], at=NOON) for _ in range(5)))

        assert sorted(ended) == [False] * 4 + [True]

    async def test_an_account_ends_with_all_its_series_but_the_one_kept(self, remembered: RememberedBrowsers) -> None:
        for browser in (a_browser("1"), a_browser("2"), a_browser("3", account="a-2")):
            await remembered.add(browser)

        await remembered.end_account("a-1", at=NOON, keep="2")

        found = [await remembered.find(series) for series in ("1", "2", "3")]
        assert [each.ended_at for each in found if each] == [NOON, None, None]


class TriesSuite:
    async def test_what_is_within_the_limit_passes(self, tries: Tries) -> None:
        assert [await tries.take(LIMIT, "k", at=NOON) for _ in range(3)] == [None] * 3

    async def test_one_more_waits_until_the_oldest_is_out(self, tries: Tries) -> None:
        for minute in range(3):
            await tries.take(LIMIT, "k", at=NOON + minute * MINUTE)

        wait = await tries.take(LIMIT, "k", at=NOON + 5 * MINUTE)

        assert wait == 10 * MINUTE
        assert await tries.take(LIMIT, "k", at=NOON + 15 * MINUTE) is None
        assert await tries.take(LIMIT, "k", at=NOON + 15 * MINUTE) == MINUTE

    async def test_many_at_once_are_counted_one_by_one(self, tries: Tries) -> None:
        outcomes = await asyncio.gather(*(tries.take(LIMIT, "k", at=NOON) for _ in range(20)))

        assert outcomes.count(None) == 3

    async def test_keys_and_limits_are_counted_apart(self, tries: Tries) -> None:
        for _ in range(3):
            await tries.take(LIMIT, "k", at=NOON)

        assert await tries.take(LIMIT, "other", at=NOON) is None
        assert await tries.take(replace(LIMIT, name="other"), "k", at=NOON) is None

    async def test_forgotten_tries_do_not_count(self, tries: Tries) -> None:
        for _ in range(3):
            await tries.take(LIMIT, "k", at=NOON)

        await tries.forget(LIMIT, "k")

        assert await tries.take(LIMIT, "k", at=NOON) is None
