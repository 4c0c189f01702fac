"""`metrics [PATTERN]`: what the services say of themselves now, without a Prometheus at hand."""

import json
import re
import sys
import urllib.request
from urllib.error import URLError

from deploy.local.layout import Layout
from deploy.local.table import render

TIMEOUT_S = 5


def show(layout: Layout, pattern: str) -> int:
    """Print the samples whose name or labels match, by service; 1 where one does not answer or nothing matches."""
    try:
        services = json.loads(layout.stack_file.read_text())["services"]
        wanted = re.compile(pattern)
    except (FileNotFoundError, re.error) as error:
        print(f"no stack is up, or no pattern: {error}", file=sys.stderr)
        return 2
    rows: list[tuple[str, ...]] = []
    all_there = True
    for service, place in services.items():
        try:
            rows += [(service, *line.rsplit(" ", 1)) for line in _samples(place["url"]) if wanted.search(line)]
        except (URLError, TimeoutError, ConnectionError):
            print(f"{service} does not answer", file=sys.stderr)
            all_there = False
    if rows:
        print(render(("service", "metric", "value"), rows))
    return 0 if rows and all_there else 1


def _samples(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own address
        return [line for line in answer.read().decode().splitlines() if line and not line.startswith("#")]
