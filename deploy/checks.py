"""`make test`: every check and every test, in the order in which they fail fastest. Stops at the first failure."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from deploy.local.layout import ROOT, Layout
from deploy.local.programs import MissingProgram, find_chromium, install
from deploy.local.supervise import is_running

BIN = Path(sys.prefix) / "bin"
CODE = ("services", "shared", "deploy", "proof")
STATIC: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("lint-imports",),
    ("deptry", "."),
    ("codespell", "README.md", "CHANGELOG.md", "docs", "services", "shared", "deploy", "proof", "tests", "bench"),
)
TYPES = ("mypy", *CODE)
"""Has one processor busy for most of a minute; what comes next, pytest, starts meanwhile."""
PARALLEL = ("-n", "2")
WAITING = ("-n", "4")
"""For tests that wait for a database and a broker more than they compute."""
REHEARSED_APART = ("tests/faults/test_restore.py", "tests/faults/test_cuts.py", "tests/faults/test_schedules.py")
"""A minute and more each, and nothing that others depend on: `make faults` runs them."""

SHORT_PROOFS = ("proof.saboteurs", "proof.fuzz")
"""Whole they take minutes: `make saboteurs`, `make fuzz`."""


class CheckFailed(Exception):
    """A step did not pass; it has said why itself."""


def main() -> int:
    """Run all steps; 0 when all of them pass."""
    begun = time.monotonic()
    try:
        for command in STATIC:
            _step(command)
        at_once(TYPES, ("pytest", "-q", *PARALLEL, *_existing(["unit"])))
        _on_testbed()
        _on_stack()
    except CheckFailed as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        return 1
    print(f"\nEverything passed in {time.monotonic() - begun:.0f} s.")
    return 0


def _on_testbed() -> None:
    """Component and contract tests, with a database and a broker of their own."""
    done = _local("testbed", capture=True)
    try:
        exported = dict(word.split("=", 1) for word in shlex.split(done)[1:])  # export NAME=VALUE NAME=VALUE
        _pytest(["component", "contract"], WAITING, environ=exported)
    finally:
        _local("testbed-down")


def _on_stack() -> None:
    """Journeys, pages and kills against the whole stack; one that ran before goes on running afterwards."""
    folders = ["outside", "journey", "browser", "faults"]
    if not _existing(folders):
        return
    was_running = is_running(Layout.of_checkout())
    try:
        _have_browser()
        _local("up")
        # Files, not tests, are shared out: each has a browser or people of its own. See tests/sharing.py.
        _pytest(folders, ["-m", "together", *PARALLEL, "--dist", "loadfile"])
        _pytest(folders, ["-m", "not together", *(f"--ignore={path}" for path in REHEARSED_APART)])
        for proof in SHORT_PROOFS:
            _step(("python", "-m", proof, "--short"))
    finally:
        if not was_running:
            _local("down")


def _have_browser() -> None:
    """Only tests look at pages, so `make up` does not ask for a browser."""
    if find_chromium():
        return
    print("\n== installing chromium with apt", flush=True)
    try:
        install(["chromium"])
    except MissingProgram as error:
        raise CheckFailed(str(error)) from None


def _pytest(folders: Sequence[str], options: Sequence[str] = (), *, environ: Mapping[str, str] | None = None) -> None:
    if paths := _existing(folders):
        _step(("pytest", "-q", *options, *paths), environ=environ)


def _existing(folders: Sequence[str]) -> list[str]:
    return [f"tests/{folder}" for folder in folders if any((ROOT / "tests" / folder).rglob("test_*.py"))]


def at_once(*commands: Sequence[str]) -> None:
    """Steps beside each other: what one prints comes whole when it ends, and one that fails ends the others.

    Raises:
        CheckFailed: one did not pass.
    """
    print(f"\n== at once: {'; '.join(' '.join(command) for command in commands)}", flush=True)
    with ExitStack() as ended:
        running = [ended.enter_context(_Beside.started(command)) for command in commands]
        while running:
            done = [each for each in running if each.process.poll() is not None]
            for each in sorted(done, key=lambda each: not each.process.returncode):
                running.remove(each)
                each.tell()
            time.sleep(0.05)


@dataclass(frozen=True)
class _Beside:
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    output: IO[str]
    begun: float

    @classmethod
    @contextmanager
    def started(cls, command: Sequence[str]) -> "Iterator[_Beside]":
        with (
            TemporaryFile("w+") as output,
            subprocess.Popen([str(BIN / command[0]), *command[1:]], cwd=ROOT, stdout=output, stderr=output) as process,
        ):
            try:
                yield cls(command, process, output, time.monotonic())
            finally:
                process.terminate()

    def tell(self) -> None:
        self.output.seek(0)
        print(
            f"\n== {' '.join(self.command)}\n{self.output.read()}   {time.monotonic() - self.begun:.1f} s", flush=True
        )
        if self.process.returncode:
            raise CheckFailed(" ".join(self.command))


def _step(command: Sequence[str], *, environ: Mapping[str, str] | None = None) -> None:
    print(f"\n== {' '.join(command)}", flush=True)
    begun = time.monotonic()
    program = str(BIN / command[0])
    status = subprocess.run([program, *command[1:]], check=False, cwd=ROOT, env=os.environ | dict(environ or {}))
    print(f"   {time.monotonic() - begun:.1f} s", flush=True)
    if status.returncode:
        raise CheckFailed(" ".join(command))


def _local(command: str, *, capture: bool = False) -> str:
    print(f"\n== {command}", flush=True)
    output = subprocess.PIPE if capture else None
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local", command], check=False, cwd=ROOT, stdout=output, text=True
    )
    if done.returncode:
        raise CheckFailed(command)
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(main())
