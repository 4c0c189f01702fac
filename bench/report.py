"""Medians, the table, the JSON, and whether every target is met."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

LEAST_RATIO = 0.5
MOST_MEMORY_MB = 120.0


@dataclass(frozen=True)
class Metric:
    """What is measured. Rates are better when high, and times when low.

    `least_ratio`: ours to raw at the least. `most`: ours at the most, whatever the raw form does. Without either it is
    shown beside the others, and nothing is asked of it.
    """

    name: str
    unit: str
    least_ratio: float | None = LEAST_RATIO
    most: float | None = None

    @property
    def target(self) -> str:
        """As the table shows it."""
        if self.most is not None:
            return f"<= {self.most:g} {self.unit}"
        return "" if self.least_ratio is None else f">= {self.least_ratio:g}"

    def is_met(self, *, ours: float, ratio: float) -> bool:
        """Nothing measured meets no target."""
        if self.most is not None:
            return 0 < ours <= self.most
        return self.least_ratio is None or ratio >= self.least_ratio


def shown(name: str, unit: str) -> Metric:
    """What has no target of its own."""
    return Metric(name, unit, least_ratio=None)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    raw: float
    ours: float
    ratio: float
    target: str
    is_met: bool
    raw_rounds: list[float]
    ours_rounds: list[float]


@dataclass(frozen=True)
class Memory:
    """The largest process of a service after the load: auth has others beside it, in which it hashes."""

    process: str
    rss_mb: float
    is_ours: bool

    @property
    def most_mb(self) -> float:
        return MOST_MEMORY_MB

    @property
    def is_met(self) -> bool:
        return not self.is_ours or self.rss_mb <= self.most_mb


class Results:
    """What the rounds gave."""

    def __init__(self) -> None:
        self._values: dict[Metric, dict[str, list[float]]] = defaultdict(lambda: {"raw": [], "ours": []})
        self.memory: list[Memory] = []
        self.troubles: list[str] = []

    def add(self, side: str, metric: Metric, value: float) -> None:
        self._values[metric][side].append(value)

    def rows(self) -> list[Row]:
        return [_row(metric, sides["raw"], sides["ours"]) for metric, sides in self._values.items()]

    @property
    def is_met(self) -> bool:
        return not self.troubles and all(row.is_met for row in self.rows()) and all(m.is_met for m in self.memory)

    def save(self, path: Path, *, about: dict[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {
            **about,
            "is_met": self.is_met,
            "rows": [asdict(row) for row in self.rows()],
            "memory": [asdict(one) | {"is_met": one.is_met} for one in self.memory],
            "troubles": self.troubles,
        }
        path.write_text(json.dumps(document, indent=1) + "\n")


def _row(metric: Metric, raw: list[float], ours: list[float]) -> Row:
    raw_median, ours_median = (median(values) if values else 0.0 for values in (raw, ours))
    # Neighbouring rounds share whatever else the machine was doing: compare them with each other, not all with all.
    pairs = [mine / theirs for theirs, mine in zip(raw, ours, strict=True) if theirs]
    ratio = median(pairs) if pairs else 0.0
    return Row(
        name=metric.name,
        unit=metric.unit,
        raw=raw_median,
        ours=ours_median,
        ratio=ratio,
        target=metric.target,
        is_met=metric.is_met(ours=ours_median, ratio=ratio),
        raw_rounds=[round(value, 3) for value in raw],
        ours_rounds=[round(value, 3) for value in ours],
    )


def table(results: Results) -> str:
    """Both tables as text."""
    lines = [_line("", "", "raw", "ours", "ratio", "target", ""), "-" * 96]
    for row in results.rows():
        verdict = ("ok" if row.is_met else "MISSED") if row.target else ""
        lines.append(
            _line(row.name, row.unit, _figure(row.raw), _figure(row.ours), f"{row.ratio:.2f}", row.target, verdict)
        )
    lines += ["", _line("memory after the load", "", "", "MB", "", "target", ""), "-" * 96]
    for one in results.memory:
        target, verdict = (f"<= {one.most_mb:.0f}", "ok" if one.is_met else "MISSED") if one.is_ours else ("", "")
        lines.append(_line(one.process, "", "", f"{one.rss_mb:.0f}", "", target, verdict))
    lines += [f"trouble: {trouble}" for trouble in results.troubles]
    return "\n".join(lines)


def _line(name: str, unit: str, *cells: str) -> str:
    raw, ours, ratio, target, verdict = cells
    return f"{name:<46} {unit:<4} {raw:>9} {ours:>9} {ratio:>6} {target:>8} {verdict}".rstrip()


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
