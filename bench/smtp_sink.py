"""Postfix's `smtp-sink` as a process of its own: at the other end of what is to be fast, the same for both sides.

The program is taken from the Debian package `postfix` without installing it, so that no mail server starts anywhere.
It keeps no recipients: who got what is then told by the ledger.
"""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from bench.processes import Process
from bench.world import NoStack, free_ports
from deploy.local.layout import Layout
from deploy.local.programs import find

_COUNTERS = re.compile(rb"mesg=(\d+)")
_BACKLOG = "1000"
_EVERY_S = 0.01


class NoSink(NoStack):
    """There is no smtp-sink here, and none could be fetched. The message says what to install."""


class SmtpSink:
    """One `smtp-sink`; `async with SmtpSink(log_dir) as sink`, and `look` while mails come."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._process: Process | None = None
        self.port = 0
        self.mails = 0
        self.first_at = self.last_at = 0.0

    async def __aenter__(self) -> "SmtpSink":
        [self.port] = free_ports(1)
        program = await asyncio.to_thread(find_smtp_sink)
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        self._process = await Process.start(
            "smtp-sink", program, *user, "-c", f"127.0.0.1:{self.port}", _BACKLOG,
            env=_environ(program), log_dir=self._log_dir,
        )  # fmt: skip
        await self._listens()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        await self._process.stop()

    async def _listens(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(10):
            while True:
                self._process.check_alive()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(_EVERY_S)

    def look(self) -> int:
        """Mails so far, by its counters. Call it often: the times of the first and the last are those of the calls."""
        assert self._process is not None
        with self._process.log.open("rb") as counters:
            counters.seek(max(0, counters.seek(0, os.SEEK_END) - 200))
            mails = mails_of(counters.read())
        if mails > self.mails:
            self.last_at = time.perf_counter()
            self.first_at = self.first_at or self.last_at
            self.mails = mails
        return self.mails

    @property
    def per_second(self) -> float:
        """Mails a second, from when the first were seen to the last."""
        return self.mails / (self.last_at - self.first_at) if self.last_at > self.first_at else 0.0


def mails_of(counters: bytes) -> int:
    """The latest of the counts that it writes one behind the other; 0 before the first."""
    found = _COUNTERS.findall(counters)
    return int(found[-1]) if found else 0


def find_smtp_sink() -> str:
    """Its path: as installed, as unpacked before, or unpacked now.

    Raises:
        NoSink
    """
    folder = Layout.of_checkout().base / "postfix"
    unpacked = folder / "usr" / "sbin" / "smtp-sink"
    program = find("smtp-sink") or (str(unpacked) if unpacked.exists() else "")
    if not program:
        _unpack(folder)
        program = str(unpacked)
    # Called in the wrong way it says how it is to be called: all its libraries are there.
    asked = subprocess.run([program, "-h"], env=_environ(program), check=False, capture_output=True)
    if b"usage:" not in asked.stderr:
        raise NoSink("smtp-sink does not run here: please install the package postfix")
    return program


def _unpack(folder: Path) -> None:
    ask = "please install the package postfix, for its smtp-sink"
    apt, unpacker = find("apt-get"), find("dpkg-deb")
    if not (apt and unpacker):
        raise NoSink(ask)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _quietly(folder, apt, "-q", "download", "postfix")
        [package] = folder.glob("postfix_*.deb")
        _quietly(folder, unpacker, "-x", package.name, ".")
    except (subprocess.CalledProcessError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoSink(ask) from error


def _quietly(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _environ(program: str) -> dict[str, str]:
    """Its libraries lie beside it where it was only unpacked."""
    return {"LD_LIBRARY_PATH": str(Path(program).parents[1] / "lib" / "postfix")}
