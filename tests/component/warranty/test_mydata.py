"""What auth asks about persons, on the real broker and the real database."""

import asyncio
from pathlib import Path

import pytest

from services.warranty.mydata.holdings import PERSONS
from shared.answers import COLLECTION, ensure_answer_indexes
from shared.bus import Bus
from shared.contracts.warranty import PersonErased
from shared.events import Event, decode
from shared.keys import FileKeys
from shared.mongo import Database
from shared.publickeys import write_public_key
from shared.testing.persons import AskingAuth, told
from tests.component.warranty.test_purchases_consumed import (
    Warranty,
    consuming,
    drained,
    until,
    warranty,
)

__all__ = ["warranty"]  # the fixture


@pytest.fixture
async def auth(warranty: Warranty, tmp_path: Path, database: Database) -> AskingAuth:
    keys = FileKeys(tmp_path / "auth")
    keys.ensure(["seal"])
    write_public_key(keys, tmp_path / "public", "auth")
    await ensure_answer_indexes(database)
    warranty.orders.sealing.keys = {"warranty": warranty.orders.sealing.keys["warranty"]}
    return AskingAuth(warranty.orders.sealing)


async def test_an_erasure_among_purchases_twice_and_out_of_order_leaves_facts_alone(
    warranty: Warranty,
    auth: AskingAuth,
    database: Database,
    broker_url: str,
) -> None:
    events = [warranty.orders.purchase("a-1" if n % 2 else "a-2", order=f"o-{n}") for n in range(60)]
    erasure = auth.erasure("a-1")

    async with consuming(warranty):
        await warranty.announce(*events[:20], erasure, *events[20:], erasure)
        await warranty.holds(60)
        answers = await _answers(warranty.bus, 1)

    links = await database["purchases"].count_documents({"owner": {"$exists": True}})
    assert links == 30
    assert len(answers) == 1
    assert set(told(answers[0], PersonErased)["kept"]) <= {"purchase-facts"}
    await drained(warranty, broker_url, PERSONS)


async def test_a_worker_that_is_cut_off_midway_answers_after_its_restart(
    warranty: Warranty,
    auth: AskingAuth,
    database: Database,
) -> None:
    purchases = [warranty.orders.purchase("a-1", order=f"o-{n}") for n in range(20)]
    async with consuming(warranty):
        await warranty.announce(*purchases)
        await warranty.holds(20)
    await warranty.announce(auth.erasure("a-1"))

    task = asyncio.create_task(_consume_for_ever(warranty))
    await until(lambda: database[COLLECTION].count_documents({}), 1)
    task.cancel()
    await asyncio.wait({task})
    async with consuming(warranty):
        answers = await _answers(warranty.bus, 1)

    assert len({answer.id for answer in answers}) == 1, "twice at the most on the wire, but one answer"
    assert told(answers[0], PersonErased) == {"erased": {"owner-links": 20}, "kept": {"purchase-facts": 20}}
    assert await database["purchases"].count_documents({"owner": {"$exists": True}}) == 0


async def _consume_for_ever(warranty: Warranty) -> None:
    async with consuming(warranty):
        await asyncio.Event().wait()


async def _answers(bus: Bus, count: int) -> list[Event]:
    """What auth would have been told."""
    stop, taken = asyncio.Event(), list[Event]()

    async def take(delivery: object) -> None:
        taken.append(decode(delivery.body))  # type: ignore[attr-defined]
        if len(taken) >= count:
            stop.set()

    async with asyncio.timeout(20):
        await bus.consume("auth.persons", take, prefetch=10, stop=stop)
    return taken
