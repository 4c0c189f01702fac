"""`import FILE`: a CSV file of subscribers, and a report row by row. No address stands in the report."""

import argparse
import asyncio
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TextIO

from services.mailer.deps import Deps
from services.mailer.subscriptions.importing import COLUMNS, PROOF, Import, Outcome, Told
from shared.service import USAGE_ERROR

_AT_ONCE = 16
_CELL_LIMIT = 2_000
_READ_LIMIT = 131_072
"""Of the signs of a cell that are read at all; csv's own is the whole process's, so it is set for each file."""
_Line = Mapping[str, str] | str
"""A row's cells by column, or the code of why they could not be read."""


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, and how."""
    parser.add_argument("file", type=Path, help=f"CSV in UTF-8 with the columns {', '.join(COLUMNS + PROOF)}")
    parser.add_argument("--source", default="import", help="where the file comes from; kept with each consent")
    parser.add_argument("--report", type=Path, help="write the report to this file instead of standard output")
    parser.add_argument("--dry-run", action="store_true", help="tell what would happen, and change nothing")


async def import_subscribers(deps: Deps, arguments: argparse.Namespace) -> int:
    """Take in a file. 0: all rows were read; 1: some were refused; 2: no such file, or a column is missing."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(arguments.file.open(encoding="utf-8-sig", errors="surrogateescape", newline=""))
            out = stack.enter_context(arguments.report.open("w")) if arguments.report else sys.stdout
        except OSError as error:
            return _unusable(f"{error.filename}: {error.strerror}")
        csv.field_size_limit(_READ_LIMIT)
        reader = csv.reader(file)
        header = next(reader, [])
        if missing := [name for name in COLUMNS if name not in header]:
            return _unusable(f"columns are missing: {', '.join(missing)}")
        if unknown := [name for name in header if name not in COLUMNS + PROOF]:
            return _unusable(f"{len(unknown)} columns are unknown; known are {', '.join(COLUMNS + PROOF)}")
        importing = Import(deps, source=arguments.source, dry_run=arguments.dry_run)
        counts = await _take_all(importing, _lines(reader, header), out)
    sys.stdout.write(", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome) + "\n")
    return 1 if counts[Outcome.REFUSED] else 0


async def _take_all(importing: Import, lines: Iterator[_Line], out: TextIO) -> Counter[Outcome]:
    counts: Counter[Outcome] = Counter()
    report = csv.writer(out, lineterminator="\n")
    report.writerow(["row", "outcome", "why"])
    number = 1
    while batch := list(islice(lines, _AT_ONCE)):
        for told in await asyncio.gather(*(_take(importing, line) for line in batch)):
            number += 1
            report.writerow([number, told.outcome.value, told.why])
            counts[told.outcome] += 1
    return counts


async def _take(importing: Import, line: _Line) -> Told:
    return Told(Outcome.REFUSED, line) if isinstance(line, str) else await importing.take(line)


def _lines(reader: Iterator[list[str]], header: list[str]) -> Iterator[_Line]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield "unreadable"
            continue
        if len(cells) != len(header):
            yield "number-of-cells"
        elif any(len(cell) > _CELL_LIMIT for cell in cells):
            yield "cell-too-long"
        else:
            yield dict(zip(header, cells, strict=True))


def _unusable(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return USAGE_ERROR
