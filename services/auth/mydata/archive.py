"""The archive of an export (ZIP): everything as JSON, each service's part as JSON, and a page to read.

The page needs nothing else: no script, no other file, no other host. Every value is escaped.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

import orjson

from services.auth.mydata.words import WORDS, Words
from shared.persons import Sections

_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "h2{border-bottom:2px solid;margin-top:2.5rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:minmax(9rem,1fr) 3fr;gap:0 1rem}dl dl,ul{margin:0}ul{padding-left:1.2rem}"
    ".row{border:1px solid #ccc;border-radius:.4rem;padding:.5rem 1rem;margin:.75rem 0}"
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes in; `services` holds the sections of each service."""

    shop: str
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
    moment = escape(f"{contents.gathered_at:%Y-%m-%d %H:%M} UTC")
    parts = "".join(_service(name, sections, words) for name, sections in contents.services.items())
    return (
        f'<!doctype html>\n<html lang="{escape(words.language)}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{escape(words.gathered)}: {moment}</p>\n"
        f"<p>{escape(words.machines)}</p>\n{parts}</main>\n</body>\n</html>\n"
    )


def _service(name: str, sections: Sections, words: Words) -> str:
    heading = escape(words.services.get(name, name))
    return f"<section>\n<h2>{heading}</h2>\n{''.join(_section(*each, words) for each in sections.items())}</section>\n"


def _section(name: str, rows: list[dict[str, object]], words: Words) -> str:
    heading = f"<h3>{escape(words.sections.get(name, name))}</h3>\n"
    if not rows:
        return f"{heading}<p>{escape(words.nothing)}</p>\n"
    return heading + "".join(f'<div class="row">{_value(row, words)}</div>\n' for row in rows)


def _value(value: object, words: Words) -> str:
    if isinstance(value, dict):
        lines = (f"<dt>{_label(key, words)}</dt><dd>{_value(each, words)}</dd>" for key, each in value.items())
        return f"<dl>{''.join(lines)}</dl>"
    if isinstance(value, list):
        return f"<ul>{''.join(f'<li>{_value(each, words)}</li>' for each in value)}</ul>" if value else "–"
    if isinstance(value, bool):
        return escape(words.yes if value else words.no)
    return "–" if value in (None, "") else escape(str(value))


def _label(key: object, words: Words) -> str:
    return escape(words.fields.get(str(key), str(key).replace("_", " ")))
