"""For all tests: generated examples are judged by what they find, never by how long a busy machine takes for them."""

import pytest
from hypothesis import HealthCheck, settings

from tests.recording import Tried

settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Counts what a test has tried; kept with its result."""
    counted = 0

    def count(more: int) -> None:
        nonlocal counted
        counted += more
        request.node.user_properties[:] = [("tried", counted)]

    return count
