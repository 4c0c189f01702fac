"""A service's own commands, run as an operator runs them: with the environment that the stack has written down."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 150


async def run_command(service: str, *arguments: str, environ: Mapping[str, str] = {}) -> str:
    """Run `python -m services.<service> ...`, with `environ` over its own; its standard output.

    Raises:
        RuntimeError: it ended with another status than 0.
        TimeoutError: it did not end.
    """
    environment = os.environ | _environment(ROOT / ".local" / "env" / f"{service}.env") | dict(environ)
    python = str(ROOT / ".venv" / "bin" / "python")
    program = (broken, service) if (broken := os.environ.get("PROOF_RUNS")) else (f"services.{service}",)
    process = await asyncio.create_subprocess_exec(
        python, "-m", *program, *arguments, cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    if process.returncode != 0:
        raise RuntimeError(f"{service} {' '.join(arguments)} ended with {process.returncode}: {err.decode()[-2000:]}")
    return out.decode()


def _environment(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#"))
    pairs = (line.removeprefix("export ").partition("=") for line in lines)
    return {name: value.strip("'\"") for name, _, value in pairs}
