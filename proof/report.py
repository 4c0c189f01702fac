"""The audit's report, as text, as JSON, and as a page that may be published."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import jinja2

from proof.outcome import Row

HEADINGS = ("promise", "", "checks", "cases tried", "found", "time", "")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of {{ at.date() }}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; vertical-align: top; }
tbody tr { border-top: 1px solid #8884; } .n { text-align: right; } .BROKEN { color: #b00020; font-weight: bold; }
</style>
</head>
<body>
<h1>What was promised, and what was found</h1>
<p>{{ target }}, {{ at.isoformat(timespec="seconds") }}. Each line is a promise of the privacy page; the checks came
from outside.</p>
<table>
<thead><tr><th>Promise</th><th></th><th class="n">Checks</th><th class="n">Cases tried</th><th class="n">Found</th>
<th class="n">Seconds</th><th></th></tr></thead>
<tbody>
{% for row in rows %}
<tr><td>{{ row.promise.id }}</td><td>{{ row.promise.statement }}
{%- for each in row.outcomes if not each.passed %}<br><code>{{ each.test }}</code>: {{ each.found }}{% endfor %}</td>
<td class="n">{{ row.checks }}</td><td class="n">{{ row.tried }}</td><td class="n">{{ row.found }}</td>
<td class="n">{{ "%.1f"|format(row.seconds) }}</td><td class="{{ row.verdict }}">{{ row.verdict }}</td></tr>
{% endfor %}
</tbody>
</table>
</body>
</html>
"""


def as_text(rows: Sequence[Row]) -> str:
    """The table, and below it what was found."""
    cells = [HEADINGS, *(_cells(row) for row in rows), _sums(rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in cells]
    lines.insert(1, "-" * max(map(len, lines)))
    lines.insert(-1, lines[1])
    found = [
        f"{row.promise.id}: {each.test}\n    {each.found}" for row in rows for each in row.outcomes if not each.passed
    ]
    return "\n".join([*lines, *(["", *found] if found else [])])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.promise.id, row.promise.title, str(row.checks), f"{row.tried:,}", str(row.found), f"{row.seconds:.1f} s",
        row.verdict,
    )  # fmt: skip


def _sums(rows: Sequence[Row]) -> tuple[str, ...]:
    """Each check counted once, also where it proves two promises."""
    once = {each.test: each for row in rows for each in row.outcomes}.values()
    found = sum(not each.passed for each in once)
    return (
        "all", "", str(len({each.check for each in once})), f"{sum(each.tried for each in once):,}", str(found),
        f"{sum(each.seconds for each in once):.1f} s", "BROKEN" if found else "kept",
    )  # fmt: skip


def _padded(row: tuple[str, ...], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if 2 <= at <= 5 else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def as_json(rows: Sequence[Row], *, at: datetime, target: str) -> str:
    """Everything, for programs."""
    promises: list[dict[str, Any]] = [
        {
            "promise": row.promise.id, "statement": row.promise.statement, "verdict": row.verdict, "checks": row.checks,
            "tried": row.tried, "found": row.found, "seconds": round(row.seconds, 3),
            "outcomes": [asdict(each) for each in row.outcomes], "not_run": row.not_run,
        }
        for row in rows
    ]  # fmt: skip
    return json.dumps({"at": at.isoformat(), "target": target, "promises": promises}, indent=1)


def as_page(rows: Sequence[Row], *, at: datetime, target: str) -> str:
    """A page without script."""
    return str(jinja2.Template(_PAGE, autoescape=True).render(rows=rows, at=at, target=target))
