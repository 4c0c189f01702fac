import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deploy.local.processes import Process, end_strays, send, session_members

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_running_process_is_alive(sleeper: "subprocess.Popen[bytes]") -> None:
    assert Process.of(sleeper.pid).is_alive


def test_a_process_that_ended_is_not_alive(sleeper: "subprocess.Popen[bytes]") -> None:
    recorded = Process.of(sleeper.pid)

    sleeper.kill()
    sleeper.wait()

    assert not recorded.is_alive


def test_another_owner_of_the_same_pid_is_somebody_else(sleeper: "subprocess.Popen[bytes]") -> None:
    recorded = replace(Process.of(sleeper.pid), started=1)

    send(recorded, signal.SIGKILL)

    assert not recorded.is_alive
    assert end_strays([recorded]) == 0
    assert sleeper.poll() is None


def test_a_record_of_an_earlier_boot_is_somebody_else(sleeper: "subprocess.Popen[bytes]") -> None:
    recorded = replace(Process.of(sleeper.pid), boot="earlier")

    assert not recorded.is_alive
    assert session_members(recorded) == []


def test_strays_are_ended_with_their_children() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; print(subprocess.Popen({SLEEPER!r}).pid, flush=True); input()"],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin
    assert parent.stdout
    child = Process.of(int(parent.stdout.readline()))

    ended = end_strays([Process.of(parent.pid)], patience_s=10)

    assert ended == 2
    assert not child.is_alive
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()


def test_children_whose_parent_has_gone_are_found() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; print(subprocess.Popen({SLEEPER!r}).pid, flush=True); input()"],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdin
    assert parent.stdout
    recorded, child = Process.of(parent.pid), Process.of(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    ended = end_strays([recorded], patience_s=10)

    assert ended == 1
    assert not child.is_alive
    parent.stdin.close()
    parent.stdout.close()
