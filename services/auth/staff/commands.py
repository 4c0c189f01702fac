"""`staff add|list|remove|identity`: who works here. What is printed once is nowhere else."""

import argparse
import getpass
import json
import sys
from dataclasses import asdict

from services.auth.accounts.domain import STAFF_ROLES
from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.deps import Deps
from services.auth.factors.check import Given
from services.auth.sessions.login import Credentials
from services.auth.staff.identify import identify
from services.auth.staff.usecases import NewStaff, add_staff, list_staff, remove_staff
from shared.addresses import clean_name, parse_email
from shared.errors import DomainError
from shared.ids import new_token
from shared.secrets import MalformedSecret
from shared.service import Command
from shared.topology import SERVICES


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="appoint somebody; prints the login once, as JSON")
    add.add_argument("email")
    add.add_argument("--role", choices=STAFF_ROLES, required=True)
    add.add_argument("--name", default="Staff")
    add.add_argument("--password-stdin", "--stdin", action="store_true", help="read the password, one line")
    add.add_argument("--reset", action="store_true", help="new password and factors for an existing account")
    show = actions.add_parser("list", help="who has which roles")
    remove = actions.add_parser("remove", help="take all roles away; the person stays a customer")
    remove.add_argument("email")
    who = actions.add_parser(
        "identity", help="log in with password and code, a line each on stdin; prints a signed identity, good for 60 s"
    )
    who.add_argument("email")
    who.add_argument("--for", dest="audience", choices=SERVICES, required=True, help="the service that is shown it")
    for each in (add, show, remove):
        each.add_argument("--json", action="store_true", help="print JSON")


async def _run(deps: Deps, args: argparse.Namespace) -> int:
    actions = {"add": _add, "list": _list, "remove": _remove, "identity": _identity}
    try:
        await actions[args.action](deps, args)
    except (DomainError, MalformedSecret) as refusal:
        fields = getattr(refusal, "fields", ())
        sys.stderr.write(" ".join(each.detail for each in fields) or str(refusal))
        sys.stderr.write("\n")
        return 1
    return 0


async def _add(deps: Deps, args: argparse.Namespace) -> None:
    typed = sys.stdin.readline().rstrip("\r\n") if args.password_stdin else new_token(18)
    email = parse_email(args.email)
    new = NewStaff(email, clean_name(args.name), args.role, Password(typed), reset=args.reset)
    secret = await add_staff(deps, new)
    _say(json.dumps({"email": email, "password": typed, "totp": secret}))


async def _list(deps: Deps, args: argparse.Namespace) -> None:
    members = await list_staff(deps)
    if args.json:
        _say(json.dumps([asdict(member) for member in members]))
        return
    for member in members:
        _say(f"{member.account_id}  {member.email}  {', '.join(member.roles)}")


async def _remove(deps: Deps, args: argparse.Namespace) -> None:
    email = parse_email(args.email)
    roles = await remove_staff(deps, email)
    if args.json:
        _say(json.dumps({"removed": True, "email": email, "roles": roles}))
        return
    _say(f"removed {email} from {', '.join(roles)}; logged out everywhere, and a customer from now on")


async def _identity(deps: Deps, args: argparse.Namespace) -> None:
    password, code = _typed("password: "), _typed("code: ")
    credentials = Credentials(parse_email(args.email), Password(password), Given(OneTimeCode(code)))
    _say(await identify(deps, credentials, audience=args.audience))


def _typed(prompt: str) -> str:
    """A line of stdin; from a terminal without showing it."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


STAFF = Command(name="staff", help="add, list, remove and identify staff", add_arguments=_arguments, run=_run)
