"""The archive of an export (ZIP): everything as JSON, each service's part as JSON, and a page to read.

The page needs nothing else: no script, no other file, no other host. Every value is escaped.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from html import escape

import orjson

from services.auth.mydata.words import WORDS, Words
from shared.formats import format_day, format_moment, format_money, name_zone
from shared.persons import Sections

_CURRENCY = re.compile("[A-Z]{3}")
_BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}")
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "h2{border-bottom:2px solid;margin-top:2.5rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}"
    "img{max-width:100%;height:auto}"
    "dl{display:grid;grid-template-columns:minmax(9rem,1fr) 3fr;gap:0 1rem}dl dl,ul{margin:0}ul{padding-left:1.2rem}"
    ".row{border:1px solid #ccc;border-radius:.4rem;padding:.5rem 1rem;margin:.75rem 0}"
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes in; `services` holds the sections of each service, `time_zone` is that of the page's times."""

    shop: str
    time_zone: str
    language: str
    account_id: str
    gathered_at: datetime
    services: Mapping[str, Sections]

    def __repr__(self) -> str:
        return f"Contents({self.account_id})"


def build_archive(contents: Contents) -> bytes:
    """The bytes of the archive. Computes for long where there is much: not on the event loop."""
    buffer = io.BytesIO()
    stamp = contents.gathered_at.timetuple()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in _files(contents):
            archive.writestr(zipfile.ZipInfo(name, stamp), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    head = {"account_id": contents.account_id, "gathered_at": contents.gathered_at.isoformat()}
    yield "index.html", page(contents).encode()
    yield "data.json", orjson.dumps(head | {"services": dict(contents.services)}, option=_PRETTY)
    for service, sections in contents.services.items():
        yield f"{service}.json", orjson.dumps(head | {"service": service, "sections": sections}, option=_PRETTY)


def page(contents: Contents) -> str:
    """The page, in the account's language."""
    words = WORDS.get(contents.language, WORDS["en"])
    title = escape(words.title.format(shop=contents.shop))
    shown = _Shown(words, contents.time_zone)
    zone = name_zone(contents.time_zone, words.language)
    moment = escape(f"{shown.moment(contents.gathered_at)} ({zone})")
    parts = "".join(_service(name, sections, shown) for name, sections in contents.services.items())
    return (
        f'<!doctype html>\n<html lang="{escape(words.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{escape(words.gathered)}: {moment}</p>\n"
        f"<p>{escape(words.machines)}</p>\n{parts}</main>\n</body>\n</html>\n"
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """How values are shown: in which words and zone; `currency` is that of the amounts around, "" where it is unknown.

    `codes` has the words of codes by field; those of a `what` are others in the trail than in its details.
    """

    words: Words
    time_zone: str
    currency: str = ""
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def inside(self, name: str, row: Mapping[str, object]) -> "_Shown":
        """For what is in `row`, the value of the field `name`."""
        words = self.words
        what = words.codes["seen"] if name == "details" else words.happened
        currency = row.get("currency", self.currency)
        known = isinstance(currency, str) and _CURRENCY.fullmatch(currency)
        codes = {**words.codes, "what": what, "service": words.services}
        return replace(self, currency=str(currency) if known else "", codes=codes)

    def moment(self, at: datetime) -> str:
        """To the minute, by the clock of the shop."""
        return format_moment(at, self.words.language, self.time_zone)

    def plain(self, name: str, value: object) -> str:
        """A value of the field `name`, as people write it."""
        if name.endswith("_minor") and isinstance(value, int) and self.currency:
            return format_money(value, self.currency, self.words.language)
        if not isinstance(value, str):
            return str(value)
        if name in ("at", "covered_until") or name.endswith("_at"):
            return self._time(value)
        if name == "device":
            return self.words.device(value)
        known = self.codes.get(name, {})
        if name == "roles":  # in the trail they are one text
            return ", ".join(known.get(each, each) for each in value.split())
        return known.get(value, value)

    def _time(self, value: str) -> str:
        try:
            if len(value) == len("2026-11-22"):
                return format_day(date.fromisoformat(value), self.words.language, self.time_zone)
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        return self.moment(at) if at.tzinfo else value


def _service(name: str, sections: Sections, shown: _Shown) -> str:
    heading = escape(shown.words.services.get(name, name))
    return f"<section>\n<h2>{heading}</h2>\n{''.join(_section(*each, shown) for each in sections.items())}</section>\n"


def _section(name: str, rows: list[dict[str, object]], shown: _Shown) -> str:
    words = shown.words
    heading = f"<h3>{escape(words.sections.get(name, name))}</h3>\n"
    if not rows:
        return f"{heading}<p>{escape(words.nothing)}</p>\n"
    return heading + "".join(f'<div class="row">{_value(name, row, shown)}</div>\n' for row in rows)


def _value(name: str, value: object, shown: _Shown) -> str:
    if isinstance(value, dict):
        inside = shown.inside(name, value)
        lines = (f"<dt>{_label(key, shown)}</dt><dd>{_value(key, each, inside)}</dd>" for key, each in value.items())
        return f"<dl>{''.join(lines)}</dl>"
    if isinstance(value, list):
        return f"<ul>{''.join(f'<li>{_value(name, each, shown)}</li>' for each in value)}</ul>" if value else "–"
    if name == "jpeg" and isinstance(value, str) and _BASE64.fullmatch(value):
        return f'<img alt="" src="data:image/jpeg;base64,{value}">'
    if isinstance(value, bool):
        return escape(shown.words.yes if value else shown.words.no)
    return "–" if value in (None, "") else escape(shown.plain(name, value))


def _label(key: str, shown: _Shown) -> str:
    return escape(shown.words.fields.get(key, key.replace("_", " ")))
