"""A stack with one rule broken, for as long as a block runs."""

import json
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from proof.beside import BASE, gateway_with, process_beside
from proof.saboteurs.switch import Switch

BROKEN = "proof.saboteurs.broken"


@contextmanager
def sabotaged(switch: Switch) -> Iterator[dict[str, str]]:
    """Break it, give the environment that checks need, and make it whole again, whatever happens."""
    data = json.loads((BASE / "stack.json").read_text("utf-8"))
    leak = BASE / "log" / "sabotaged.leak.log"
    broken = {"PROOF_SABOTAGE": switch.name, "PROOF_LEAK": str(leak)}
    with ExitStack() as undone:
        undone.enter_context(_mailbox_restored(BASE / "mail"))
        undone.callback(leak.unlink, missing_ok=True)
        changes = dict(switch.gateway)
        if switch.service:
            program = (BROKEN, switch.service)
            beside = process_beside(switch.service, "serve", program=program, environ=broken)
            process, url = undone.enter_context(beside)
            old = data["services"][switch.service]["url"]
            changes[f"server {urlsplit(old).netloc} "] = f"server {urlsplit(url).netloc} "
            data["services"][switch.service] |= {"url": url, "pids": [process.pid]}
        other = BASE / "sabotaged.json"
        other.write_text(json.dumps(data), "utf-8")
        undone.callback(other.unlink)
        if changes:
            undone.enter_context(gateway_with(data, changes))
        if switch.around is not None:
            undone.enter_context(switch.around(data))
        if switch.mails is not None:
            for to, message in switch.mails():
                with smtplib.SMTP(data["smtp"]["host"], data["smtp"]["port"], timeout=10) as relay:
                    relay.send_message(message, to_addrs=to)
        patience = {"PROOF_PATIENCE_S": "15"} if switch.is_broken else {}
        yield broken | patience | {"PROOF_RUNS": BROKEN, "PROOF_STACK": str(other)}


@contextmanager
def _mailbox_restored(folder: Path) -> Iterator[None]:
    """What a broken mailer sent does not stay: the next audit reads all mails."""
    before = {path.name for path in folder.glob("*.eml")}
    try:
        yield
    finally:
        for path in folder.glob("*.eml"):
            if path.name not in before:
                path.unlink()
