"""What every store of auth must do: one suite for those in memory and those in MongoDB.

Heirs give the fixtures `accounts`, `resets`, `sessions`, `remembered`, `tries`, `trail`, each empty.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.auth.accounts.domain import Account, EmailChange, Proof, Registration, Reset
from services.auth.accounts.store import Accounts, Resets
from services.auth.factors.domain import Authenticator, Factors, Passkey
from services.auth.factors.store import Challenge, Challenges
from services.auth.refusals import AccountChanged, AccountNotFound, AddressTaken
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import LASTS, RememberedBrowser
from services.auth.sessions.store import RememberedBrowsers, Sessions
from services.auth.throttle.store import Limit, Tries
from services.auth.trail.domain import Note, What
from services.auth.trail.store import Trail
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


def a_change(*, used_at: datetime | None = None) -> EmailChange:
    """To the address "k-9"; the tokens are "new" and "old", good for a minute after noon."""
    until = NOON + MINUTE
    return EmailChange("k-9", b"sealed address", Proof(b"new", until, used_at), Proof(b"old", until))


def a_reset(token: bytes = b"t-1", *, account: str = "a-1") -> Reset:
    """Good for a minute after noon."""
    return Reset(token, NOON + MINUTE, account, email_key="k-1", serial=3)


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
            password_is_long=False,
            password_serial=7,
            email_change=a_change(used_at=NOON),
            former_emails=(b"sealed before", b"sealed then"),
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

    async def test_a_change_of_address_is_found_by_both_tokens(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])
        changing = await accounts.save(replace(an_account(), email_change=a_change()), [])

        assert [await accounts.find_by_email_token(token) for token in (b"new", b"old")] == [changing] * 2
        assert await accounts.find_by_email_token(b"a-1") is None

        await accounts.save(replace(changing, email_change=None), [])
        assert await accounts.find_by_email_token(b"new") is None

    async def test_an_address_that_changes_is_found_by_the_new_one_alone(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])

        moved = await accounts.save(replace(an_account(), email_key="k-2"), [])

        assert await accounts.find_by_email("k-1") is None
        assert await accounts.find_by_email("k-2") == moved

    async def test_nobody_moves_to_anothers_address(self, accounts: Accounts) -> None:
        await accounts.add(an_account("a-1", key="k-1"), [])
        await accounts.add(an_account("a-2", key="k-2"), [])

        with pytest.raises(AddressTaken):
            await accounts.save(replace(an_account("a-2"), email_key="k-1"), [])

        assert (await accounts.get("a-2")).email_key == "k-2"

    async def test_what_is_gone_is_not_saved(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])
        assert await accounts.remove(an_account())

        with pytest.raises(AccountChanged):
            await accounts.save(an_account(), [])

        assert await accounts.find_by_email("k-1") is None

    async def test_what_was_changed_since_is_not_removed(self, accounts: Accounts) -> None:
        await accounts.add(an_account(), [])
        await accounts.save(replace(an_account(), name=b"other"), [])

        assert not await accounts.remove(an_account())

        assert (await accounts.get("a-1")).name == b"other"

    async def test_of_a_removal_and_a_write_at_once_one_wins(self, accounts: Accounts) -> None:
        for number in range(8):
            account = an_account(f"a-{number}", key=f"k-{number}")
            await accounts.add(account, [])

            removed, saved = await asyncio.gather(
                accounts.remove(account), accounts.save(account, []), return_exceptions=True
            )

            assert (removed is True) == isinstance(saved, AccountChanged)

    async def test_abandoned_is_whose_every_link_is_too_old(self, accounts: Accounts) -> None:
        await accounts.add(an_account("a-1", key="k-1"), [])
        younger = replace(a_registration(b"r-2"), proof=Proof(b"r-2", NOON + 2 * MINUTE))
        await accounts.add(an_account("a-2", key="k-2").ask_again(younger), [])
        await accounts.add(replace(an_account("a-3", key="k-3"), verified_at=NOON), [])

        async def found(at: datetime, limit: int = 9) -> list[str]:
            return [each.id for each in await accounts.abandoned(at=at, limit=limit)]

        assert await found(NOON) == []
        assert await found(NOON + MINUTE) == ["a-1"]
        assert sorted(await found(NOON + 2 * MINUTE)) == ["a-1", "a-2"]
        assert len(await found(NOON + 2 * MINUTE, limit=1)) == 1

    async def test_changes_of_address_are_forgotten_when_their_time_is_over(self, accounts: Accounts) -> None:
        await accounts.add(replace(an_account(), email_change=a_change()), [])
        await accounts.add(an_account("a-2", key="k-2"), [])

        assert await accounts.forget_email_changes(at=NOON) == 0
        assert await accounts.forget_email_changes(at=NOON + MINUTE) == 1

        forgotten = await accounts.get("a-1")
        assert (forgotten.email_change, forgotten.version) == (None, 2)
        assert (await accounts.get("a-2")).version == 1

    async def test_staff_are_those_with_a_role(self, accounts: Accounts) -> None:
        await accounts.add(an_account("a-1", key="k-1"), [])
        await accounts.add(replace(an_account("a-2", key="k-2"), roles=frozenset({"customer", "fraud"})), [])

        assert [each.id for each in await accounts.staff()] == ["a-2"]


class ResetsSuite:
    async def test_a_token_reads_back_as_it_was_written(self, resets: Resets) -> None:
        reset = a_reset()

        await resets.add(reset, [])

        assert await resets.find(b"t-1") == reset
        assert await resets.find(b"t-2") is None

    async def test_an_erased_account_has_no_tokens(self, resets: Resets) -> None:
        for reset in (a_reset(b"t-1"), a_reset(b"t-2"), a_reset(b"t-3", account="a-2")):
            await resets.add(reset, [])

        await resets.forget_account("a-1")

        assert [await resets.find(token) for token in (b"t-1", b"t-2")] == [None, None]
        assert await resets.find(b"t-3") is not None


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

        await sessions.end(b"s-1", at=NOON)

        assert await sessions.find(b"s-1") is None

    async def test_a_series_ends_with_all_its_sessions_but_the_one_kept(self, sessions: Sessions) -> None:
        for session in (a_session(b"1", series="r"), a_session(b"2", series="r"), a_session(b"3"), a_session(b"4")):
            await sessions.add(session)

        await sessions.end_series("r", at=NOON, keep=b"2")

        assert {each.key for each in await sessions.of_account("a-1")} == {b"2", b"3", b"4"}

    async def test_an_account_ends_with_all_its_sessions_but_the_one_kept(self, sessions: Sessions) -> None:
        for session in (a_session(b"1"), a_session(b"2"), a_session(b"3", account="a-2")):
            await sessions.add(session)

        await sessions.end_account("a-1", at=NOON, keep=b"2")

        assert [each.key for each in await sessions.of_account("a-1")] == [b"2"]
        assert await sessions.find(b"3") is not None

    async def test_seen_moves_forward_only(self, sessions: Sessions) -> None:
        await sessions.add(a_session())

        await sessions.mark_seen([(b"s-1", NOON + MINUTE), (b"gone", NOON)])
        await sessions.mark_seen([(b"s-1", NOON - MINUTE)])

        assert [each.seen_at for each in await sessions.of_account("a-1")] == [NOON + MINUTE]
        assert await sessions.find(b"gone") is None

    async def test_a_confirmation_moves_forward_only(self, sessions: Sessions) -> None:
        await sessions.add(a_session())

        done = [await sessions.confirm(b"s-1", at=at) for at in (NOON + MINUTE, NOON - MINUTE)]

        found = await sessions.find(b"s-1")
        assert done == [True, True]
        assert found is not None
        assert found.confirmed_at == NOON + MINUTE

    async def test_a_session_that_was_only_remembered_can_be_confirmed(self, sessions: Sessions) -> None:
        await sessions.add(replace(a_session(), confirmed_at=None))

        await sessions.confirm(b"s-1", at=NOON)

        assert [each.confirmed_at for each in await sessions.of_account("a-1")] == [NOON]

    async def test_a_session_that_is_gone_is_not_confirmed(self, sessions: Sessions) -> None:
        assert not await sessions.confirm(b"s-1", at=NOON)
        assert await sessions.find(b"s-1") is None


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


class ChallengesSuite:
    async def test_a_challenge_comes_back_as_it_was_written(self, challenges: Challenges) -> None:
        asked, other = Challenge("register", "a-1", NOON), Challenge("log-in", "", NOON + MINUTE)
        await challenges.add(b"c-1", asked)
        await challenges.add(b"c-2", other)

        assert [await challenges.take(key) for key in (b"c-1", b"c-2", b"c-3")] == [asked, other, None]

    async def test_of_many_who_take_a_challenge_one_gets_it(self, challenges: Challenges) -> None:
        await challenges.add(b"c-1", Challenge("log-in", "", NOON))

        taken = await asyncio.gather(*(challenges.take(b"c-1") for _ in range(20)))

        assert len([each for each in taken if each is not None]) == 1
        assert await challenges.take(b"c-1") is None


class TriesSuite:
    async def test_what_is_within_the_limit_passes(self, tries: Tries) -> None:
        assert [await tries.take(LIMIT, "k", at=NOON) for _ in range(3)] == [None] * 3

    async def test_the_try_that_fills_the_limit_closes_it(self, tries: Tries) -> None:
        for minute in range(3):
            await tries.take(LIMIT, "k", at=NOON + minute * MINUTE)

        waits = [await tries.take(LIMIT, "k", at=NOON + minute * MINUTE) for minute in (2, 10, 16)]

        assert waits == [15 * MINUTE, 7 * MINUTE, MINUTE]

    async def test_to_ask_how_long_to_wait_counts_nothing(self, tries: Tries) -> None:
        before = [await tries.wait(LIMIT, "k", at=NOON) for _ in range(5)]
        await self._fill(tries, NOON)

        assert before == [None] * 5
        assert [await tries.wait(LIMIT, "k", at=NOON + minute * MINUTE) for minute in (0, 14, 15)] == [
            15 * MINUTE,
            MINUTE,
            None,
        ]

    async def test_tries_that_are_over_make_room(self, tries: Tries) -> None:
        moments = [NOON + minute * MINUTE for minute in (0, 1, 15, 16, 30, 31)]  # never three in fifteen minutes

        assert [await tries.take(LIMIT, "k", at=at) for at in moments] == [None] * 6

    async def test_each_time_that_it_is_filled_the_wait_is_twice_as_long_up_to_a_day(self, tries: Tries) -> None:
        at, waits = NOON, []
        for _ in range(9):
            await self._fill(tries, at)
            wait = await tries.take(LIMIT, "k", at=at)
            assert wait is not None
            waits.append(wait / MINUTE)
            at += wait

        assert waits == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]

    async def test_the_wait_grows_only_as_far_as_the_limit_says(self, tries: Tries) -> None:
        limit, at, waits = replace(LIMIT, longest=30 * MINUTE), NOON, []
        for _ in range(4):
            for _ in range(limit.most):
                await tries.take(limit, "k", at=at)
            wait = await tries.take(limit, "k", at=at)
            assert wait is not None
            waits.append(wait / MINUTE)
            at += wait

        assert waits == [15, 30, 30, 30]

    async def test_after_a_quiet_day_everything_begins_anew(self, tries: Tries) -> None:
        await self._fill(tries, NOON)
        await self._fill(tries, NOON + 15 * MINUTE)
        opened = NOON + 45 * MINUTE

        await self._fill(tries, opened + timedelta(hours=24))

        assert await tries.take(LIMIT, "k", at=opened + timedelta(hours=24)) == 15 * MINUTE

    async def test_a_day_that_was_not_quiet_changes_nothing(self, tries: Tries) -> None:
        await self._fill(tries, NOON)
        await tries.take(LIMIT, "k", at=NOON + timedelta(hours=23))

        await self._fill(tries, NOON + timedelta(hours=46))

        assert await tries.take(LIMIT, "k", at=NOON + timedelta(hours=46)) == 30 * MINUTE

    async def test_many_at_once_are_counted_one_by_one(self, tries: Tries) -> None:
        outcomes = await asyncio.gather(*(tries.take(LIMIT, "k", at=NOON) for _ in range(20)))

        assert outcomes.count(None) == 3

    async def test_keys_and_limits_are_counted_apart(self, tries: Tries) -> None:
        await self._fill(tries, NOON)

        assert await tries.take(LIMIT, "other", at=NOON) is None
        assert await tries.take(replace(LIMIT, name="other"), "k", at=NOON) is None

    async def test_forgotten_tries_do_not_count_and_the_next_wait_is_the_first(self, tries: Tries) -> None:
        await self._fill(tries, NOON)

        await tries.forget(LIMIT, "k")

        await self._fill(tries, NOON)
        assert await tries.take(LIMIT, "k", at=NOON) == 15 * MINUTE

    async def test_what_was_never_tried_can_be_forgotten(self, tries: Tries) -> None:
        await tries.forget(LIMIT, "k")
        await tries.give_back(LIMIT, "k", at=NOON)

        await self._fill(tries, NOON)
        assert await tries.take(LIMIT, "k", at=NOON) is not None

    async def test_a_place_that_was_given_back_is_free_again_once(self, tries: Tries) -> None:
        await self._fill(tries, NOON)

        await tries.give_back(LIMIT, "k", at=NOON)

        assert await tries.take(LIMIT, "k", at=NOON) is None
        assert await tries.take(LIMIT, "k", at=NOON) == 15 * MINUTE

    @pytest.mark.parametrize("place", [0, 1, 2])
    async def test_the_others_stay_when_one_is_given_back(self, tries: Tries, place: int) -> None:
        moments = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
        for at in moments:
            await tries.take(LIMIT, "k", at=at)

        await tries.give_back(LIMIT, "k", at=moments[place])
        await tries.give_back(LIMIT, "k", at=NOON + 9 * MINUTE)  # never taken

        assert await tries.take(LIMIT, "k", at=NOON + 3 * MINUTE) is None
        assert await tries.take(LIMIT, "k", at=NOON + 3 * MINUTE) == 15 * MINUTE

    async def _fill(self, tries: Tries, at: datetime) -> None:
        assert [await tries.take(LIMIT, "k", at=at) for _ in range(LIMIT.most)] == [None] * LIMIT.most


def a_note(what: What = "logged-in", *, minute: int = 0, **details: str) -> Note:
    """Some minutes after noon."""
    return Note(what, NOON + minute * MINUTE, details)


class TrailSuite:
    async def test_entries_are_read_newest_first(self, trail: Trail) -> None:
        for minute in range(3):
            await trail.append("a-1", a_note(minute=minute, device=f"d-{minute}"))

        entries = await trail.of_account("a-1", limit=10)

        assert [(each.number, each.details["device"]) for each in entries] == [(3, "d-2"), (2, "d-1"), (1, "d-0")]
        assert [each.at for each in entries] == [NOON + minute * MINUTE for minute in (2, 1, 0)]
        assert {each.what for each in entries} == {"logged-in"}

    async def test_a_page_goes_on_where_the_one_before_ended(self, trail: Trail) -> None:
        for minute in range(5):
            await trail.append("a-1", a_note(minute=minute))

        pages = [await trail.of_account("a-1", limit=2, before=before) for before in (0, 4, 2)]

        assert [[each.number for each in page] for page in pages] == [[5, 4], [3, 2], [1]]

    async def test_everybody_has_a_chain_of_their_own(self, trail: Trail) -> None:
        await trail.append("a-1", a_note(device="mine"))
        await trail.append("a-2", a_note(device="another's"))

        [entry] = await trail.of_account("a-1", limit=10)

        assert (entry.number, entry.details) == (1, {"device": "mine"})
        assert await trail.of_account("a-3", limit=10) == []

    async def test_a_sealed_reason_is_kept_as_it_is(self, trail: Trail) -> None:
        await trail.append("a-1", replace(a_note("staff-access"), reason=b"\x01sealed"))

        [entry] = await trail.of_account("a-1", limit=10)

        assert entry.reason == b"\x01sealed"

    async def test_what_has_a_natural_key_is_there_once(self, trail: Trail) -> None:
        added = [await trail.append("a-1", a_note("staff-access"), key=key) for key in ("x", "y", "x")]

        assert added == [True, True, False]
        assert len(await trail.of_account("a-1", limit=10)) == 2

    async def test_of_many_with_one_key_at_once_one_is_added(self, trail: Trail) -> None:
        added = await asyncio.gather(*(trail.append("a-1", a_note(), key="x") for _ in range(8)))

        assert sorted(added) == [False] * 7 + [True]
        assert len(await trail.of_account("a-1", limit=10)) == 1

    async def test_many_at_once_lose_nothing(self, trail: Trail) -> None:
        names = [f"{number}" for number in range(30)]

        await asyncio.gather(*(trail.append(f"a-{int(name) % 3}", a_note(device=name)) for name in names))

        chains = [await trail.of_account(f"a-{account}", limit=50) for account in range(3)]
        assert sorted((each.details["device"] for chain in chains for each in chain), key=int) == names
        assert all([each.number for each in chain] == list(range(10, 0, -1)) for chain in chains)
