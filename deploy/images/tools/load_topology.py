"""Give a broker its topology before a release: `python -m tools.load_topology --api URL --admin FILE [--users DIR]`.

Sends the definitions of `shared.topology` to RabbitMQ's management API, which adds what is missing and changes no
queue that is there. Repeating it changes nothing. Services need no right to declare anything.
"""

import argparse
import base64
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from shared import topology

PATIENCE_S = 60.0
_PAUSE_S = 1.0


def main(words: list[str]) -> int:
    """0 when the broker has everything; 1 with a line on the error output."""
    arguments = _parser().parse_args(words)
    users = read_users(arguments.users) if arguments.users else {}
    document = topology.definitions(users, vhost=arguments.vhost)
    password = arguments.admin.read_text().strip()
    tls = ssl.create_default_context(cafile=arguments.ca) if arguments.ca else None
    deadline = time.monotonic() + arguments.patience
    while True:
        try:
            send(arguments.api, document, password=password, tls=tls)
        except urllib.error.HTTPError as error:
            print(f"the broker refuses: {error.code} {error.read(500).decode(errors='replace')}", file=sys.stderr)
            return 1
        except OSError as error:  # not there yet: it may start at the same time as we do
            if time.monotonic() > deadline:
                print(f"the broker does not answer: {error}", file=sys.stderr)
                return 1
            time.sleep(_PAUSE_S)
        else:
            return 0


def read_users(folder: Path) -> dict[str, str]:
    """Passwords by service, from a file for each."""
    return {service: (folder / service).read_text().strip() for service in topology.SERVICES}


def send(api: str, document: object, *, password: str, tls: ssl.SSLContext | None = None, user: str = "admin") -> None:
    """Import definitions (RabbitMQ management API, POST /api/definitions).

    Raises:
        OSError: no answer; HTTPError, one of its kinds, when the broker refuses.
    """
    login = base64.b64encode(f"{quote(user)}:{password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    body = json.dumps(document).encode()
    request = urllib.request.Request(f"{api}/api/definitions", body, headers)  # noqa: S310 - the operator names it
    with urllib.request.urlopen(request, timeout=10, context=tls):  # noqa: S310
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="load_topology", description=__doc__)
    parser.add_argument("--api", required=True, help="the management API, such as http://rabbitmq:15672")
    parser.add_argument("--admin", type=Path, required=True, help="file with the password of the user admin")
    parser.add_argument("--users", type=Path, help="folder with a password for each service; without it, no users")
    parser.add_argument("--vhost", default="/")
    parser.add_argument("--ca", help="file with the authority that the API's certificate must come from")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds to wait for the broker")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
