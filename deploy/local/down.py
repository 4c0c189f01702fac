"""`down`: stop everything and leave nothing behind but data, keys and logs."""

import time

from deploy.local.daemon import clear_strays, stop
from deploy.local.layout import Layout


def down(layout: Layout) -> None:
    """Stop the stack; say what was done."""
    started = time.monotonic()
    print("stopping", flush=True)
    was_running = stop(layout)
    strays = clear_strays(layout)
    layout.lock_file.unlink(missing_ok=True)
    if strays:
        print(f"  ended {strays} stray processes", flush=True)
    took = f"stopped ({time.monotonic() - started:.1f} s)"
    print(took if was_running or strays else "nothing was running", flush=True)
