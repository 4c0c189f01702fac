"""Processes by pid and start time, so that a pid that was given to somebody else is never signalled.

Linux only (`/proc`), as the packaged mongod is.
"""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of ours as it was recorded: `started` is in clock ticks since `boot`."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Record a living process; `started` is 0 where it is gone already."""
        fields = _stat(pid)
        return cls(pid, fields.started if fields else 0, boot_id())

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        fields = _stat(self.pid)
        return bool(fields and fields.started == self.started and fields.state not in "ZX" and self.boot == boot_id())


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    session: int
    started: int


def boot_id() -> str:
    """Tells one boot of the machine from the next."""
    return BOOT_ID.read_text().strip()


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return None
    rest = text.rpartition(")")[2].split()  # proc(5): the name in brackets may hold anything
    return _Stat(state=rest[0], session=int(rest[3]), started=int(rest[19]))


def session_members(leader: Process) -> list[Process]:
    """Living processes of the session that `leader` opened, itself included; none where its pid has a new owner."""
    owner = _stat(leader.pid)
    if leader.boot != boot_id() or (owner and owner.started != leader.started):
        return []
    members = []
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields and fields.session == leader.pid and fields.state not in "ZX" and fields.started >= leader.started:
            members.append(Process(int(entry.name), fields.started, leader.boot))
    return members


def end_strays(leaders: Iterable[Process], *, patience_s: float = 5) -> int:
    """End what is left of the recorded sessions: asked first, then forced. Returns how many processes there were."""
    recorded = list(leaders)
    strays = [process for leader in recorded for process in session_members(leader)]
    for sign, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        for process in strays:
            send(process, sign)
        if _all_gone(strays, wait_s):
            break
    return len(strays)


def send(process: Process, sign: signal.Signals) -> None:
    """Signal the process, if it still is the recorded one."""
    if process.is_alive:
        try:
            os.kill(process.pid, sign)
        except ProcessLookupError:
            return


def kill_group(pid: int) -> None:
    """Leave nothing of a process group whose leader was ours."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _all_gone(processes: list[Process], wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while any(process.is_alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
