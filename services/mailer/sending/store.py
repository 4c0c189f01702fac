"""Where claims and runs are kept. Each condition is decided by one atomic write on the subscriber's document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.mailer.months import CapPlace
from services.mailer.sending.domain import Claimed, Forecast, Hour, Recovered, Result, Results, Span, Terms


class Claims(Protocol):
    """The cap and the ledger. A subscriber has at most one live claim at a time."""

    async def candidates(self, terms: Terms, span: Span, *, limit: int) -> list[str]:
        """Ids of the span, in order, that can probably be claimed."""

    async def boundary(self, terms: Terms, *, after: str, size: int) -> str:
        """The key that the next `size` candidates past `after` end with; "" where there are none."""

    async def claim(self, ids: Sequence[str], terms: Terms) -> list[Claimed]:
        """Claim those of `ids` for whom the very write that counts them finds that all of this holds.

        Confirmed, subscribed to the topic, not paused, not claimed by anyone, without this campaign in their history,
        and below the cap in every month of the place; below one there, who wants fewer; a follow-up: due for them.
        Each such month goes up by one.
        """

    async def mark_dot(self, ids: Sequence[str], fence: str) -> set[str]:
        """Note, before the dot, those whose claim still stands; the others must not be sent. Durable on return."""

    async def settle(self, ids: Sequence[str], fence: str, result: Result, *, at: datetime) -> int:
        """End those claims; how many were still held under `fence`. Durable on return."""

    async def recover(self, campaign_id: str, dead_runs: Sequence[str], *, at: datetime) -> Recovered:
        """Settle what dead runs (and runs that nobody knows) left: claims are given back, dots become unknown."""

    async def cancel(self, campaign_id: str) -> int:
        """Give back every claim of the campaign that is not at its dot; how many."""

    async def release(self, subscriber_id: str) -> bool:
        """Give back a subscriber's claim that is not at its dot: it is made again where it may be."""

    async def holders(self, campaign_id: str) -> set[str]:
        """The runs that hold claims of the campaign."""

    async def fences(self, campaign_id: str) -> set[str]:
        """The fences of the campaign's live claims: others a moment later where somebody is at work."""

    async def results(self, campaign_id: str) -> Results:
        """How many copies ended how."""

    async def forecast(
        self, campaign_id: str, topic: str, place: CapPlace, *, at: datetime, is_follow_up: bool = False
    ) -> Forecast:
        """How many subscribers would get it at a moment, and why the others would not.

        Of a follow-up: of those it is due for.
        """

    async def by_hour(self, campaign_id: str, zone: ZoneInfo) -> Sequence[Hour]:
        """How many copies ended how in each hour, and how many then left with this as their last newsletter; in order.

        Hours without anything are left out.
        """

    async def left_since(self, campaign_id: str, topic: str, since: datetime) -> int:
        """Subscribers to the topic who unsubscribed after `since` and did not get the campaign."""


class Runs(Protocol):
    """Which senders are alive, by the database's clock."""

    async def beat(self, run_id: str, *, ttl_s: float) -> None:
        """This run is alive for another `ttl_s` seconds."""

    async def end(self, run_id: str) -> None:
        """This run holds nothing any more."""

    async def dead(self) -> list[str]:
        """Runs whose time has passed without `end`."""

    async def living(self) -> set[str]:
        """Runs whose time has not passed."""
