import json
from pathlib import Path

from bench.report import Memory, Metric, Results, shown, table

RATE = Metric("orders", "/s")
TIME = shown("orders, p99", "ms")
WAIT = Metric("orders, p99", "ms", most=25.0)


def results_of(metric: Metric, *, raw: list[float], ours: list[float]) -> Results:
    results = Results()
    for theirs, mine in zip(raw, ours, strict=True):
        results.add("raw", metric, theirs)
        results.add("ours", metric, mine)
    return results


def test_half_of_the_raw_rate_meets_the_target() -> None:
    assert results_of(RATE, raw=[100], ours=[50]).is_met
    assert not results_of(RATE, raw=[100], ours=[49]).is_met


def test_a_side_that_did_nothing_misses_the_target() -> None:
    assert not results_of(RATE, raw=[100], ours=[0]).is_met
    assert not results_of(RATE, raw=[0], ours=[100]).is_met


def test_neighbouring_rounds_are_compared_with_each_other() -> None:
    [row] = results_of(RATE, raw=[1000, 100, 10], ours=[600, 60, 6]).rows()

    assert row.ratio == 0.6


def test_a_time_has_no_target() -> None:
    assert results_of(TIME, raw=[10], ours=[90]).is_met


def test_a_metric_may_ask_for_more_than_half() -> None:
    hashing = Metric("logins", "/s", least_ratio=0.9)

    assert results_of(hashing, raw=[100], ours=[90]).is_met
    assert not results_of(hashing, raw=[100], ours=[89]).is_met


def test_a_time_with_a_limit_must_be_measured_and_below_it() -> None:
    assert results_of(WAIT, raw=[1], ours=[25]).is_met
    assert not results_of(WAIT, raw=[100], ours=[25.1]).is_met
    assert not results_of(WAIT, raw=[1], ours=[0]).is_met


def test_only_our_processes_have_a_memory_target() -> None:
    results = results_of(RATE, raw=[1], ours=[1])

    results.memory.append(Memory("raw orders", 300.0, is_ours=False))
    assert results.is_met
    results.memory.append(Memory("ours orders", 120.1, is_ours=True))
    assert not results.is_met


def test_trouble_is_a_miss_whatever_the_figures_say() -> None:
    results = results_of(RATE, raw=[1], ours=[1])

    results.troubles.append("ours newsletters: 2 for one")

    assert not results.is_met
    assert "trouble: ours newsletters: 2 for one" in table(results)


def test_the_figures_are_saved_with_their_verdict(tmp_path: Path) -> None:
    results_of(RATE, raw=[100], ours=[40]).save(tmp_path / "new" / "bench.json", about={"cores": 2})

    saved = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert (saved["cores"], saved["is_met"]) == (2, False)
    assert (saved["rows"][0]["name"], saved["rows"][0]["ratio"]) == ("orders", 0.4)
