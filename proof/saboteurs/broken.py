"""`python -m proof.saboteurs.broken SERVICE ...`: a service's command without the rule that PROOF_SABOTAGE names."""

import os
import sys
from importlib import import_module

from shared import cli


def main(words: list[str]) -> int:
    """Run the command; without PROOF_SABOTAGE nothing is broken, and nothing runs."""
    name = os.environ.get("PROOF_SABOTAGE")
    if name is None:
        print("PROOF_SABOTAGE says what to break", file=sys.stderr)
        return 2
    from proof.saboteurs.patches import PATCHES

    import_module("proof.saboteurs.aftersales")  # adds its own

    if name in PATCHES:
        PATCHES[name]()
    service = import_module(f"services.{words[0]}.service").SERVICE
    return cli.main(service, words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
