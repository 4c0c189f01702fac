"""The entry point: `python -m services.auth serve|work|config|staff|...`."""

import sys

from shared import entry

if __name__ == "__main__":
    sys.exit(entry.run("services.auth.service"))
