"""What the chapters of the demo hand on to each other."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.tell import Teller
from deploy.outside.shop import Shop


@dataclass(slots=True)
class Play:
    """One run of the demo. `run` makes the addresses of this run unlike those of any other."""

    shop: Shop
    tell: Teller
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    bought: list[dict[str, Any]] = field(default_factory=list)
    """Every order that was answered with 201."""
    by_account: int = 0
    """How many items of `bought` the account bought."""

    def address(self, who: str) -> str:
        """An address of this run."""
        return f"{who}-{self.run}@example.org"
