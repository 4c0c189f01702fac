"""The entry point: `python -m services.mailer serve|work|send|schedule|rehearse|config|...`."""

import sys

from services.mailer.service import SERVICE
from shared import cli

if __name__ == "__main__":
    sys.exit(cli.main(SERVICE))
