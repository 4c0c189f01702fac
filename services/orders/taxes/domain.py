"""The tax in a purchase, shown before paying and frozen with the order.

Integers only. The tax on a sum is rounded once for the whole purchase, half up, so that what is left and the tax are
together the sum, to the last yen.
"""

from dataclasses import dataclass
from typing import Literal

WHOLE_BP = 10_000
"""100 %, in basis points."""

Kind = Literal["none", "consumption_tax", "vat", "gst", "sales_tax"]


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one purchase, in minor units of its currency.

    `rate_bp` in basis points. Where it is not `included` it is added to goods and shipping.
    """

    kind: Kind = "none"
    rate_bp: int = 0
    amount_minor: int = 0
    included: bool = True

    @property
    def added_minor(self) -> int:
        """What it adds to the price."""
        return 0 if self.included else self.amount_minor


@dataclass(frozen=True, slots=True)
class TaxRule:
    """How one country's sales are taxed."""

    kind: Kind
    rate_bp: int
    included: bool

    def on(self, sum_minor: int) -> Tax:
        """The tax on goods and shipping together."""
        base_bp = WHOLE_BP + self.rate_bp if self.included else WHOLE_BP
        amount_minor = (2 * sum_minor * self.rate_bp + base_bp) // (2 * base_bp)  # half up, without a fraction
        return Tax(self.kind, self.rate_bp, amount_minor, self.included)


NO_TAX = TaxRule("none", 0, included=True)
