"""A health check without a shell: `python -m tools.probe /livez` ends with 0 on a 200, else with 1 and a line.

`--listens PORT` only asks whether somebody takes connections. Standard library only, so that it starts in a moment.
"""

import argparse
import http.client
import os
import socket
import sys

HOST = "127.0.0.1"
PATIENCE_S = 4


def main(words: list[str]) -> int:
    """Ask this container's own process."""
    parser = argparse.ArgumentParser(prog="probe", description=__doc__)
    parser.add_argument("path", nargs="?", default="/livez", help="what to ask for on PADLOCK_HTTP_PORT")
    parser.add_argument("--listens", type=int, metavar="PORT", help="only look whether this port takes connections")
    arguments = parser.parse_args(words)
    try:
        problem = _listens(arguments.listens) if arguments.listens else _answers(arguments.path)
    except (OSError, http.client.HTTPException) as error:
        problem = type(error).__name__
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def _listens(port: int) -> str:
    with socket.create_connection((HOST, port), timeout=PATIENCE_S):
        return ""


def _answers(path: str) -> str:
    connection = http.client.HTTPConnection(HOST, int(os.environ["PADLOCK_HTTP_PORT"]), timeout=PATIENCE_S)
    connection.request("GET", path)
    response = connection.getresponse()
    return "" if response.status == 200 else f"{path} answers {response.status}: {response.read(500).decode()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
