"""What a run has done so far, for people: each second on a terminal, each minute elsewhere."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from services.mailer.sending.domain import Result

_OVER_THE_LINE = "\r\x1b[K"


@dataclass(slots=True)
class Progress:
    """Counts of one run."""

    results: Counter[Result] = field(default_factory=Counter)
    campaigns: int = 0
    expected: int = 0
    waits_for_approval: int = 0
    unknown_of_the_dead: int = 0
    began: float = field(default_factory=time.monotonic)

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

    async def show(self, out: TextIO) -> None:
        """Until cancelled."""
        is_terminal = out.isatty()
        while True:
            await asyncio.sleep(1 if is_terminal else 60)
            out.write(_OVER_THE_LINE + self.line() if is_terminal else f"{self.line()}\n")
            out.flush()

    def summarise(self, out: TextIO) -> None:
        """The last line."""
        if out.isatty():
            out.write(_OVER_THE_LINE)
        seconds = time.monotonic() - self.began
        out.write(f"{self.campaigns} campaigns in {seconds:.1f} s: {self.line()}\n")
        out.flush()
