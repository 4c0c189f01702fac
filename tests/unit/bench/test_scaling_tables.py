import pytest

from bench.scaling.growth import Figures
from bench.scaling.meter import Cost, Counters
from bench.scaling.tables import growth_table, shown


def counters(done: float, each: float) -> Counters:
    return Counters(done, each, each, each, each, each, each)


def test_a_cost_is_that_of_one_between_two_moments() -> None:
    cost = Cost.between("login", counters(10, 1.0), counters(30, 3.0))

    assert (cost.count, cost.service_ms, cost.journal_bytes) == (20, 100.0, 0.1)


def test_nothing_done_has_no_cost() -> None:
    with pytest.raises(ValueError, match="login: nothing was done"):
        Cost.between("login", counters(10, 1.0), counters(10, 2.0))


def test_a_row_has_what_was_measured_the_prediction_its_error_and_what_comes_later() -> None:
    figures = Figures()
    for size, value in ((10_000, 1e6), (100_000, 1e7), (1_000_000, 0.8e8)):
        figures.add("documents", "bytes", size, value)
        figures.add("by its id: documents read", "", size, 1)

    table = growth_table(figures, [10_000, 100_000, 1_000_000])

    [row] = [line for line in table.splitlines() if line.startswith("| documents")]
    assert row.startswith("| documents | 1 MB | 10 MB | 80 MB | 100 MB | +25% | ")
    assert table.endswith("At every size: by its id: documents read: 1.")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(999, "bytes", "999 B"), (1.5e9, "bytes", "1.5 GB"), (12_345.0, "/s", "12,345 /s"), (0.0123, "ms", "0.0123 ms")],
)
def test_figures_are_shown_with_their_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
