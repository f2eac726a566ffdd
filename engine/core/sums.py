"""Money added one by one, in the order given."""

from __future__ import annotations

from collections.abc import Iterable


def running_sum(values: Iterable[float]) -> float:
    """0.0 and each value after the other, as kernels add.

    From Python 3.12 on the built-in `sum` makes up for rounding: a run would differ in its last bits from one version
    to the next, and from the compiled walk.
    """
    total = 0.0
    for value in values:
        total += value
    return total
