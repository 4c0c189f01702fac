"""Tables for people: addresses at the end of `up`, parts in `status`."""

from collections.abc import Sequence
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.stack import Stack

_TAIL_BYTES = 2000


def render(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    ruled = [head, ["-" * width for width in widths], *rows]
    return "\n".join(_line(line, widths) for line in ruled)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def address_table(stack: Stack) -> str:
    """Page, address, what it is for."""
    site, apis = stack.public_url, stack.api_urls()
    base = _shown(stack.layout.base)
    rows = [
        ("Shop", f"{site}/", "the catalogue, and checkout from there"),
        ("Register", f"{site}/register", "an account; the link to verify it lands in the mailbox"),
        ("Log in", f"{site}/login", "with or without being remembered"),
        ("Privacy", f"{site}/privacy", "the promises, in our words"),
        ("Newsletter", f"{site}/newsletter", "subscribe; confirmed by a link in the mailbox"),
        ("Mailbox", "" if "SMTP_URL" in stack.outside else stack.mailbox_url, "every mail that the shop sends"),
        *((f"API of {service}", address, "to read; OpenAPI beside it") for service, address in apis.items()),
        ("Authority", f"{base}/tls/ca.pem", "who signed the certificate: curl --cacert, or import it in a browser"),
        ("Staff", _shown(stack.staff_file), "logins by role, with the secret of the second factor"),
        ("Database, broker", f"{base}/stack.json", "addresses with passwords, and the pids of everything"),
        ("Logs", f"{base}/log/", "one file for each part"),
    ]
    return render(("page", "address", "what it is for"), [row for row in rows if row[1]])


def tail(file: Path) -> str:
    """The end of a log, indented."""
    try:
        text = file.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-15:])


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
