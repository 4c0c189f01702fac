"""How a process begins: its modules are loaded before the collector has anything to do."""

import gc
from importlib import import_module


def run(module: str) -> int:
    """Load the module that has a service as `SERVICE`, run the command of the command line, return the exit status.

    Loading makes half a million objects, hardly one of them garbage. The collector, which would look at all of them
    again and again, waits for the end, and then leaves them alone.
    """
    gc.disable()
    from shared import cli

    service = import_module(module).SERVICE
    gc.freeze()
    gc.enable()
    return cli.main(service)
