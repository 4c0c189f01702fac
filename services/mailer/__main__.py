"""The entry point: `python -m services.mailer serve|work|send|schedule|rehearse|config|...`."""

import sys

from shared import entry

if __name__ == "__main__":
    sys.exit(entry.run("services.mailer.service"))
