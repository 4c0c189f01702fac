"""What a schedule of faults has gone through, for the table of `make faults`."""

import json
import time
from pathlib import Path

from proof.faults.__main__ import RESULTS


def tell(what: str, *, cases: int, faults: int, begun: float, path: Path = RESULTS) -> None:
    """One line of the table, for a schedule in which nothing was violated. `begun` is of `time.monotonic`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"what": what, "cases": cases, "faults": faults, "seconds": round(time.monotonic() - begun, 1)}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(f"\n{what}: {cases} cases, {faults} faults, 0 violations, {row['seconds']} s")
