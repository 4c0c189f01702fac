"""`dkim next`, `dkim use`: the keys that mails are signed with, and the next ones under a name (selector) of their own.

Receivers look for the public half under the selector that a signature names (RFC 6376 section 3.1), some of them days
later. So the next name must be in the DNS before anybody signs by it, and the former must stay there for a while after.

    keys/mailer/dkim/1/rsa.pem  rsa.selector  ed25519.pem  ed25519.selector
    keys/mailer/dkim/2/...      the next ones, until `current` leads here
    keys/mailer/dkim/current -> 1
"""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.layout import ROOT, Layout, write_private

KINDS = ("rsa", "ed25519")
KEPT_DAYS = 7
"""How long the former record is needed: a mail may wait 4 to 5 days for delivery (RFC 5321 section 4.5.4.1)."""
CURRENT = "current"


def settings_of(layout: Layout, version: str = CURRENT) -> dict[str, str]:
    """Mailer's settings, all of them files: what is rotated is taken by its next start."""
    folder = _folder(layout) / version
    return {
        f"DKIM_{kind.upper()}_{what}_FILE": str(folder / f"{kind}.{ending}")
        for kind in KINDS
        for what, ending in (("KEY", "pem"), ("SELECTOR", "selector"))
    }


def ensure(layout: Layout) -> None:
    """Make the first keys where there are none."""
    if not (_folder(layout) / CURRENT).is_symlink():
        _make(layout, 1)
        _lead_to(layout, 1)


def make_next(layout: Layout) -> int:
    """Make the next keys where there are none, and print their records for the DNS. They sign nothing yet."""
    version = _version(layout) + 1
    if not (_folder(layout) / str(version)).exists():
        _make(layout, version)
    environ = {f"PADLOCK_{name}": path for name, path in settings_of(layout, str(version)).items()}
    command = [sys.executable, "-m", "deploy.local", "run", "mailer", "dkim"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environ, check=False).returncode


def use_next(layout: Layout) -> int:
    """Put the next keys in the place of the present ones, all in one step. Mailer takes them with its next start."""
    former = _version(layout)
    if not (_folder(layout) / str(former + 1)).exists():
        print("there are no next keys: `dkim next` makes them", file=sys.stderr)
        return 1
    _lead_to(layout, former + 1)
    for kind in KINDS:
        (_folder(layout) / str(former) / f"{kind}.pem").unlink()
        print(f"leave {selector(kind, former)} in the DNS for {KEPT_DAYS} days after mailer has been restarted")
    return 0


def selector(kind: str, version: int) -> str:
    """The name of a key in the DNS. It is never used for a second key."""
    return f"padlock-{kind}" + (f"-{version}" if version > 1 else "")


def _folder(layout: Layout) -> Path:
    return layout.keys / "mailer" / "dkim"


def _version(layout: Layout) -> int:
    return int((_folder(layout) / CURRENT).readlink().name)


def _lead_to(layout: Layout, version: int) -> None:
    draft = _folder(layout) / f".{version}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(str(version))
    draft.replace(_folder(layout) / CURRENT)


def _make(layout: Layout, version: int) -> None:
    """All four files, or no folder of that name: one that was cut off is begun anew."""
    folder = _folder(layout) / str(version)
    draft = folder.with_name(f"{version}.draft")
    for kind in KINDS:
        write_private(draft / f"{kind}.pem", _new_key(kind))
        write_private(draft / f"{kind}.selector", f"{selector(kind, version)}\n")
    draft.rename(folder)


def _new_key(kind: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
