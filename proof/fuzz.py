"""`make fuzz`: schemathesis over the four published contracts, through the gateway, as guest, customer and each role.

No answer of the 500 class, none outside of its contract, no traceback in a log. It lives in an environment of its own
(`.local/fuzz`): what it brings would slow down every process that shares its packages.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.outside.shop import Shop
from deploy.outside.stack import Stack
from proof.environments import ROOT, installed

SERVICES = ("auth", "orders", "mailer", "warranty")
STAFF = ("support", "marketing", "fraud", "officer", "admin")
ASKERS = ("guest", "customer", *STAFF)
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDS = r"/api/auth/(session|sessions|me|password|mfa|passkeys|remember|email|accounts)(/|$)"
"""What would end the session in which it asks, or write mails to thousands: only asked as a guest."""
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


async def cookies_of(shop: Shop, asker: str) -> str:
    """The Cookie header of somebody who is logged in; "" of a guest."""
    if asker == "guest":
        return ""
    async with shop.browser() as browser:
        if asker == "customer":
            email = f"fuzz-{secrets.token_hex(6)}@example.org".translate(_LETTERS)
            password = "anything that fits the schema"  # noqa: S105 - of an invented person
            await shop.register(browser, email, "Fuzz", password)
            await shop.log_in(browser, email, password)
        else:
            await shop.log_in_staff(browser, asker)
        return "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies().items())


def fuzz(program: Path, shop: Shop, service: str, *, cookies: str, examples: int, seed: int) -> dict[str, Any]:
    """Run one contract as one asker; schemathesis' report."""
    folder = ROOT / ".local" / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    report, ca = folder / "fuzz.json", shop.stack.resolve(shop.stack.read()["ca"])
    report.unlink(missing_ok=True)
    command = [
        str(program), "run", f"{shop.gateway}/api/{service}/openapi.json", "-n", str(examples), "--seed", str(seed),
        "--phases", "coverage,fuzzing", "--checks", CHECKS, "--tls-verify", str(ca), "--no-shrink", "--warnings", "off",
        "--continue-on-failure", "--generation-database", "none", "--request-timeout", "25", "--suppress-health-check",
        "all", "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    if cookies:
        command += ["-H", f"Cookie: {cookies}", "--exclude-path-regex", ENDS]
    with (folder / f"fuzz-{service}.log").open("ab") as log:
        subprocess.run(command, check=False, cwd=folder, stdout=log, stderr=log)
    if not report.exists():
        raise RuntimeError(f"schemathesis did not run: see {folder}/fuzz-{service}.log")
    return dict(json.loads(report.read_text("utf-8")))


def told(report: dict[str, Any]) -> list[str]:
    """What a report has found, a line each."""
    found = [
        f"{failure['title']}: {operation}" for failure in report["failures"] for operation in failure["operations"]
    ]
    return found + [f"error: {json.dumps(error)[:200]}" for error in report["errors"]]


async def is_logged_in(shop: Shop, cookies: str) -> bool:
    """Whether these cookies still are somebody's: what was asked after a session's end, a guest has asked."""
    async with shop.browser() as browser:
        return (await browser.call("GET", "/api/auth/session", headers={"Cookie": cookies})).status == 200


def tracebacks(logs: Path) -> dict[str, int]:
    """How many there are in each log: as a service writes them (`shared.logs`), or as Python does."""
    signs = (b'"trace":[', b"Traceback (most recent call last)")
    return {path.name: sum(map(path.read_bytes().count, signs)) for path in logs.glob("*.log")}


def main(words: list[str]) -> int:
    """1 where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument(
        "--examples", type=int, default=10, help="cases for each operation and asker, beside boundaries"
    )
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--as", dest="askers", default=",".join(ASKERS))
    parser.add_argument("--services", default=",".join(SERVICES))
    parser.add_argument("--short", action="store_true", help="boundaries and a case for each operation, as support")
    given = parser.parse_args(words)
    if given.short:
        given.askers, given.examples = "support", 1
    program, shop = installed("fuzz") / "schemathesis", Shop(Stack.find(ROOT))
    cases, found = 0, 0
    logs = shop.stack.resolve(shop.stack.read()["logs"])
    before = tracebacks(logs)
    for asker in given.askers.split(","):
        cookies = asyncio.run(cookies_of(shop, asker))
        for service in given.services.split(","):
            report = fuzz(program, shop, service, cookies=cookies, examples=given.examples, seed=given.seed)
            lines = told(report)
            cases, found = cases + report["test_cases"]["generated"], found + len(lines)
            print(f"{asker:10} {service:9} {report['test_cases']['generated']:7,} cases  {len(lines)} found  "
                  f"{report['running_time']:.0f} s", *(f"\n    {line}" for line in lines), flush=True)  # fmt: skip
        if cookies and not asyncio.run(is_logged_in(shop, cookies)):
            found += 1
            print(f"{asker:10} was logged out meanwhile: what came after has proven nothing", flush=True)
    for name, count in tracebacks(logs).items():
        if count > before.get(name, 0):
            found += 1
            print(f"{name}: {count - before.get(name, 0)} tracebacks", flush=True)
    print(f"{cases:,} cases, {found} found; seed {given.seed}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
