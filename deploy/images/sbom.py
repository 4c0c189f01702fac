"""What is in an image, as CycloneDX 1.6 made from the lock that it is built from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.local.layout import ROOT

VERSION = "1.6"


def lock_of(image: str) -> Path:
    """The lock that an image is built from."""
    return ROOT / ("deploy/images/gateway.txt" if image == "gateway" else f"locks/{image}.txt")


def make_sbom(image: str, *, version: str, revision: str) -> dict[str, Any]:
    """Every locked package with its version and hashes; equal input gives an equal document."""
    program = str(Path(sys.prefix) / "bin" / "cyclonedx-py")
    command = [program, "requirements", str(lock_of(image)), "--spec-version", VERSION, "--output-format", "JSON",
               "--output-reproducible"]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    document["metadata"]["component"] = {
        "type": "container",
        "bom-ref": f"padlock-{image}",
        "name": f"padlock-{image}",
        "version": version,
        "properties": [{"name": "org.opencontainers.image.revision", "value": revision}],
    }
    return document
