"""How a service answers what auth asks about a person: what do you hold, and forget it. The same in every service.

What a service holds, and how it forgets, is its own: a `Holdings`. Each question is answered once (`shared.answers`);
the same event again answers nothing new, and a crash midway is made good by the delivery that follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic_core import to_json

from shared.answers import Answers, Begun
from shared.clock import Clock
from shared.consumer import Handler
from shared.contracts import persons
from shared.contracts.auth import AccountErased, ExportRequested
from shared.contracts.persons import Collected, Erased, Kept, Person
from shared.errors import DomainError, ErrorKind
from shared.events import Contract, Event
from shared.ids import new_id
from shared.sealing import Sealer, Unsealer

ASKER = "auth"
PART_BYTES = 200_000
MOST_PARTS = 40
"""All parts leave with one document, of which the database takes 16 MB."""
EXPORTS_KEPT = timedelta(days=8)
ERASURES_KEPT = timedelta(days=366)

Row = dict[str, object]
Sections = dict[str, list[Row]]


class TooMuchToExport(DomainError):
    """What is held of this person does not fit into one export."""

    kind = ErrorKind.TOO_LARGE
    code = "too-much-to-export"


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom auth asks about. `email` is the proven address, empty where it was not told; `asked_at` is aware UTC.

    `former_emails` are those that the account had before.
    """

    account_id: str
    email: str
    asked_at: datetime
    former_emails: tuple[str, ...] = ()

    @property
    def emails(self) -> tuple[str, ...]:
        """All addresses that the person is known by, that of now first."""
        return tuple(dict.fromkeys(each for each in (self.email, *self.former_emails) if each))

    def __repr__(self) -> str:
        return f"Whom({self.account_id})"


@dataclass(frozen=True, slots=True)
class Tally:
    """What an erasure takes and what it leaves: codes and numbers."""

    erased: tuple[Erased, ...] = ()
    kept: tuple[Kept, ...] = ()


class Holdings(Protocol):
    """What one service holds of persons."""

    async def collect(self, whom: Whom) -> Sections:
        """Everything of this person and of nobody else, as plain values; of somebody unknown, nothing."""
        ...

    async def tally(self, whom: Whom) -> Tally:
        """What an erasure would take and leave now."""
        ...

    async def erase(self, whom: Whom) -> None:
        """Make it unreadable for good, whatever still arrives. Safe to do again, also after a crash midway."""
        ...


@dataclass(frozen=True, slots=True)
class PersonDesk:
    """Answers for one service. `exported` and `erased` are the contracts that it publishes."""

    exported: type[persons.PersonExported]
    erased: type[persons.PersonErased]
    holdings: Holdings
    answers: Answers
    sealer: Sealer
    unsealer: Unsealer
    clock: Clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """For the queue `<service>.persons`."""
        return {ExportRequested.TYPE: self.export, AccountErased.TYPE: self.erase}

    async def export(self, event: Event) -> None:
        """Tell auth what is held, in parts that only auth can open.

        Raises:
            TooMuchToExport: over 8 MB.
        """
        asked = event.read(ExportRequested)
        key = f"export:{asked.export_id}"
        begun = await self.answers.begin(Begun(key, self.clock() + EXPORTS_KEPT))
        if begun.is_answered:
            return
        person = self.unsealer.open(Person, asked.person, event=event, field="person")
        whom = Whom(asked.account_id, person.email, asked.requested_at, person.former_emails)
        sections = await self.holdings.collect(whom)
        await self.answers.answer(key, self._parts(asked, sections))

    async def erase(self, event: Event) -> None:
        """Forget the person, then tell auth what was erased and what is kept."""
        asked = event.read(AccountErased)
        erasure_id = asked.erasure_id or event.id
        key = f"erasure:{erasure_id}"
        person = Person(email="")
        if asked.person:
            person = self.unsealer.open(Person, asked.person, event=event, field="person")
        whom = Whom(asked.account_id, person.email, asked.erased_at, person.former_emails)
        begun = await self.answers.find(key)
        if begun is None:
            note = noted(await self.holdings.tally(whom))
            begun = await self.answers.begin(Begun(key, self.clock() + ERASURES_KEPT, note))
        await self.holdings.erase(whom)  # again, where it was done before: what has arrived since goes too
        if not begun.is_answered:
            await self.answers.answer(key, [self._receipt(asked.account_id, erasure_id, begun)])

    def _receipt(self, account_id: str, erasure_id: str, begun: Begun) -> Event:
        now = self.clock()
        told = self.erased.model_validate(
            {"erasure_id": erasure_id, "account_id": account_id, "erased_at": now, **begun.note}
        )
        return _event(told, subject=account_id, at=now)

    def _parts(self, asked: ExportRequested, sections: Sections) -> list[Event]:
        parts = list(split(sections))
        if len(parts) > MOST_PARTS:
            raise TooMuchToExport
        now = self.clock()
        return [self._part(asked, each, place=(number, len(parts)), at=now) for number, each in enumerate(parts, 1)]

    def _part(self, asked: ExportRequested, part: Collected, *, place: tuple[int, int], at: datetime) -> Event:
        event_id = new_id()
        number, parts = place
        data = self.sealer.seal_for({ASKER: part}, event_type=self.exported.TYPE, event_id=event_id, field="data")
        told = self.exported(
            export_id=asked.export_id,
            account_id=asked.account_id,
            part=number,
            parts=parts,
            collected_at=at,
            data=data,
        )
        return _event(told, subject=asked.account_id, at=at, event_id=event_id)


def split(sections: Sections, *, most_bytes: int = PART_BYTES) -> Iterator[Collected]:
    """The sections in parts of about `most_bytes` of JSON each, at least one; only a single row may be larger."""
    part: Sections = {}
    size = 0
    for name, rows in sections.items():
        part.setdefault(name, [])
        for row in rows:
            row_bytes = len(to_json(row))
            if size and size + row_bytes > most_bytes:
                yield Collected(sections=part)
                part, size = {name: []}, 0
            part[name].append(row)
            size += row_bytes
    yield Collected(sections=part)


def noted(tally: Tally) -> dict[str, Any]:
    """The tally as it is noted and told."""
    return {
        name: [each.model_dump() for each in rows] for name, rows in (("erased", tally.erased), ("kept", tally.kept))
    }


def counted(**erased: int) -> tuple[Erased, ...]:
    """What was erased, without what there was none of; `_` in a name stands for `-`."""
    return tuple(Erased(what=what.replace("_", "-"), count=count) for what, count in erased.items() if count)


def _event(told: Contract, *, subject: str, at: datetime, event_id: str = "") -> Event:
    return Event.of(told, id=event_id or new_id(), subject=subject, at=at)
