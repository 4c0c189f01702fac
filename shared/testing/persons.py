"""Auth's side of the questions about a person, for tests of the services that answer."""

from datetime import datetime

from shared.contracts import persons
from shared.contracts.auth import AccountErased, ExportRequested
from shared.contracts.persons import Collected, Person
from shared.events import Contract, Event
from shared.persons import Sections
from shared.testing.clock import NOON
from shared.testing.sealing import MemorySealing
from shared.topology import ASKED

EMAIL = "ann@example.org"


class AskingAuth:
    """Asks as auth does, and opens what only auth can."""

    def __init__(self, sealing: MemorySealing) -> None:
        self._sealing = sealing

    def export(
        self,
        account: str = "a-1",
        *,
        id: str = "x-1",
        email: str = EMAIL,
        at: datetime = NOON,
        former: tuple[str, ...] = (),
    ) -> Event:
        """The person wants a copy."""
        person = self._person(Person(email=email, former_emails=former), ExportRequested.TYPE, id)
        asked = {"export_id": id, "account_id": account, "requested_at": at, "person": person}
        return _event(ExportRequested.model_validate(asked), id, account, at)

    def erasure(
        self,
        account: str = "a-1",
        *,
        id: str = "x-2",
        email: str = EMAIL,
        at: datetime = NOON,
        former: tuple[str, ...] = (),
    ) -> Event:
        """The person wants to be forgotten."""
        person = self._person(Person(email=email, former_emails=former), AccountErased.TYPE, id)
        asked = {"erasure_id": id, "account_id": account, "erased_at": at, "person": person}
        return _event(AccountErased.model_validate(asked), id, account, at)

    def collected(self, event: Event, contract: type[persons.PersonExported]) -> Sections:
        """What one part of an answer says."""
        part = event.read(contract)
        return self._sealing.unsealer("auth").open(Collected, part.data, event=event, field="data").sections

    def _person(self, person: Person, event_type: str, event_id: str) -> object:
        readers = {reader: person for reader in ASKED if reader in self._sealing.keys}
        return self._sealing.sealer.seal_for(readers, event_type=event_type, event_id=event_id, field="person")


def told(event: Event, contract: type[persons.PersonErased]) -> dict[str, dict[str, int]]:
    """What an erasure's answer says, by code."""
    answer = event.read(contract)
    return {
        "erased": {each.what: each.count for each in answer.erased},
        "kept": {each.what: each.count for each in answer.kept},
    }


def _event(contract: Contract, id: str, account: str, at: datetime) -> Event:
    return Event.of(contract, id=id, subject=account, at=at)
