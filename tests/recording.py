"""How many cases a test has tried: what the table of `make audit` tells beside what was found."""

from collections.abc import Callable

Tried = Callable[[int], None]
"""Say that so many more cases were tried."""
