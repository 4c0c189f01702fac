"""`disclosure request|approve|list|verify`.

Who does it is told by auth's signed identity, the same that the gateway hands to services, and no older than a minute.
Address and identity come from a file or from stdin: the arguments of a process can be read by everybody on the machine.
Where both are on stdin, the identity is its first line.
"""

import argparse
import base64
import json
import sys
from pathlib import Path

from services.mailer.deps import Deps
from services.mailer.disclosure.usecases import approve_disclosure, request_disclosure
from shared.identity import Identity, InvalidIdentity
from shared.service import Command

_LONGEST = 8192


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    request = actions.add_parser("request", help="ask about one person; prints the id for the second officer")
    request.add_argument("--basis", required=True, help="the law that demands it")
    request.add_argument("--reference", required=True, help="the case")
    request.add_argument(
        "--requester-key",
        required=True,
        metavar="FILE",
        help="their X25519 public key, PEM or base64; or that base64 itself",
    )
    approve = actions.add_parser("approve", help="as a second officer; prints the answer, sealed to the requester")
    approve.add_argument("id")
    for each in (request, approve):
        each.add_argument(
            "--identity", required=True, metavar="FILE",
            help="the officer's, as `auth staff identity` signs it; - for the first line of stdin",
        )  # fmt: skip
        each.add_argument("--address", default="-", metavar="FILE", help="holds the address; - for stdin")
    actions.add_parser("list", help="every step of every disclosure; no name, no address")
    verify = actions.add_parser("verify", help="check the chain; status 1 where anything is wrong")
    verify.add_argument("--head", default="", metavar="HASH", help="from the log: this entry must be there")


async def _run(deps: Deps, arguments: argparse.Namespace) -> int:
    if arguments.action == "request":
        return await _request(deps, arguments)
    if arguments.action == "approve":
        return await _approve(deps, arguments)
    return await (_list(deps) if arguments.action == "list" else _verify(deps, arguments.head))


async def _request(deps: Deps, arguments: argparse.Namespace) -> int:
    who = await _officer(deps, arguments.identity)
    disclosure_id = await request_disclosure(
        deps,
        who,
        email=_read(arguments.address),
        basis=arguments.basis,
        reference=arguments.reference,
        key=_key(arguments.requester_key),
    )
    _say(disclosure_id)
    return 0


async def _approve(deps: Deps, arguments: argparse.Namespace) -> int:
    who = await _officer(deps, arguments.identity)
    sealed = await approve_disclosure(deps, who, arguments.id, email=_read(arguments.address))
    answer = {
        "disclosure": arguments.id,
        "suite": "HPKE base mode, X25519, HKDF-SHA256, AES-256-GCM",
        "info": f"padlock disclosure {arguments.id}",
        "sealed": base64.b64encode(sealed).decode(),
    }
    _say(json.dumps(answer))
    return 0


async def _list(deps: Deps) -> int:
    for each in (await deps.disclosures.verify()).entries:
        shown = {name: value for name, value in each.details.items() if name in ("basis", "reference", "answer")}
        row = {"number": each.number, "disclosure": each.disclosure_id, "step": each.step.value,
               "at": each.at.isoformat(), "officer": each.officer, **shown}  # fmt: skip
        _say(json.dumps(row))
    return 0


async def _verify(deps: Deps, head: str) -> int:
    seen = await deps.disclosures.verify()
    faults = list(seen.faults)
    if head and head.lower() not in seen.hashes:
        faults.append(f"there is no entry with the hash {head}")
    for fault in faults:
        _say(fault)
    _say(f"{len(faults)} faults in {len(seen.entries)} entries" if faults else f"whole: {len(seen.entries)} entries")
    return 1 if faults else 0


async def _officer(deps: Deps, path: str) -> Identity:
    try:
        return await deps.identities.verify(_identity(path))
    except InvalidIdentity:
        raise InvalidIdentity(
            "the identity is older than a minute, for another service, or not auth's: "
            "`auth staff identity EMAIL --for mailer` makes a new one"
        ) from None


def _identity(path: str) -> str:
    return sys.stdin.readline(_LONGEST).strip() if path == "-" else _read(path)


def _key(given: str) -> str:
    return _read(given) if Path(given).is_file() else given


def _read(path: str) -> str:
    """What is no UTF-8 becomes signs that no address, key or identity has, and is refused as such."""
    if path == "-":
        return sys.stdin.read(_LONGEST).strip()
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        return file.read(_LONGEST).strip()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


DISCLOSURE = Command(
    "disclosure", "lawful disclosure of one person, by two officers", add_arguments=_arguments, run=_run
)
