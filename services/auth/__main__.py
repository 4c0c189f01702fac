"""The entry point: `python -m services.auth serve|work|config|staff|...`."""

import sys

from services.auth.service import SERVICE
from shared import cli

if __name__ == "__main__":
    sys.exit(cli.main(SERVICE))
