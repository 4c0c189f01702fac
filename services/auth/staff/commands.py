"""`staff add|list|remove`: who works here. What is printed once is nowhere else."""

import argparse
import json
import sys
from dataclasses import asdict

from services.auth.accounts.domain import STAFF_ROLES
from services.auth.accounts.passwords import Password
from services.auth.deps import Deps
from services.auth.staff.usecases import NewStaff, add_staff, list_staff, remove_staff
from shared.addresses import clean_name, parse_email
from shared.errors import DomainError
from shared.ids import new_token
from shared.secrets import MalformedSecret
from shared.service import Command


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
    for each in (add, show, remove):
        each.add_argument("--json", action="store_true", help="print JSON")


async def _run(deps: Deps, args: argparse.Namespace) -> int:
    actions = {"add": _add, "list": _list, "remove": _remove}
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


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


STAFF = Command(name="staff", help="add, list and remove staff", add_arguments=_arguments, run=_run)
