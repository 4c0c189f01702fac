"""A product as staff write it down in a file, and what is wrong with a row: CSV has a column for each of its values."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from services.orders.catalogue.domain import FALLBACK_LANGUAGE, Product
from services.orders.checkout.requests import Currency
from shared.http.preferences import CURRENCIES, LANGUAGES
from shared.http.routes import RequestModel

MOST_STOCK = 1_000_000
_MOST_MINOR = 100_000_000
_WHOLE = re.compile(r"-?[0-9]{1,12}")


def _printable(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).strip()
    if not plain or any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in plain):
        raise PydanticCustomError("invalid-text", "must not be empty or contain control characters")
    return plain


Name = Annotated[str, Field(max_length=80), AfterValidator(_printable)]
Description = Annotated[str, Field(max_length=2_000), AfterValidator(_printable)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")]


class Names(RequestModel):
    """By language; English stands in where one is missing."""

    en: Name
    ja: Name | None = None
    de: Name | None = None


class Descriptions(RequestModel):
    """As the names."""

    en: Description
    ja: Description | None = None
    de: Description | None = None


class ProductRow(RequestModel):
    """One product. Prices in minor units: 9900 is 99.00 dollars, and 9900 yen."""

    sku: Sku
    names: Names
    descriptions: Descriptions
    prices: Annotated[dict[Currency, Annotated[int, Field(gt=0, le=_MOST_MINOR)]], Field(min_length=1)]
    warranty_months: Annotated[int, Field(ge=0, le=240)]
    weight_g: Annotated[int, Field(gt=0, le=100_000)]
    retired: bool = False
    stock: Annotated[int, Field(ge=0, le=MOST_STOCK)] = 0
    """How many there are of a product that is new; of one that is there already the stock stays."""

    def product(self) -> Product:
        """As the catalogue keeps it."""
        return Product(
            sku=self.sku,
            names=self.names.model_dump(exclude_none=True),
            descriptions=self.descriptions.model_dump(exclude_none=True),
            prices={str(code): minor for code, minor in self.prices.items()},
            warranty_months=self.warranty_months,
            weight_g=self.weight_g,
            is_retired=self.retired,
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a field as JSON has it (`names.en`), or a column of CSV (`name_en`)."""

    field: str
    reason: str


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sku": ("sku",),
    **{f"name_{language}": ("names", language) for language in LANGUAGES},
    **{f"description_{language}": ("descriptions", language) for language in LANGUAGES},
    **{f"price_{currency}": ("prices", currency) for currency in CURRENCIES},
    "warranty_months": ("warranty_months",),
    "weight_g": ("weight_g",),
    "stock": ("stock",),
    "retired": ("retired",),
}
"""Where the value of each column belongs."""
_NUMBERS = frozenset(name for name in COLUMNS if name.startswith("price_")) | {"warranty_months", "weight_g", "stock"}
_COLUMN_OF = {path: column for column, path in COLUMNS.items()} | {
    (group,): f"{column}_{FALLBACK_LANGUAGE}" for group, column in (("names", "name"), ("descriptions", "description"))
}


def read_row(values: Any, *, by_column: bool = False) -> ProductRow | list[Fault]:
    """A product, or all that is wrong with it. Numbers are whole: nothing is rounded, "99.00" is refused."""
    try:
        return ProductRow.model_validate(values, strict=True)
    except ValidationError as error:
        return [
            Fault(_place(tuple(each["loc"]), by_column=by_column), each["msg"])
            for each in error.errors(include_input=False, include_context=False, include_url=False)
        ]


def nested(cells: Mapping[str, str]) -> dict[str, Any]:
    """The values of a row of CSV where they belong; an empty cell says nothing."""
    values: dict[str, Any] = {}
    for column, text in cells.items():
        if not text.strip():
            continue
        *groups, last = COLUMNS[column]
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = _value(column, text.strip())
    return values


def _value(column: str, text: str) -> str | int | bool:
    """What does not look like its column's kind stays text, and is refused as that."""
    if column in _NUMBERS and _WHOLE.fullmatch(text):
        return int(text)
    if column == "retired":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def _place(path: tuple[str | int, ...], *, by_column: bool) -> str:
    named = tuple(str(part) for part in path if part != "[key]")
    if by_column:
        return _COLUMN_OF.get(named, ".".join(named))
    return ".".join(named) or "product"
