import math

import pytest

from bench.scaling.model import beyond, check, depth, fit, straight


def test_a_straight_line_is_found_and_carried_on() -> None:
    measured = {10_000: 4_000 + 10_000 * 700.0, 100_000: 4_000 + 100_000 * 700.0}

    line = fit(measured)

    assert line.each == pytest.approx(700)
    assert line.fixed == pytest.approx(4_000)
    assert beyond(measured, [10**8])[10**8] == pytest.approx(4_000 + 7e10)


def test_the_depth_of_a_tree_grows_by_as_much_for_each_power_of_ten() -> None:
    measured = {count: 2 + 0.5 * math.log10(count) for count in (10_000, 100_000)}

    assert beyond(measured, [10**6, 10**8], depth) == pytest.approx({10**6: 5.0, 10**8: 6.0})


def test_the_largest_size_is_predicted_from_the_others_alone() -> None:
    found = check({10_000: 10.0, 100_000: 100.0, 1_000_000: 800.0}, straight)

    assert found is not None
    assert (found.count, found.measured) == (1_000_000, 800.0)
    assert found.expected == pytest.approx(1000)
    assert found.error == pytest.approx(0.25)


def test_two_sizes_tell_no_error_and_one_no_line() -> None:
    assert check({10_000: 1.0, 100_000: 2.0}) is None
    with pytest.raises(ValueError, match="two sizes"):
        fit({10_000: 1.0})


def test_small_sizes_weigh_as_much_as_large_ones() -> None:
    """By absolute errors a million would drown what ten thousand say."""
    line = fit({10_000: 10.0, 100_000: 100.0, 1_000_000: 1_100.0})

    assert abs(line.at(10_000) - 10) / 10 < 0.1
