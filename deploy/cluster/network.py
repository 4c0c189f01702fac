"""Namespaces on a bridge of their own (ip-netns(8)): each is a machine whose cable can be pulled. Needs root."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

BRIDGE = "padlock0"
PREFIX = "10.77.66"
COUNT = 3


class NotPossible(Exception):
    """This machine or user cannot make namespaces; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Host:
    """One machine: its namespace, its address, and the bridge's end of its cable."""

    number: int

    @property
    def namespace(self) -> str:
        """As `ip netns` knows it."""
        return f"padlock-{self.number}"

    @property
    def address(self) -> str:
        """Where the others reach it."""
        return f"{PREFIX}.{10 + self.number}"

    @property
    def cable(self) -> str:
        """The interface on the bridge."""
        return f"padlock0p{self.number}"

    def inside(self, *command: str) -> tuple[str, ...]:
        """The command, to be run on that machine."""
        return ("ip", "netns", "exec", self.namespace, *command)

    def cut_off(self) -> None:
        """Pull the cable: nothing gets in or out, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def connect(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self.cable, "up")


@contextmanager
def network() -> Iterator[list[Host]]:
    """The machines, connected to each other and to this one; gone again at the end.

    Raises:
        NotPossible: no root, or no `ip`.
    """
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NotPossible("network namespaces need root and the program `ip` (iproute2)")
    hosts = _hosts()
    clear()
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{PREFIX}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for host in hosts:
            _plug_in(host)
        yield hosts
    except subprocess.CalledProcessError as error:
        raise NotPossible(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from None
    finally:
        clear()


def _plug_in(host: Host) -> None:
    _ip("netns", "add", host.namespace)
    _ip("link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("link", "set", host.cable, "master", BRIDGE, "up")
    for words in (
        ("addr", "add", f"{host.address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        _ip("-n", host.namespace, *words)


def _hosts() -> list[Host]:
    return [Host(number) for number in range(1, COUNT + 1)]


def clear() -> None:
    """Nothing is left of them, nor of a run that was killed: who runs in a namespace keeps it alive."""
    hosts = _hosts()
    for host in hosts:
        found = subprocess.run(["ip", "netns", "pids", host.namespace], check=False, capture_output=True, text=True)
        for pid in found.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    gone = [("link", "del", host.cable) for host in hosts]  # the kernel would let them go a while later
    for words in (*gone, *(("netns", "del", host.namespace) for host in hosts), ("link", "del", BRIDGE)):
        subprocess.run(["ip", *words], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
