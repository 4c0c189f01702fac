"""A process loads its modules while the collector rests, and not longer."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import entry

MODULE = """
import gc
from services.auth.service import SERVICE
was_collecting = gc.isenabled()
"""


@pytest.fixture(autouse=True)
def _collector_as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_the_collector_waits_until_everything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_service_to_load.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["service", "version"])

    status = entry.run("a_service_to_load")

    assert status == 0
    assert sys.modules.pop("a_service_to_load").was_collecting is False
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
