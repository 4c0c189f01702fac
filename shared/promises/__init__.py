"""What the shop promises, as data: each promise with the code that keeps it and the checks that prove it.

`register/*.toml` has one promise a file; `page.toml` says in which order the public page tells them. From these are
made the page `/privacy`, `docs/privacy.md` (`python -m proof.document`) and the table of `make audit`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

Texts = Mapping[str, str]
"""A text by language."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    `answers` names what it answers by section and paragraph of the policy (`cookies/2`), never in its words.
    `enforced_by` are paths of this repository, `proved_by` ids of tests, `missing` what is promised and not built yet.
    `page` has what the public page says, one text a paragraph, by language; `table` a table that follows there.
    """

    id: str
    title: str
    statement: str
    answers: tuple[str, ...]
    enforced_by: tuple[str, ...]
    proved_by: tuple[str, ...]
    page: Mapping[str, tuple[str, ...]]
    table: str = ""
    missing: str = ""
    account: Texts | None = None

    @property
    def number(self) -> int:
        """7 of P7."""
        return int(self.id[1:])


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the public page: its title, what stands before its promises, and these."""

    id: str
    title: Texts
    promises: tuple[str, ...]
    lead: Texts | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class PageOutline:
    """The public page: `tables` has the headings of each by language, `policy` what the promises answer."""

    title: Texts
    lead: Texts
    tables: Mapping[str, Mapping[str, list[str]]]
    sections: tuple[Section, ...]
    policy: Mapping[str, Any]


@cache
def register() -> Mapping[str, Promise]:
    """All promises by id, in the order of their numbers."""
    promises = [_promise(tomllib.loads(path.read_text("utf-8"))) for path in (FOLDER / "register").glob("*.toml")]
    return {each.id: each for each in sorted(promises, key=lambda each: each.number)}


@cache
def outline() -> PageOutline:
    """How the public page is put together."""
    data = tomllib.loads((FOLDER / "page.toml").read_text("utf-8"))
    sections = tuple(Section(**row | {"promises": tuple(row["promises"])}) for row in data.pop("sections"))
    return PageOutline(sections=sections, **data)


def _promise(data: dict[str, Any]) -> Promise:
    page = dict(data.pop("page"))
    more = {name: page.pop(name) for name in ("table", "account") if name in page}
    lists: dict[str, Any] = {name: tuple(data.pop(name)) for name in ("answers", "enforced_by", "proved_by")}
    return Promise(**data, **lists, **more, page={language: tuple(texts) for language, texts in page.items()})
