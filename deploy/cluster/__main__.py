"""`make cluster`: the rehearsal, apart from `make test`, for it takes minutes and root."""

import subprocess
import sys
from pathlib import Path

from deploy.local.layout import ROOT

if __name__ == "__main__":
    pytest = str(Path(sys.executable).with_name("pytest"))
    sys.exit(subprocess.run([pytest, "-q", "-s", "tests/cluster"], cwd=ROOT, check=False).returncode)
