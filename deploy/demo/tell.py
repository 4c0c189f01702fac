"""What the demo prints: chapters, facts with a tick or a cross, a progress bar on a terminal."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True)
class Teller:
    """Writes to a stream and remembers what was off."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    started: float = field(default_factory=time.monotonic)
    wrong: list[str] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self._line(f"\n[{time.monotonic() - self.started:5.1f} s]  {title}")

    def fact(self, text: str) -> None:
        """Something that happened."""
        self._line(f"    {text}")

    def check(self, text: str, is_so: bool) -> None:
        """Something that must be so; the demo fails at its end where it is not."""
        self._line(f"  {'✓' if is_so else '✗'} {text}")
        if not is_so:
            self.wrong.append(text)

    def count(self, what: str, got: int, wanted: int) -> None:
        """A number that must be exactly as wanted."""
        verdict = "" if got == wanted else f"  (expected {wanted})"
        self.check(f"{what}: {got}{verdict}", got == wanted)

    def progress(self, text: str, done: int, total: int) -> None:
        """A bar that is drawn over; without a terminal, only its end is printed."""
        if self.out.isatty():
            filled = 30 * done // max(total, 1)
            self.out.write(f"\r    {'█' * filled}{'·' * (30 - filled)} {done}/{total} {text}\x1b[K")
            self.out.write("\n" if done >= total else "")
            self.out.flush()
        elif done >= total:
            self._line(f"    {done}/{total} {text}")

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Rows in columns as wide as they need to be; the first row is the head."""
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for number, row in enumerate(rows):
            self._line("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            if number == 0:
                self._line("    " + "  ".join("─" * width for width in widths))

    def _line(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()
