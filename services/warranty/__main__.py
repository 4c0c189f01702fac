"""The entry point: `python -m services.warranty serve|work|config|...`."""

import sys

from services.warranty.service import SERVICE
from shared import cli

if __name__ == "__main__":
    sys.exit(cli.main(SERVICE))
