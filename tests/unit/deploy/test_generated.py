"""Tests that generate examples hold on a machine that is busy with something else."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_an_example_may_take_long() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_examples_are_still_many() -> None:
    seen: list[int] = []

    @given(st.integers())
    def collect(number: int) -> None:
        seen.append(number)

    collect()

    assert len(seen) >= 50
