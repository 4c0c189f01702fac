"""`erase EMAIL|ID --reason REFERENCE`: erase a customer's account for whoever cannot do it on the account page."""

import argparse
import re
import sys

from services.auth.accounts.domain import Account
from services.auth.accounts.owner import Owner
from services.auth.deps import Deps
from services.auth.mydata.erasure import erase
from services.auth.mydata.views import new_receipt_view
from services.auth.people import email_key
from services.auth.refusals import AccountNotFound, StaffStays
from shared.addresses import parse_email
from shared.errors import DomainError
from shared.personal import PersonErased
from shared.service import Command

_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:/#_-]{2,99}", re.ASCII)
_NOT_CONFIRMED = 1


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="EMAIL|ID", help="the customer's address, or the id of the account")
    parser.add_argument(
        "--reason", required=True, type=_reason, metavar="REFERENCE",
        help="goes into the trail, which outlives the account: a ticket's number, nothing about the person",
    )  # fmt: skip
    parser.add_argument("--confirm", default="", metavar="ID", help="the account's id, instead of typing it when asked")


def _reason(text: str) -> str:
    if not _REASON.fullmatch(text):
        raise argparse.ArgumentTypeError("3 to 100 letters, digits, spaces and .,:/#_- only, and no address")
    return text


async def _run(deps: Deps, args: argparse.Namespace) -> int:
    try:
        account = await _find(deps, args.account)
        if account.is_staff:
            raise StaffStays
        if not _is_confirmed(account, args.confirm):
            _complain("not erased: this is not the account's id")
            return _NOT_CONFIRMED
        receipt = await erase(deps, lambda: _owner(deps, account.id), by="operator", reason=args.reason)
    except DomainError as refusal:
        _complain(" ".join(each.detail for each in refusal.fields) or str(refusal))
        return 1
    sys.stdout.write(new_receipt_view(receipt).model_dump_json() + "\n")
    return 0


async def _find(deps: Deps, wanted: str) -> Account:
    if "@" not in wanted:
        return await deps.accounts.get(wanted)
    account = await deps.accounts.find_by_email(email_key(deps.index, parse_email(wanted)))
    if account is None:
        raise AccountNotFound
    return account


async def _owner(deps: Deps, account_id: str) -> Owner:
    try:
        return Owner(await deps.accounts.get(account_id), await deps.people.known(account_id))
    except PersonErased:
        raise AccountNotFound from None


def _is_confirmed(account: Account, given: str) -> bool:
    """The second confirmation: the id, which shows what was looked up, typed or given."""
    if not given:
        sys.stderr.write(
            f"account {account.id}, of {account.created_at:%Y-%m-%d}, "
            f"{'address proven' if account.is_verified else 'address not proven'}\n"
            "This cannot be undone, in any of the four services. Type the id to go on: "
        )
        sys.stderr.flush()
        given = sys.stdin.readline().strip()
    return given == account.id


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


ERASE = Command(name="erase", help="erase a customer's account, everywhere", add_arguments=_arguments, run=_run)
