"""What is in an image, as CycloneDX 1.6 made from the lock that it is built from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.local.layout import ROOT

VERSION = "1.6"


def lock_of(image: str) -> Path:
    """The lock that an image is built from, by the name of either."""
    return ROOT / ("deploy/images/gateway.txt" if image == "gateway" else f"locks/{image}.txt")


def make_sbom(image: str, *, version: str, revision: str, lock: str = "") -> dict[str, Any]:
    """Every locked package with its version and hashes; equal input gives an equal document.

    Args:
        image: a service, or `gateway`.
        version: of the image.
        revision: the commit.
        lock: another lock than the image's own, such as `orders-stripe`.
    """
    program = str(Path(sys.prefix) / "bin" / "cyclonedx-py")
    options = ["--spec-version", VERSION, "--output-format", "JSON", "--output-reproducible"]
    command = [program, "requirements", str(lock_of(lock or image)), *options]
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
