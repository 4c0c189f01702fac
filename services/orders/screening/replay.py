"""Tallies in memory: what past orders would have counted, for a dry run; and what tests hold the real ones against."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from services.orders.screening.domain import Kind, Marks, Seen
from services.orders.screening.tallies import step_of

_TRIES, _DECLINES = "tries", "declines"
_Steps = dict[int, int]


class ReplayedTallies:
    """`Tallies` in dictionaries. `blocked` has the ids of the entries of the block list."""

    def __init__(self, blocked: Collection[str] = ()) -> None:
        self._blocked = blocked
        self._counts: dict[tuple[str, str, str], _Steps] = defaultdict(dict)
        self._paid: dict[tuple[str, str], dict[str, int]] = {}

    async def count_try(self, marks: Marks, *, at: datetime) -> None:
        """See `Tallies.count_try`."""
        self._count(_TRIES, marks.present.items(), at)

    async def count_decline(self, marks: Marks, *, at: datetime) -> None:
        """See `Tallies.count_decline`."""
        self._count(_DECLINES, [*marks.present.items(), ("shop", "")], at)

    def count_paid(self, marks: Marks, account_id: str, amount_minor: int, currency: str, *, at: datetime) -> None:
        """See `Tallies.count_paid`."""
        for who in _who_paid(marks, account_id):
            highest = self._paid.setdefault(who, {})
            highest[currency] = max(amount_minor, highest.get(currency, 0))

    async def store_paid(self) -> None:
        """See `Tallies.store_paid`."""

    async def look(self, marks: Marks, account_id: str, *, at: datetime) -> Seen:
        """See `Tallies.look`."""
        present = marks.present
        highest: dict[str, int] = {}
        for who in _who_paid(marks, account_id):
            for currency, paid in self._paid.get(who, {}).items():
                highest[currency] = max(paid, highest.get(currency, 0))
        return Seen(
            tries={kind: self._steps(_TRIES, kind, mark) for kind, mark in present.items()},
            declines={kind: self._steps(_DECLINES, kind, mark) for kind, mark in present.items()},
            shop_declines=self._steps(_DECLINES, "shop", ""),
            highest_paid=highest,
            listed=frozenset(kind for kind, mark in present.items() if f"{kind.value}-{mark}" in self._blocked),
        )

    async def forget(self, account_id: str, cards: Collection[str]) -> None:
        """See `Tallies.forget`."""
        for who in [("account", account_id), *((Kind.CARD.value, card) for card in cards)]:
            self._paid.pop(who, None)

    def _count(self, what: str, marks: Iterable[tuple[str, str]], at: datetime) -> None:
        step = step_of(at)
        for kind, mark in marks:
            steps = self._counts[what, str(kind), mark]
            steps[step] = steps.get(step, 0) + 1

    def _steps(self, what: str, kind: str, mark: str) -> _Steps:
        return dict(self._counts.get((what, str(kind), mark), {}))


def _who_paid(marks: Marks, account_id: str) -> list[tuple[str, str]]:
    return [who for who in ((Kind.CARD.value, marks.card), ("account", account_id)) if who[1]]
