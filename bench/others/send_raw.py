"""A file's lines to warranty's queue, as the raw relay publishes events: `python -m bench.others.send_raw FILE`."""

import json
import sys
from pathlib import Path

from bench.raw_parts import Publisher, run


async def main() -> None:
    publisher = await Publisher.open()
    lines = Path(sys.argv[1]).read_bytes().splitlines()
    for first in range(0, len(lines), 500):
        events = [(json.loads(line), line) for line in lines[first : first + 500]]
        await publisher.publish([{"id": event["id"], "type": event["type"], "body": line} for event, line in events])


if __name__ == "__main__":
    run(main())
