"""The entry point: `python -m services.orders serve|work|seed|config|...`."""

import sys

from services.orders.service import SERVICE
from shared import cli

if __name__ == "__main__":
    sys.exit(cli.main(SERVICE))
