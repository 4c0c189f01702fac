"""`make cluster`: the rehearsal, apart from `make test`, for it takes minutes and root."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from deploy.cluster.network import clear
from deploy.local.layout import ROOT


def rehearse(only: str) -> int:
    """Its exit status. However it ends, by a signal, too, nothing of the machines is left."""
    pytest = str(Path(sys.executable).with_name("pytest"))
    with tempfile.TemporaryDirectory(prefix="padlock-cluster-", ignore_cleanup_errors=True) as folder:
        environ = os.environ | {"TMPDIR": folder} | ({"CLUSTER_ONLY": only} if only else {})
        rehearsal = subprocess.Popen([pytest, "-q", "-s", "tests/cluster"], cwd=ROOT, env=environ)
        try:
            return rehearsal.wait()
        finally:
            rehearsal.kill()
            rehearsal.wait()
            if os.geteuid() == 0:
                clear()


def _stop(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    parser.add_argument("--only", default="", help="database, queue, cut, lost, with commas between; without it all")
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(rehearse(parser.parse_args().only))
