"""Where a card is from, by its first six digits: a table that people can read and a shop can replace."""

import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from services.orders.screening.rules import BadRules
from shared.cardlike import brand_of

BUNDLED = Path(__file__).with_name("issuers.toml")

Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
FirstSix = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]


class _Range(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: Annotated[FirstSix, Field(alias="from")]
    to: FirstSix
    country: Country


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ranges: tuple[_Range, ...] = ()
    brands: dict[str, Country] = {}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for earlier, later in zip(self.ranges, self.ranges[1:], strict=False):
            if later.from_ <= earlier.to:
                raise ValueError(f"ranges must ascend and not overlap: {earlier.to} and {later.from_}")
        if any(each.to < each.from_ for each in self.ranges):
            raise ValueError("a range must not end before it begins")
        return self


@dataclass(frozen=True, slots=True)
class Issuers:
    """The table, ready to be looked into."""

    table: _Table
    starts: tuple[str, ...]

    def country_of(self, first6: str) -> str:
        """ISO 3166-1 alpha-2 code of the issuer's country; "" where it is not known."""
        place = bisect_right(self.starts, first6) - 1
        if place >= 0 and first6 <= self.table.ranges[place].to:
            return self.table.ranges[place].country
        return self.table.brands.get(brand_of(first6), "")


def load_issuers(path: Path = BUNDLED) -> Issuers:
    """The table in a file.

    Raises:
        BadRules: it cannot be read; every mistake with its place.
    """
    try:
        table = _Table.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadRules([f"{path}: cannot be read: {error.strerror}"]) from None
    except ValidationError as error:
        raise BadRules([f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]) from None
    except ValueError as error:
        raise BadRules([f"{path}: is not TOML: {error}"]) from None
    return Issuers(table, tuple(each.from_ for each in table.ranges))
