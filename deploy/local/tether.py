"""`python tether.py PARENT PROGRAM ARGUMENTS`: become a program that gets SIGTERM when its parent dies.

Imports next to nothing, so that it costs a few milliseconds. Core files are switched off on the way: they would hold
what must never reach a disk.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2); survives execve

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):  # the parent died before the line above
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
