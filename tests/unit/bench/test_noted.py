import asyncio
import json
import threading
import time
from pathlib import Path

from bench.noted import Notes, noting


async def test_an_event_is_noted_before_the_relay_has_it_and_still_gets_there(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []
    notes = Notes(tmp_path / "acknowledged")
    begun = time.time()
    threading.Thread(target=notes.keep, daemon=True).start()

    noting(lambda *arguments: told.append(arguments), notes, place=1)("relay", "order-1", ["event"])

    [noted] = await rows(tmp_path / "acknowledged")
    assert told == [("relay", "order-1", ["event"])]
    assert noted[0] == "order-1"
    assert begun <= noted[1] <= time.time()


async def rows(file: Path) -> list[list[object]]:
    async with asyncio.timeout(10):
        while not (text := file.read_text() if file.exists() else ""):
            await asyncio.sleep(0.05)
    return [json.loads(line) for line in text.splitlines()]
