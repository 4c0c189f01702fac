"""Where everything is."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is, as the supervisor last wrote it."""

    path: Path

    @classmethod
    def find(cls, root: Path) -> Self:
        """The stack of the checkout at `root`. Raises FileNotFoundError where none is up."""
        path = root / ".local" / "stack.json"
        path.stat()
        return cls(path)

    def read(self) -> dict[str, Any]:
        """Read anew: process ids change with every restart."""
        data: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return data

    def resolve(self, name: str) -> Path:
        """A path in the file may be relative to the checkout."""
        return self.path.parent.parent / name

    def tls(self) -> ssl.SSLContext:
        """Trusts the stack's own authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.resolve(self.read()["ca"])))
