"""Which country's sales are taxed how: a table that people read, and checked before it counts."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.orders.taxes.domain import NO_TAX, WHOLE_BP, Kind, Tax, TaxRule

TABLE = Path(__file__).with_name("table.toml")

Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Rate = Annotated[int, Field(ge=0, le=WHOLE_BP)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    included: bool
    eu: bool = False
    rate_bp: Rate | None = None
    countries: tuple[Country, ...] = ()
    rates_bp: Mapping[Country, Rate] = {}

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if (self.rate_bp is not None) != bool(self.countries) or bool(self.countries) == bool(self.rates_bp):
            raise ValueError("has either rate_bp with countries, or rates_bp by country")
        return self

    @property
    def rates(self) -> Mapping[str, int]:
        return self.rates_bp or dict.fromkeys(self.countries, self.rate_bp or 0)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    rule: tuple[_Row, ...]

    @model_validator(mode="after")
    def _each_country_once(self) -> Self:
        named = [country for row in self.rule for country in row.rates]
        if twice := sorted({country for country in named if named.count(country) > 1}):
            raise ValueError(f"countries with two rules: {', '.join(twice)}")
        return self


def read_table(text: str, *, sells_in_eu: bool) -> Mapping[str, TaxRule]:
    """The rules by country, from the table's TOML.

    Raises:
        ValueError: it is no TOML, or not of the table's form; names each mistake.
    """
    table = _Table.model_validate(tomllib.loads(text))
    rows = [row for row in table.rule if sells_in_eu or not row.eu]
    return {country: TaxRule(row.kind, rate_bp, row.included) for row in rows for country, rate_bp in row.rates.items()}


@cache
def rules(*, sells_in_eu: bool) -> Mapping[str, TaxRule]:
    """The shop's own table."""
    return read_table(TABLE.read_text("utf-8"), sells_in_eu=sells_in_eu)


def tax_on(sum_minor: int, *, country: str, sells_in_eu: bool) -> Tax:
    """The tax on goods and shipping together of a purchase that goes to `country`."""
    return rules(sells_in_eu=sells_in_eu).get(country, NO_TAX).on(sum_minor)


@cache
def eu_countries() -> frozenset[str]:
    """The countries whose rules count only where the shop sells in the EU: its members."""
    return frozenset(rules(sells_in_eu=True).keys() - rules(sells_in_eu=False).keys())
