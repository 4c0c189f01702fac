"""Processes that the bench starts, and how much memory each takes."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = str(Path(__file__).parent.parent)


class Process:
    """One child; its output goes to a file, and it is ended with the bench."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, name: str, *command: str, env: Mapping[str, str], log_dir: Path) -> "Process":
        log_dir.mkdir(parents=True, exist_ok=True)
        log = log_dir / f"{name}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**env, "PYTHONPATH": ROOT},
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @property
    def rss_mb(self) -> float:
        """Resident memory now of the largest of the process and its children, in MB; 0 where it is gone."""
        return max((memory_mb(pid) for pid in family(self._process.pid)), default=0.0)

    @property
    def cpu_s(self) -> float:
        """Processor time so far of the process and its children."""
        return sum(cpu_s(pid) for pid in family(self._process.pid))

    @property
    def peak_mb(self) -> float:
        """The most resident memory so far, in MB."""
        return memory_mb(self._process.pid, line="VmHWM:")

    async def wait_for_line(self, text: str, *, seconds: float = 15) -> None:
        """Until the child has printed `text`."""
        async with asyncio.timeout(seconds):
            while text not in self.log.read_text(errors="replace"):
                self.check_alive()
                await asyncio.sleep(0.05)

    async def wait_for_end(self, *, seconds: float = 60) -> str:
        """Until the child has ended well; what it printed."""
        async with asyncio.timeout(seconds):
            status = await self._process.wait()
        output = self.log.read_text(errors="replace")
        if status:
            raise RuntimeError(f"{self.name} ended with {status}: {output[-2000:]}")
        return output

    def check_alive(self) -> None:
        """Raise with its last words where it has died."""
        if not self.is_alive:
            raise RuntimeError(f"{self.name} ended: {self.log.read_text(errors='replace')[-2000:]}")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not heard."""
        if not self.is_alive:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 12)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its children, such as those that hash for auth (proc(5), `children`)."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *children]


def memory_mb(pid: int, *, line: str = "VmRSS:") -> float:
    """A figure of /proc/<pid>/status in MB; 0 where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(row.split()[1]) / 1024 for row in text.splitlines() if row.startswith(line)), 0.0)


def python(*arguments: str) -> tuple[str, ...]:
    """A command line that runs this interpreter."""
    return (sys.executable, *arguments)
