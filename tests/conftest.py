"""For all tests: generated examples are judged by what they find, never by how long a busy machine takes for them."""

import gc
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from shared.lifecycle import COLLECT_AFTER
from tests.recording import Tried

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.sharing import Sharing

settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """The collector leaves what was loaded alone, as in a running service, and looks less often at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Sharing | None":
    """With `--dist loadfile` some files go to one worker together."""
    from tests.sharing import Sharing

    return Sharing(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Counts what a test has tried; kept with its result."""
    counted = 0

    def count(more: int) -> None:
        nonlocal counted
        counted += more
        request.node.user_properties[:] = [("tried", counted)]

    return count
