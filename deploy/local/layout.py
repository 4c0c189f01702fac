"""Where the stack keeps what it makes: everything is under `.local/` of this checkout."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("auth", "orders", "mailer", "warranty")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under one state directory."""

    base: Path

    @classmethod
    def of_checkout(cls) -> "Layout":
        """The state directory of this checkout."""
        return cls(ROOT / ".local")

    @property
    def stack_file(self) -> Path:
        """The address book of the running stack, for programs from outside: `deploy/outside/stack.py` reads it."""
        return self.base / "stack.json"

    @property
    def run_file(self) -> Path:
        """What the supervisor started: pids, start times, restarts, readiness."""
        return self.base / "run.json"

    @property
    def lock_file(self) -> Path:
        """Held by the running supervisor; its text is the supervisor's pid."""
        return self.base / "supervisor.lock"

    @property
    def logs(self) -> Path:
        """One log for each part."""
        return self.base / "log"

    @property
    def mail(self) -> Path:
        """One file for each mail that arrived."""
        return self.base / "mail"

    @property
    def keys(self) -> Path:
        """Private keys by service, and everybody's public ones."""
        return self.base / "keys"

    @property
    def tls(self) -> Path:
        """The local authority and the gateway's certificate."""
        return self.base / "tls"

    @property
    def mongo(self) -> Path:
        """The database's files."""
        return self.base / "mongo"

    @property
    def rabbitmq(self) -> Path:
        """The broker's files."""
        return self.base / "rabbitmq"

    @property
    def nginx(self) -> Path:
        """The gateway's configuration."""
        return self.base / "nginx"

    def env_file(self, service: str) -> Path:
        """The environment of a service, to be sourced by a shell."""
        return self.base / "env" / f"{service}.env"

    def log_file(self, part: str) -> Path:
        """Where a part's output goes."""
        return self.logs / f"{part}.log"


def private_directory(path: Path) -> Path:
    """Create a directory that only its owner can enter, parents included."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_private(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Replace a file in one step; readers see the old or the new content, never a part."""
    private_directory(path.parent)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        os.fchmod(handle, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
