"""Tools that get on badly with what the project itself installs: each in an environment of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def installed(name: str) -> Path:
    """The folder of the programs of `.local/<name>`, made from `locks/<name>.txt` with every hash checked."""
    place = ROOT / ".local" / name
    done = place / "installed"
    if not done.exists():
        uv, python = str(Path(sys.executable).with_name("uv")), str(place / "bin" / "python")
        lock = str(ROOT / "locks" / f"{name}.txt")
        subprocess.run([uv, "venv", "-q", "--clear", str(place)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", lock], check=True)
        done.touch()
    return place / "bin"
