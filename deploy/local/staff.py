"""Staff logins of the stack: one for each role, made once by auth's own command, kept in `Stack.staff_file`."""

import json
import secrets
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from deploy.local.addresses import read_staff
from deploy.local.board import read_supervisor
from deploy.local.layout import ROOT, write_private
from deploy.local.processes import send
from deploy.local.services import command_of, process_environ
from deploy.local.stack import Stack

ROLES = ("support", "marketing", "fraud", "officer", "admin")
_PATIENCE_S = 60


def ensure_staff(stack: Stack, *, say: Callable[[str], None]) -> None:
    """Have an account for each role; those that exist stay as they are."""
    staff = read_staff(stack)
    missing = [role for role in ROLES if role not in staff]
    if not missing:
        return
    say("making staff logins")
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda role: _add(stack, role), missing)
        staff |= {role: login for role, login in zip(missing, made, strict=True) if login}
    write_private(stack.staff_file, json.dumps(staff, indent=1) + "\n")
    if supervisor := read_supervisor(stack.layout.run_file):
        send(supervisor, signal.SIGHUP)  # stack.json shows them, too


def _add(stack: Stack, role: str) -> dict[str, str]:
    password = secrets.token_urlsafe(18)
    words = ("staff", "add", f"{role}@staff.example.com", "--role", role, "--stdin", "--json", "--reset")
    done = subprocess.run(
        [*command_of("auth"), *words],
        check=False, input=password + "\n", capture_output=True, text=True,
        timeout=_PATIENCE_S, cwd=ROOT, env=process_environ(stack, "auth"),
    )  # fmt: skip
    if done.returncode:
        print(f"  no login for {role}: `auth staff add` ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return {}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return {"email": answer["email"], "password": password, "totp": answer["totp"]}
