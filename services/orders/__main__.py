"""The entry point: `python -m services.orders serve|work|seed|config|...`."""

import sys

from shared import entry

if __name__ == "__main__":
    sys.exit(entry.run("services.orders.service"))
