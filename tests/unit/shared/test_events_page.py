"""docs/events.md names every event, the queues that read it, and whether anything in it is sealed."""

import re
from pathlib import Path

from shared.contracts import CONTRACTS
from shared.topology import STREAMS

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text("utf-8")


def rows() -> dict[str, list[str]]:
    """The cells of the table of events by the type in the first one, which must be there once."""
    table = PAGE.partition("\n## Every event\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "| `" in line]
    named = {row[0].strip("`"): row[1:] for row in cells}
    assert len(named) == len(cells)
    return named


def test_the_table_has_every_event_and_no_other() -> None:
    assert set(rows()) == set(CONTRACTS)


def test_the_table_names_the_queues_that_read_an_event() -> None:
    told = {type_: set(re.findall(r"`([a-z.]+)`", row[2])) for type_, row in rows().items()}

    assert told == {type_: {each.queue for each in STREAMS if type_ in each.types} for type_ in CONTRACTS}


def test_the_table_says_where_something_is_sealed() -> None:
    sealed = {
        type_
        for type_, contract in CONTRACTS.items()
        if any("SealedBox" in str(field.annotation) for field in contract.model_fields.values())
    }

    assert {type_ for type_, row in rows().items() if row[1]} == sealed
