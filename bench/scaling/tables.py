"""The tables of docs/scaling.md."""

from collections.abc import Sequence

from bench.scaling.growth import Figure, Figures
from bench.scaling.model import beyond, check

NOTHING_BYTES = 50_000
LATER = (10_000_000, 100_000_000)


def growth_table(figures: Figures, sizes: Sequence[int]) -> str:
    """Measured, what the smaller sizes say of the largest, and what all say of larger ones."""
    head = ["", *(f"{size:,}" for size in sizes), f"model for {sizes[-1]:,}", "error"]
    head += [f"model for {size:,}" for size in LATER]
    lines = [head, ["---"] * len(head)]
    lines += [_row(figure, values, sizes) for figure, values in figures.values.items() if not _is_flat(figure, values)]
    flat = [f"{figure.name}: {max(values.values()):g}" for figure, values in figures.values.items()
            if figure.unit == "" and _is_flat(figure, values)]  # fmt: skip
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\nAt every size: {'; '.join(flat)}."


def _is_flat(figure: Figure, values: dict[int, float]) -> bool:
    """Counts that are the same at every size, and indexes of what is not there."""
    if figure.unit == "bytes":
        return max(values.values()) < NOTHING_BYTES
    return figure.unit == "" and len(set(values.values())) == 1


def _row(figure: Figure, values: dict[int, float], sizes: Sequence[int]) -> list[str]:
    cells = [figure.name, *(shown(values[size], figure.unit) for size in sizes)]
    if figure.form is None:
        return [*cells, *("" for _ in (1, 2, *LATER))]
    found = check(values, figure.form)
    cells += [shown(found.expected, figure.unit), f"{found.error:+.0%}"] if found else ["", ""]
    if len(values) < 2:
        return [*cells, *("" for _ in LATER)]
    return [*cells, *(shown(value, figure.unit) for value in beyond(values, LATER, figure.form).values())]


def shown(value: float, unit: str) -> str:
    """With its unit, to three places at the most."""
    if unit == "bytes":
        for name in ("B", "kB", "MB", "GB"):
            if abs(value) < 1000:
                return f"{value:,.3g} {name}"
            value /= 1000
        return f"{value:,.3g} TB"
    if abs(value) >= 100:
        return f"{value:,.0f} {unit}".rstrip()
    return f"{value:.3g} {unit}".rstrip()
