"""Which parameters move a metric: shares of its variance over the configs of a sweep.

Over a full grid the shares are exact: main effects and interactions of all orders add up to one. Where combinations are
missing (conditions, filters, undefined metrics) parameters are no longer independent, one's share may hold some of
another's, and the answer says that it is not balanced.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.bars import FloatArray
from engine.sweep.filters import Filter
from engine.sweep.results import Results

MAX_PAIRED = 8  # parameters whose pairs are looked at: 28 pairs
NOTHING = 1e-24  # variance below this share of the squared mean is rounding


@dataclass(frozen=True)
class Effect:
    """One parameter. share: of the metric's variance, 0 to 1; direction: Spearman's rank correlation with the metric.

    direction is NaN for texts and truths, and where either does not vary.
    """

    param: str
    share: float
    direction: float
    n_values: int


@dataclass(frozen=True)
class Interaction:
    """Two parameters: the share of variance that only both together explain, 0 to 1."""

    first: str
    second: str
    share: float


@dataclass(frozen=True)
class Importance:
    """effects, interactions : largest share first; empty where the metric does not vary.

    n, n_undefined : configs with and without a value of the metric. n_left_out : parameters whose pairs were not
    looked at. is_balanced : every combination of the values is there once.
    """

    metric: str
    n: int
    n_undefined: int
    is_balanced: bool
    effects: tuple[Effect, ...]
    interactions: tuple[Interaction, ...]
    n_left_out: int = 0

    @property
    def rest(self) -> float:
        """The share that main effects and these interactions leave: higher orders. Not below 0."""
        told = sum(one.share for one in self.effects) + sum(one.share for one in self.interactions)
        return max(0.0, 1.0 - told)


def importance(results: Results, metric: str, filters: Sequence[Filter] = ()) -> Importance:
    """Shares of the variance of `metric` (a column such as metric.sharpe) over the configs that pass.

    First order, of a parameter: Var(E[y | x]) / Var(y). Pair: Var(E[y | x1, x2]) / Var(y) less both first orders.
    Each config counts alike; texts and truths are categories, and so are numbers. Infinite values are left out.

    Sobol' (1993), "Sensitivity Estimates for Nonlinear Mathematical Models", Mathematical Modelling and Computational
    Experiments 1(4); Hutter, Hoos & Leyton-Brown (2014), "An Efficient Approach for Assessing Hyperparameter
    Importance", ICML, from whom the use on configs (functional ANOVA) is; here of the results themselves, no model.
    """
    where, bound = results.where(filters)
    y = results.short(metric)
    held = f"FROM configs WHERE {where} AND isfinite({y})"
    n_all = results.count(filters)
    n, mean, variance, of_ranks = results.rows(_WHOLE.format(y=y, held=held), bound)[0]
    if n < 2 or not variance > NOTHING * mean * mean:
        return Importance(metric, n, n_all - n, False, (), ())
    effects = _effects(results, y, held, bound, variance, of_ranks)
    paired = [one.param for one in effects if one.n_values > 1]
    share = {one.param: one.share for one in effects}
    pairs = []
    for first, second in itertools.combinations(paired[:MAX_PAIRED], 2):
        together = _between(results, (first, second), y, held, bound) / variance
        pairs.append(Interaction(first, second, _share(together - share[first] - share[second])))
    pairs.sort(key=lambda one: -one.share)
    is_balanced = n == math.prod(one.n_values for one in effects)
    n_left_out = max(0, len(paired) - MAX_PAIRED)
    return Importance(metric, n, n_all - n, is_balanced, tuple(effects), tuple(pairs), n_left_out)


# Ties share their mean rank: the lowest (rank) and the highest (cume_dist) of them, from one sort.
_RANKED = "SELECT *, (rank() OVER (ORDER BY {y}) + cume_dist() OVER (ORDER BY {y}) * count(*) OVER ()) / 2 AS r {held}"
_WHOLE = f"SELECT count(*), avg({{y}}), var_pop({{y}}), var_pop(r) FROM ({_RANKED})"


def _effects(
    results: Results, y: str, held: str, bound: Sequence[Any], variance: float, of_ranks: float
) -> list[Effect]:
    """Main effects, largest first; of equal ones, that of the first parameter."""
    names = [results.short(column.name) for column in results.params]
    sets = ", ".join(f"({name})" for name in names)
    query = (
        f"SELECT {', '.join(names)}, count(*), avg({y}), avg(r) FROM ({_RANKED.format(y=y, held=held)}) "
        f"GROUP BY GROUPING SETS ({sets})"
    )
    rows = results.rows(query, bound)
    effects = []
    for k, column in enumerate(results.params):
        own = sorted((row for row in rows if row[k] is not None), key=lambda row: row[k])
        counts, means, ranks = np.array([row[-3:] for row in own], dtype=np.float64).T
        way = rank_correlation(counts, ranks, of_ranks) if column.is_numeric else math.nan
        effects.append(Effect(column.name, _share(between(counts, means) / variance), way, len(own)))
    return sorted(effects, key=lambda one: -one.share)


def _between(results: Results, by: Sequence[str], y: str, held: str, bound: Sequence[Any]) -> float:
    names = ", ".join(results.short(name) for name in by)
    counts, means = np.array(results.rows(f"SELECT count(*), avg({y}) {held} GROUP BY {names}", bound)).T
    return between(counts, means)


def _share(value: float) -> float:
    """Within 0..1: rounding, and parameters that are not independent, may lead a little out of it."""
    return min(1.0, max(0.0, value))


def between(counts: FloatArray, means: FloatArray) -> float:
    """Variance of the means of groups, each weighed by its size: Var(E[y | group]). float64 (n_groups,) both."""
    weights = counts / counts.sum()
    middle = float(weights @ means)
    return float(weights @ (means - middle) ** 2)


def rank_correlation(counts: FloatArray, mean_ranks: FloatArray, variance_of_ranks: float) -> float:
    """Spearman's rank correlation of a variable that takes few values, in order, with one whose ranks are known.

    counts, mean_ranks : float64 (n_values,), rows of each value and the mean rank of the other variable over them.
    Ties share their mean rank. NaN where either does not vary.

    Spearman (1904), "The Proof and Measurement of Association between Two Things", American Journal of Psychology 15.
    """
    n = counts.sum()
    ranks = np.cumsum(counts) - counts + (counts + 1.0) / 2.0
    weights, middle = counts / n, (n + 1.0) / 2.0
    spread = float(weights @ (ranks - middle) ** 2) * variance_of_ranks
    if not spread > 0.0:
        return math.nan
    together = float(weights @ ((ranks - middle) * (mean_ranks - middle)))
    return max(-1.0, min(1.0, together / math.sqrt(spread)))
