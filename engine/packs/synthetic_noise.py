"""Random numbers with the habits of returns, for every maker of made-up prices."""

from __future__ import annotations

import numpy as np

from engine.core.bars import FloatArray


def tails(rng: np.random.Generator, n: int) -> FloatArray:
    """(n,) numbers of unit variance with the tails of returns: Student's t with five degrees of freedom."""
    return rng.standard_t(5, n) / np.sqrt(5.0 / 3.0)


def clusters(rng: np.random.Generator, n: int) -> FloatArray:
    """(n,) slow waves of liveliness inside a session: exp of an AR(1) with a half-life of 25 minutes."""
    decay = 0.5 ** (1.0 / 25.0)
    shocks = rng.standard_normal(n) * 0.35 * np.sqrt(1.0 - decay**2)
    wave = np.empty(n)
    level = 0.35 * rng.standard_normal()
    for i in range(n):
        level = decay * level + shocks[i]
        wave[i] = level
    return np.exp(wave)


def unit_mean_square(values: FloatArray) -> FloatArray:
    """The same shape with a mean square of 1: a share of a day's variance for each minute."""
    return values / np.sqrt(np.mean(values**2))
