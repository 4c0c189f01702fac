"""A service, or its raw prototype, that also notes when the write of each event was acknowledged.

`python -m bench.noted FILE MODULE [ARGUMENT ...]` runs MODULE as `python -m` does. A relay is told of an event in the
turn of the loop in which the acknowledgement of its write has come: `["<document id>", <Unix time>]` goes to FILE
then, a line each, twice a second.
"""

import json
import runpy
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

EVERY_S = 0.5


class Notes:
    """What was noted since the last look; written by a thread of its own, so that nobody waits for the file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: deque[tuple[str, float]] = deque()

    def take(self, document_id: str) -> None:
        self._rows.append((document_id, time.time()))

    def keep(self) -> None:
        """For ever."""
        with self._file.open("w", buffering=1) as kept:
            while True:
                time.sleep(EVERY_S)
                # One that comes meanwhile is for the next turn.
                rows = [self._rows.popleft() for _ in range(len(self._rows))]
                kept.write("".join(f"{json.dumps(row)}\n" for row in rows))


def noting(announce: Callable[..., None], notes: Notes, *, place: int) -> Callable[..., None]:
    """`announce` that notes the document's id, which is the argument at `place`, first."""

    def noted(*arguments: Any) -> None:
        notes.take(arguments[place])
        announce(*arguments)

    return noted


def main(argv: Sequence[str]) -> None:
    file, module, *arguments = argv
    notes = Notes(Path(file))
    if module.startswith("bench."):
        from bench.raw_parts import Relay as RawRelay

        RawRelay.announce = noting(RawRelay.announce, notes, place=1)  # type: ignore[method-assign]
    else:
        from shared.outbox import Relay

        Relay.announce = noting(Relay.announce, notes, place=2)  # type: ignore[method-assign]
    threading.Thread(target=notes.keep, daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
