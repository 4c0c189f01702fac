"""Files of products, CSV or JSON, row by row: what is wrong with one row does not stop the others."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.orders.catalogue.rows import COLUMNS, Fault, ProductRow, nested, read_row

MOST_BYTES = 32 * 1024 * 1024


class BadFile(Exception):
    """Nothing of it can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a product, or what is wrong with it. `number` is the line a spreadsheet shows, or the place in a list,
    from 1.
    """

    number: int
    product: ProductRow | None
    faults: tuple[Fault, ...] = ()


def read_products(path: Path, *, kind: str = "") -> list[Row]:
    """Every row of a file; of two with the same SKU the second is refused.

    Args:
        path: UTF-8, with or without a byte order mark.
        kind: csv or json; by the name of the file where it is left out.

    Raises:
        BadFile: not to be read, or no such file.
    """
    kind = kind or path.suffix.lstrip(".").lower()
    if kind not in ("csv", "json"):
        raise BadFile("is neither .csv nor .json: say --format")
    text = _text(path)
    return list(_once_each(_csv_rows(text) if kind == "csv" else _json_rows(text)))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadFile(f"has more than {MOST_BYTES} bytes")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise BadFile(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise BadFile("is not UTF-8") from None


def _csv_rows(text: str) -> Iterator[Row]:
    csv.field_size_limit(MOST_BYTES)  # how long a cell may be is said for each row
    try:
        head, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise BadFile(f"is not CSV: {error}") from error
    except ValueError:
        raise BadFile("is empty") from None
    columns = [name.strip() for name in head]
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise BadFile(f"has columns that are not known: {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
    if len(set(columns)) < len(columns) or "sku" not in columns:
        raise BadFile("must have each column once, and the column sku")
    for number, cells in enumerate(lines, start=2):
        if len(cells) > len(columns):
            yield Row(number, None, (Fault("row", f"has {len(cells)} cells, and there are {len(columns)} columns"),))
        elif any(cell.strip() for cell in cells):
            yield _row(number, read_row(nested(dict(zip(columns, cells, strict=False))), by_column=True))


def _json_rows(text: str) -> Iterator[Row]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"is not JSON: {error}") from error
    if not isinstance(items, list):
        raise BadFile("is not a list of products")
    for number, item in enumerate(items, start=1):
        yield _row(number, read_row(item))


def _row(number: int, read: ProductRow | list[Fault]) -> Row:
    return Row(number, None, tuple(read)) if isinstance(read, list) else Row(number, read)


def _once_each(rows: Iterator[Row]) -> Iterator[Row]:
    first: dict[str, int] = {}
    for row in rows:
        if row.product is None or first.setdefault(row.product.sku, row.number) == row.number:
            yield row
        else:
            yield Row(row.number, None, (Fault("sku", f"stands in row {first[row.product.sku]} already"),))
