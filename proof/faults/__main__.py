"""`python -m proof.faults` prints what `make faults` has gone through: a line for each schedule that found nothing."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / ".local" / "audit" / "faults.jsonl"
_HEAD = ("schedule", "cases", "faults", "violations", "time")


def main() -> int:
    """2 where nothing has run."""
    if not RESULTS.exists():
        print("no faults were rehearsed: `make faults`", file=sys.stderr)
        return 2
    print(as_text([json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]))
    return 0


def as_text(rows: list[dict[str, Any]]) -> str:
    """The table. What was violated has failed its test, and is in none of the lines."""
    told = [
        (each["what"], f"{each['cases']:,}", f"{each['faults']:,}", "0", f"{each['seconds']:.0f} s") for each in rows
    ]
    lines = [_HEAD, *told]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEAD))]
    return "\n".join(_row(line, widths) for line in lines)


def _row(line: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
    return "  ".join([line[0].ljust(widths[0]), *numbers])


if __name__ == "__main__":
    sys.exit(main())
