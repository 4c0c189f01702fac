from datetime import UTC, datetime

from shared.clock import in_millis


def test_moments_are_cut_to_what_the_database_keeps() -> None:
    exact = datetime(2026, 11, 27, 12, 0, 0, 627_960, tzinfo=UTC)

    assert in_millis(lambda: exact)() == exact.replace(microsecond=627_000)
