"""The model behind docs/scaling.md: two sizes are measured, a larger one is predicted, and a third tells the error.

Bytes grow in a straight line, for each document adds its own and its entries; times grow with the depth of a tree.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Form = Callable[[float], float]


def straight(count: float) -> float:
    """For what each document adds as much to."""
    return count


def depth(count: float) -> float:
    """For what a B-tree of so many entries is walked down for: it is a level deeper when it has many times as many."""
    return math.log10(max(count, 1.0))


@dataclass(frozen=True, slots=True)
class Line:
    """`fixed + each * form(count)`."""

    fixed: float
    each: float
    form: Form = straight

    def at(self, count: float) -> float:
        """What is expected of so many."""
        return self.fixed + self.each * self.form(count)


def fit(measured: Mapping[int, float], form: Form = straight) -> Line:
    """The line of least squares of the relative errors: a tenth too much weighs the same at every size.

    Raises:
        ValueError: fewer than two sizes.
    """
    if len(measured) < 2:
        raise ValueError("a line needs two sizes at the least")
    weights = {count: 1 / max(abs(value), 1e-12) ** 2 for count, value in measured.items()}
    total = sum(weights.values())
    mean_x = sum(weight * form(count) for count, weight in weights.items()) / total
    mean_y = sum(weight * measured[count] for count, weight in weights.items()) / total
    spread = sum(weight * (form(count) - mean_x) ** 2 for count, weight in weights.items())
    slope = sum(w * (form(count) - mean_x) * (measured[count] - mean_y) for count, w in weights.items()) / spread
    return Line(mean_y - slope * mean_x, slope, form)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the sizes before it say of the last one that was measured."""

    count: int
    expected: float
    measured: float

    @property
    def error(self) -> float:
        """Relative: 0.1 where the model says a tenth too much."""
        return (self.expected - self.measured) / self.measured if self.measured else 0.0


def check(measured: Mapping[int, float], form: Form = straight) -> Prediction | None:
    """Fit all sizes but the largest, and predict it; None where fewer than three were measured."""
    *earlier, last = sorted(measured)
    if len(earlier) < 2:
        return None
    line = fit({count: measured[count] for count in earlier}, form)
    return Prediction(last, line.at(last), measured[last])


def beyond(measured: Mapping[int, float], counts: Sequence[int], form: Form = straight) -> dict[int, float]:
    """What all measured sizes together say of others."""
    line = fit(measured, form)
    return {count: line.at(count) for count in counts}
