"""First steps of every `make` target: the virtual environment and the system's programs.

Runs with the system's Python (`python3 -m deploy.local.bootstrap [--programs] [MODULE ARGUMENTS]`), hence standard
library only, and the rest is imported after the version is checked.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "locks" / "dev.txt"
VENV = ROOT / ".venv"
STAMP = VENV / ".locked"


def main(arguments: list[str]) -> int:
    """Make the environment what the lock says; then run the module named by the arguments in it, if any."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the system's Python may be any
        return _fail(f"Padlock needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}).")
    try:
        ensure_environment()
    except subprocess.CalledProcessError as error:
        return _fail(f"The virtual environment could not be made: {_command_of(error)} failed.")
    if "--programs" in arguments:
        from deploy.local.programs import MissingProgram

        arguments.remove("--programs")
        try:
            ensure_programs()
        except MissingProgram as error:
            return _fail(str(error))
    if arguments:
        os.chdir(ROOT)
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, "-m", *arguments])  # noqa: S606 - no shell is wanted
    return 0


def ensure_environment() -> None:
    """Create `.venv` where it is missing and bring it to the lock; nothing at all where it already is there."""
    wanted = _wanted()
    if STAMP.exists() and STAMP.read_text() == wanted and (VENV / "bin" / "python").exists():
        return
    started = time.monotonic()
    if not (VENV / "bin" / "python").exists():
        _say("making .venv")
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    _say("installing the locked packages (hashes checked)")
    _install_locked()
    STAMP.write_text(wanted)
    _say(f"packages are there ({time.monotonic() - started:.0f} s)")


def ensure_programs() -> None:
    """Install RabbitMQ and nginx where they are missing."""
    from deploy.local.programs import install, missing_packages

    packages = missing_packages(os.environ)
    if packages:
        _say("installing " + ", ".join(packages) + " with apt")
        install(packages)


def locked_lines(name: str, lock: str) -> str:
    """The one requirement called `name` with its hashes, as it stands in the lock."""
    lines = lock.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    return "\n".join(line for line in lines[start:end] if not line.lstrip().startswith("#")) + "\n"


def _install_locked() -> None:
    python = str(VENV / "bin" / "python")
    with_uv = [python, "-m", "uv", "pip", "sync", "-q", "--python", python, "--require-hashes", "--compile-bytecode"]
    try:
        _install_uv(python)
        subprocess.run([*with_uv, str(LOCK)], check=True)
    except subprocess.CalledProcessError:
        _say("uv could not; trying pip, which takes longer")
        subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)], check=True)


def _install_uv(python: str) -> None:
    # pip, because it is there; uv only for itself, because it installs the rest ten times faster.
    requirement = VENV / "uv.txt"
    requirement.write_text(locked_lines("uv", LOCK.read_text()))
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps",
         "-r", str(requirement)],
        check=True,
    )  # fmt: skip


def _wanted() -> str:
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return f"{lock} {sys.version_info.major}.{sys.version_info.minor}\n"


def _command_of(error: subprocess.CalledProcessError) -> str:
    command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
    needs_package = "-m venv" in command and sys.platform == "linux"
    return command + (" (is the package python3-venv installed?)" if needs_package else "")


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
