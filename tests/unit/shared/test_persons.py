"""How a service answers about a person, on a service that holds notes."""

from dataclasses import dataclass, field

import pytest

from shared.contracts.auth import AccountErased, ExportRequested
from shared.contracts.mailer import PersonErased, PersonExported
from shared.contracts.persons import Collected, Erased, Kept, Person
from shared.events import Event
from shared.persons import PersonDesk, Sections, Tally, TooMuchToExport, Whom, split
from shared.testing.answers import MemoryAnswers
from shared.testing.clock import NOON, FixedClock
from shared.testing.sealing import MemorySealing


@dataclass
class Notes:
    """What is held: notes by account."""

    notes: dict[str, list[str]] = field(default_factory=lambda: {"a-1": ["x", "y"]})
    asked: list[str] = field(default_factory=list)
    dies: bool = False

    async def collect(self, whom: Whom) -> Sections:
        self.asked.append(whom.email)
        return {"notes": [{"text": text} for text in self.notes.get(whom.account_id, [])]}

    async def tally(self, whom: Whom) -> Tally:
        count = len(self.notes.get(whom.account_id, []))
        return Tally((Erased(what="notes", count=count),), (Kept(what="count", why="statistics", count=1),))

    async def erase(self, whom: Whom) -> None:
        self.notes.pop(whom.account_id, None)
        if self.dies:
            raise RuntimeError


@dataclass
class Desk:
    """A desk over notes, and auth's side of it."""

    notes: Notes = field(default_factory=Notes)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    sealing: MemorySealing = field(default_factory=MemorySealing)

    @property
    def desk(self) -> PersonDesk:
        return PersonDesk(
            PersonExported, PersonErased, self.notes, self.answers, self.sealing.sealer,
            self.sealing.unsealer("mailer"), FixedClock(),
        )  # fmt: skip

    def _person(self, type_: str) -> dict[str, object]:
        person = {"mailer": Person(email="ann@shop.example")}
        return dict(self.sealing.sealer.seal_for(person, event_type=type_, event_id="e-1", field="person"))

    def export(self) -> Event:
        asked = ExportRequested.model_validate(
            {
                "export_id": "x-1",
                "account_id": "a-1",
                "requested_at": NOON,
                "person": self._person(ExportRequested.TYPE),
            }
        )
        return Event.of(asked, id="e-1", subject="a-1", at=NOON)

    def erasure(self, *, sealed: bool = True, erasure_id: str = "x-2") -> Event:
        person = self._person(AccountErased.TYPE) if sealed else {}
        asked = AccountErased.model_validate(
            {"account_id": "a-1", "erased_at": NOON, "erasure_id": erasure_id, "person": person}
        )
        return Event.of(asked, id="e-1", subject="a-1", at=NOON)

    def opened(self, event: Event) -> Collected:
        part = event.read(PersonExported)
        return self.sealing.unsealer("auth").open(Collected, part.data, event=event, field="data")


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_is_held_is_told_to_auth_alone(desk: Desk) -> None:
    await desk.desk.export(desk.export())

    [event] = desk.answers.events
    part = event.read(PersonExported)
    assert (part.export_id, part.account_id, part.part, part.parts) == ("x-1", "a-1", 1, 1)
    assert set(part.data) == {"auth"}
    assert desk.opened(event).sections == {"notes": [{"text": "x"}, {"text": "y"}]}
    assert desk.notes.asked == ["ann@shop.example"]


async def test_the_same_question_twice_is_answered_once(desk: Desk) -> None:
    for _ in range(2):
        await desk.desk.export(desk.export())
        await desk.desk.erase(desk.erasure())

    assert [event.type for event in desk.answers.events] == [PersonExported.TYPE, PersonErased.TYPE]


async def test_much_comes_in_parts_that_say_how_many_there_are(desk: Desk) -> None:
    desk.notes.notes["a-1"] = ["x" * 90_000 for _ in range(5)]

    await desk.desk.export(desk.export())

    parts = [event.read(PersonExported) for event in desk.answers.events]
    assert [(part.part, part.parts) for part in parts] == [(1, 3), (2, 3), (3, 3)]
    rows = [row for event in desk.answers.events for row in desk.opened(event).sections["notes"]]
    assert len(rows) == 5


async def test_more_than_an_event_store_takes_is_refused(desk: Desk) -> None:
    desk.notes.notes["a-1"] = ["x" * 190_000 for _ in range(41)]

    with pytest.raises(TooMuchToExport):
        await desk.desk.export(desk.export())

    assert desk.answers.events == []


def test_a_section_without_rows_is_told_too() -> None:
    [part] = split({"notes": [], "letters": []})

    assert part.sections == {"notes": [], "letters": []}


async def test_an_erasure_is_told_with_what_went_and_what_stays(desk: Desk) -> None:
    await desk.desk.erase(desk.erasure())

    [event] = desk.answers.events
    told = event.read(PersonErased)
    assert (told.erasure_id, told.account_id, told.erased_at) == ("x-2", "a-1", NOON)
    assert told.erased == (Erased(what="notes", count=2),)
    assert told.kept == (Kept(what="count", why="statistics", count=1),)
    assert desk.notes.notes == {}


async def test_whoever_dies_midway_tells_afterwards_what_was_there_at_first(desk: Desk) -> None:
    desk.notes.dies = True
    with pytest.raises(RuntimeError):
        await desk.desk.erase(desk.erasure())
    assert desk.answers.events == []
    desk.notes.dies = False

    await desk.desk.erase(desk.erasure())

    assert desk.answers.events[0].read(PersonErased).erased == (Erased(what="notes", count=2),)


async def test_what_has_arrived_since_goes_with_the_next_delivery(desk: Desk) -> None:
    await desk.desk.erase(desk.erasure())
    desk.notes.notes["a-1"] = ["late"]

    await desk.desk.erase(desk.erasure())

    assert desk.notes.notes == {}


async def test_an_erasure_as_it_was_first_released_is_still_understood(desk: Desk) -> None:
    await desk.desk.erase(desk.erasure(sealed=False, erasure_id=""))

    [event] = desk.answers.events
    assert event.read(PersonErased).erasure_id == "e-1"
