"""How many newsletters a month may bring, as a setting says it: mailer keeps to it, the privacy page shows it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT = "1,11:3,12:3"
_ENTRY = re.compile(r"(?:(1[0-2]|[1-9]):)?([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class CapTable:
    """How many newsletters an address may get in a month: `default`, and other numbers for months 1 to 12."""

    default: int = 1
    by_month: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "CapTable":
        """Read `1,11:3,12:3`: the default and the exceptions.

        Raises:
            ValueError: malformed, no default or two, a month named twice.
        """
        default: int | None = None
        by_month: dict[int, int] = {}
        for entry in text.replace(" ", "").split(","):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise ValueError("must be like 1,11:3,12:3")
            month, count = match[1], int(match[2])
            if (default is not None) if month is None else (int(month) in by_month):
                raise ValueError("names a month twice")
            if month is None:
                default = count
            else:
                by_month[int(month)] = count
        if default is None:
            raise ValueError("must begin with the default")
        return cls(default, by_month)

    def of(self, month: int) -> int:
        """The cap of a month, 1 to 12."""
        return self.by_month.get(month, self.default)
