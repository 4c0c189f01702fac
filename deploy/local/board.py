"""What runs, since when, how often it was restarted: kept by the supervisor, read by everybody else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.layout import write_private
from deploy.local.processes import Process

WAITING, STARTING, READY, STOPPED = "waiting", "starting", "ready", "stopped"


@dataclass(frozen=True, slots=True)
class Row:
    """One part: its process where it has one, since when, restarts so far, and what it is waiting for."""

    name: str
    state: str = WAITING
    process: Process | None = None
    since: str = ""
    restarts: int = 0
    note: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the recorded process is alive now."""
        return self.process is not None and self.process.is_alive


class Board:
    """The rows of all parts. Every change calls `changed` with them."""

    def __init__(self, names: list[str], *, changed: Callable[[Mapping[str, Row]], None]) -> None:
        self._rows = {name: Row(name) for name in names}
        self._changed = changed

    def started(self, name: str, process: Process) -> None:
        """A new process; not ready yet."""
        row = self._rows[name]
        restarts = row.restarts + 1 if row.since else 0
        self._put(replace(row, state=STARTING, process=process, since=_now(), restarts=restarts, note=""))

    def ready(self, name: str) -> None:
        """The process answers."""
        self._put(replace(self._rows[name], state=READY, note=""))

    def died(self, name: str, note: str) -> None:
        """The process has ended; it will be started again."""
        self._put(replace(self._rows[name], state=STARTING, process=None, note=note))

    def trouble(self, name: str, note: str) -> None:
        """What the part is waiting for, or what went wrong."""
        if self._rows[name].note != note:
            self._put(replace(self._rows[name], note=note))

    def stopped(self, name: str) -> None:
        """The part is not to run any more."""
        self._put(replace(self._rows[name], state=STOPPED, process=None))

    def repeat(self) -> None:
        """Tell the present state once more."""
        self._changed(self._rows)

    def _put(self, row: Row) -> None:
        self._rows[row.name] = row
        self._changed(self._rows)


def write_rows(file: Path, rows: Mapping[str, Row], *, supervisor: Process) -> None:
    """Write `run.json`."""
    content = {"supervisor": asdict(supervisor), "parts": [asdict(row) for row in rows.values()]}
    write_private(file, json.dumps(content, indent=1) + "\n")


def read_rows(file: Path) -> dict[str, Row]:
    """Read `run.json`; no rows where there is none."""
    return {row["name"]: _row(row) for row in _content(file).get("parts", [])}


def read_supervisor(file: Path) -> Process | None:
    """The supervisor that wrote `run.json`, alive or not."""
    recorded = _content(file).get("supervisor")
    return Process(**recorded) if recorded else None


def _content(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content


def _row(content: dict[str, Any]) -> Row:
    process = content.pop("process")
    return Row(**content, process=Process(**process) if process else None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
