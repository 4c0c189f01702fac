"""What a run has done so far, for people: a bar each second on a terminal, a line each minute elsewhere."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TextIO

from services.mailer.sending.domain import Result

_OVER_THE_LINE = "\r\x1b[K"
_BAR = 30
_FULL, _EMPTY = "#", "."


@dataclass(slots=True)
class Progress:
    """Counts of one run."""

    results: Counter[Result] = field(default_factory=Counter)
    campaigns: int = 0
    expected: int = 0
    waits_for_approval: int = 0
    unknown_of_the_dead: int = 0
    left: int = 0
    """Subscribers who are to get a campaign that is due in the next run: put off, or without a place in this month."""
    being_sent_by_others: int = 0
    began: float = field(default_factory=time.monotonic)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Seconds between two lines; tests do not wait."""

    def line(self) -> str:
        """One line of figures; no name, no address."""
        seconds = max(time.monotonic() - self.began, 0.001)
        accepted = self.results[Result.ACCEPTED]
        return (
            f"{accepted} accepted, {self.results[Result.REFUSED]} refused, "
            f"{self.results[Result.UNKNOWN] + self.unknown_of_the_dead} unknown, "
            f"{self.results[Result.DEFERRED]} deferred, {self.results[Result.GIVEN_BACK]} given back; "
            f"{accepted / seconds:.0f}/s"
        )

    def bar(self, width: int) -> str:
        """How far this run is with what it expects to send, then the figures, in at most `width` columns.

        What other runs do at the same time is theirs: where they share the work, this bar does not fill.
        """
        done = sum(count for result, count in self.results.items() if result.is_final)
        share = min(done / self.expected, 1.0) if self.expected else 0.0
        full = round(share * _BAR)
        return f"[{_FULL * full}{_EMPTY * (_BAR - full)}] {share:4.0%} {self.line()}"[: max(width - 1, 1)]

    async def show(self, out: TextIO) -> None:
        """Until cancelled."""
        is_terminal = out.isatty()
        while True:
            await self.pause(1 if is_terminal else 60)
            columns = shutil.get_terminal_size().columns
            out.write(_OVER_THE_LINE + self.bar(columns) if is_terminal else f"{self.line()}\n")
            out.flush()

    def summarise(self, out: TextIO) -> None:
        """The last line."""
        if out.isatty():
            out.write(_OVER_THE_LINE)
        seconds = time.monotonic() - self.began
        out.write(f"{self.campaigns} campaigns in {seconds:.1f} s: {self.line()}\n")
        if self.waits_for_approval:
            out.write(f"{self.waits_for_approval} campaigns wait for the approval of a second person\n")
        if self.left:
            out.write(f"{self.left} copies are left to the next run\n")
        if self.being_sent_by_others:
            out.write(f"{self.being_sent_by_others} copies are being sent by other runs\n")
        out.flush()
