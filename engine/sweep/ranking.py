"""The best configs of a sweep by one metric."""

from __future__ import annotations

import numpy as np

from engine.core.bars import FloatArray
from engine.core.errors import BadInput
from engine.core.spec_errors import closest
from engine.metrics.names import METRIC_NAMES

LOWER_IS_BETTER = ("volatility", "fees", "slippage")


def check_metric(name: str) -> str:
    """BadInput unless it names a metric."""
    if name not in METRIC_NAMES:
        near = closest(name, list(METRIC_NAMES))
        hint = f" Did you mean {near}?" if near else ""
        raise BadInput(f"--rank-by {name}: not a metric.{hint} Metrics: {', '.join(METRIC_NAMES)}.")
    return name


class Ranking:
    """The first `top` configs, fed in blocks of any order: best value first, ties by index, undefined last."""

    def __init__(self, metric: str, top: int) -> None:
        self.metric, self.top = check_metric(metric), top
        self._column = METRIC_NAMES.index(metric)
        self._sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
        self._index = np.empty(0, dtype=np.int64)
        self._metrics = np.empty((0, len(METRIC_NAMES)))

    def add(self, index: np.ndarray, metrics: FloatArray) -> None:
        """index int64 (n,), metrics float64 (n, 14)."""
        index = np.concatenate([self._index, index])
        metrics = np.concatenate([self._metrics, metrics])
        value = metrics[:, self._column] * self._sign  # NaN sorts last
        best = np.lexsort((index, value))[: self.top]
        self._index, self._metrics = index[best], metrics[best]

    def best(self) -> list[tuple[int, dict[str, float]]]:
        """(config index, metrics by name) in order of rank."""
        return [
            (int(i), dict(zip(METRIC_NAMES, row.tolist(), strict=True)))
            for i, row in zip(self._index, self._metrics, strict=True)
        ]
