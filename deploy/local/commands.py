"""Command line: `up`, `down`, `status` and the less common ones."""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path

from deploy.local.layout import Layout
from deploy.local.programs import MissingProgram


def main(words: list[str]) -> int:
    """Run one command; its exit status."""
    arguments = _parser().parse_args(words)
    try:
        return int(_COMMANDS[arguments.command](arguments))
    except MissingProgram as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted; `make status` tells what runs, `make down` stops it", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Padlock's stack on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start whatever does not run, wait until it is ready, show the addresses")
    commands.add_parser("down", help="stop everything").add_argument(
        "--clean", action="store_true", help="remove .local with all data and keys, too"
    )
    commands.add_parser("status", help="what runs, since when, and whether it is ready")
    commands.add_parser("restart", help="end parts; the supervisor starts them again").add_argument("part", nargs="+")
    saving = commands.add_parser("backup", help="every database as of one moment, while everything goes on")
    saving.add_argument("folder", type=Path)
    saving.add_argument("--only", choices=("data", "keys"), default="", help="one part alone")
    loading = commands.add_parser("restore", help="fill the databases of a stack that is down and empty")
    loading.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    loading.add_argument("--keys", type=Path, required=True, metavar="FOLDER", help="the newest there is")
    own = commands.add_parser("run", help="a service's own command, with its environment: run orders dead list")
    own.add_argument("service")
    own.add_argument("words", nargs=argparse.REMAINDER, metavar="command")
    metrics = commands.add_parser("metrics", help="what the services say of themselves now")
    metrics.add_argument("pattern", nargs="?", default="^padlock_", help="a regular expression")
    maintenance = commands.add_parser("maintenance", help="close the shop with a page that says so, or open it again")
    maintenance.add_argument("wanted", choices=("on", "off"))
    commands.add_parser("renew-certificate", help="a new certificate for the gateway, taken without a pause")
    signing = commands.add_parser("dkim", help="the next keys that mails are signed with")
    signing.add_argument("wanted", choices=("next", "use"), help="make them and print their DNS records; sign by them")
    topology = commands.add_parser("topology", help="declare exchanges, queues and bindings on a broker")
    topology.add_argument("--url", default=os.environ.get("AMQP_URL"), help="the broker; default: $AMQP_URL")
    commands.add_parser("testbed", help="start a database and a broker for tests; prints what to export")
    commands.add_parser("testbed-down", help="stop them")
    commands.add_parser("supervise", help="(what `up` starts)")
    commands.add_parser("supervise-testbed", help="(what `testbed` starts)")
    return parser


def _up(_: argparse.Namespace) -> int:
    from deploy.local.up import up

    return up(Layout.of_checkout(), os.environ)


def _down(arguments: argparse.Namespace) -> int:
    from deploy.local.down import down

    layout = Layout.of_checkout()
    down(layout)
    if arguments.clean:
        shutil.rmtree(layout.base, ignore_errors=True)
        print("removed .local")
    return 0


def _status(_: argparse.Namespace) -> int:
    from deploy.local.status import status

    return status(Layout.of_checkout())


def _restart(arguments: argparse.Namespace) -> int:
    from deploy.local.status import restart

    return restart(Layout.of_checkout(), arguments.part)


def _backup(arguments: argparse.Namespace) -> int:
    from deploy.local.restore import back_up

    return back_up(Layout.of_checkout(), arguments.folder, only=arguments.only)


def _restore(arguments: argparse.Namespace) -> int:
    from deploy.local.restore import restore

    return restore(Layout.of_checkout(), arguments.data, arguments.keys)


def _run(arguments: argparse.Namespace) -> int:
    from deploy.local.service_command import run

    return run(Layout.of_checkout(), arguments.service, arguments.words)


def _metrics(arguments: argparse.Namespace) -> int:
    from deploy.local.metrics import show

    return show(Layout.of_checkout(), arguments.pattern)


def _maintenance(arguments: argparse.Namespace) -> int:
    from deploy.local.gateway import close, reopen

    (close if arguments.wanted == "on" else reopen)(Layout.of_checkout().nginx)
    return 0


def _renew_certificate(_: argparse.Namespace) -> int:
    from deploy.local.status import renew_certificate

    return renew_certificate(Layout.of_checkout())


def _dkim(arguments: argparse.Namespace) -> int:
    from deploy.local.dkim import make_next, use_next

    return (make_next if arguments.wanted == "next" else use_next)(Layout.of_checkout())


def _topology(arguments: argparse.Namespace) -> int:
    from deploy.local.rabbitmq import declare_topology

    if not arguments.url:
        print("which broker? give --url or set AMQP_URL", file=sys.stderr)
        return 2
    asyncio.run(declare_topology(arguments.url))
    print("exchanges, queues and bindings are declared")
    return 0


def _testbed(_: argparse.Namespace) -> int:
    from deploy.local.testbed import testbed_up

    return testbed_up(Layout.of_checkout())


def _testbed_down(_: argparse.Namespace) -> int:
    from deploy.local.testbed import testbed_down

    return testbed_down(Layout.of_checkout())


def _supervise(_: argparse.Namespace) -> int:
    from deploy.local.supervise import supervise

    return supervise(Layout.of_checkout(), os.environ)


def _supervise_testbed(_: argparse.Namespace) -> int:
    from deploy.local.testbed import supervise_testbed

    return supervise_testbed(Layout.of_checkout())


_COMMANDS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "restart": _restart,
    "backup": _backup,
    "restore": _restore,
    "run": _run,
    "metrics": _metrics,
    "maintenance": _maintenance,
    "renew-certificate": _renew_certificate,
    "dkim": _dkim,
    "topology": _topology,
    "testbed": _testbed,
    "testbed-down": _testbed_down,
    "supervise": _supervise,
    "supervise-testbed": _supervise_testbed,
}
