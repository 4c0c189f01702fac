"""The entry point: `python -m services.warranty serve|work|config|...`."""

import sys

from shared import entry

if __name__ == "__main__":
    sys.exit(entry.run("services.warranty.service"))
