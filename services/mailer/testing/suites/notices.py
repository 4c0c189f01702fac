"""What every `Notices` does. Subclass it and give a fixture `notices`, empty."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from services.mailer.notices.domain import Notice, NoticeState
from services.mailer.notices.store import Notices
from shared.testing.clock import NOON

SOON = NOON + timedelta(seconds=5)


def a_notice(key: str = "receipt:o-1", **changes: object) -> Notice:
    """A receipt that is due at noon."""
    notice = Notice(key, "receipt", "en", b"sealed", "n-1", NOON, due_at=NOON)
    return replace(notice, **changes)  # type: ignore[arg-type]


class NoticesSuite:
    """The contract."""

    async def test_the_same_key_is_stored_once(self, notices: Notices) -> None:
        fresh = [await notices.add(a_notice()), await notices.add(a_notice(template="other"))]

        assert fresh == [True, False]
        assert await notices.find("receipt:o-1") == a_notice()

    async def test_what_is_due_is_claimed_once(self, notices: Notices) -> None:
        await notices.add(a_notice("a"))
        await notices.add(a_notice("b", due_at=SOON))

        assert await notices.due(NOON)
        [claimed] = await notices.claim("w-1", at=NOON, limit=10)

        assert (claimed.id, claimed.state) == ("a", NoticeState.CLAIMED)
        assert await notices.claim("w-2", at=NOON, limit=10) == []
        assert not await notices.due(NOON)

    async def test_what_waits_is_counted_with_the_oldest(self, notices: Notices) -> None:
        assert await notices.waiting() == (0, None)
        await notices.add(a_notice("a"))
        await notices.add(a_notice("b", created_at=SOON, due_at=NOON))
        await notices.add(a_notice("c", created_at=SOON, due_at=SOON))

        assert await notices.waiting() == (3, NOON)
        await notices.claim("w-1", at=NOON, limit=10)
        assert await notices.waiting() == (1, SOON)

    async def test_of_many_claimers_at_once_each_notice_has_one(self, notices: Notices) -> None:
        for number in range(30):
            await notices.add(a_notice(f"n-{number:02}"))

        batches = await asyncio.gather(*(notices.claim(f"w-{number}", at=NOON, limit=30) for number in range(6)))

        assert sorted(each.id for batch in batches for each in batch) == [f"n-{number:02}" for number in range(30)]

    async def test_a_dot_is_marked_by_the_owner_once_and_counted(self, notices: Notices) -> None:
        await notices.add(a_notice("a"))
        await notices.add(a_notice("b"))
        await notices.claim("w-1", at=NOON, limit=10)

        assert await notices.mark_dot(["a", "b"], "w-2") == set()
        assert await notices.mark_dot(["a"], "w-1") == {"a"}
        assert await notices.mark_dot(["a", "b"], "w-1") == {"b"}
        found = await notices.find("a")
        assert found is not None
        assert (found.state, found.dots) == (NoticeState.DOT, 1)

    async def test_an_end_drops_the_person(self, notices: Notices) -> None:
        await notices.add(a_notice())
        [claimed] = await notices.claim("w-1", at=NOON, limit=10)

        assert await notices.settle(replace(claimed, state=NoticeState.ACCEPTED, dots=1), "w-1")

        found = await notices.find(claimed.id)
        assert found is not None
        assert (found.state, found.content, found.person_id) == (NoticeState.ACCEPTED, b"", "")
        assert not await notices.due(SOON)
        assert await notices.orphans(["w-1"], before=SOON) == []

    async def test_a_deferred_notice_is_due_again(self, notices: Notices) -> None:
        await notices.add(a_notice())
        [claimed] = await notices.claim("w-1", at=NOON, limit=10)

        await notices.settle(replace(claimed, state=NoticeState.QUEUED, due_at=SOON, attempts=1), "w-1")

        assert not await notices.due(NOON)
        [again] = await notices.claim("w-2", at=SOON, limit=10)
        assert (again.attempts, again.content) == (1, b"sealed")

    async def test_those_of_an_address_are_found_until_it_is_forgotten(self, notices: Notices) -> None:
        await notices.add(a_notice("a", address_key="k-1"))
        await notices.add(a_notice("b", address_key="k-1", created_at=SOON))
        await notices.add(a_notice("c", address_key="k-2"))
        before = [each.id for each in await notices.of_address("k-1")]

        await notices.forget_address("k-1", until=NOON)

        assert before == ["a", "b"]
        assert [each.id for each in await notices.of_address("k-1")] == ["b"]
        assert [each.id for each in await notices.of_address("k-2")] == ["c"]
        assert len(await notices.claim("w-1", at=NOON, limit=9)) == 3

    async def test_only_the_owner_settles(self, notices: Notices) -> None:
        await notices.add(a_notice())
        [claimed] = await notices.claim("w-1", at=NOON, limit=10)

        assert not await notices.settle(replace(claimed, state=NoticeState.ACCEPTED), "w-2")
        found = await notices.find(claimed.id)
        assert found is not None
        assert found.state is NoticeState.CLAIMED

    async def test_what_the_dead_held_is_found(self, notices: Notices) -> None:
        for key in ("a", "b"):
            await notices.add(a_notice(key))
            await notices.claim(f"w-{key}", at=NOON, limit=1)

        [(orphan, owner)] = await notices.orphans(["w-a"], before=NOON)
        everything = await notices.orphans([], before=SOON)

        assert (orphan.id, owner) == ("a", "w-a")
        assert sorted(each.id for each, _ in everything) == ["a", "b"]
