"""The market and the grid that Argus and its peers sweep: one seeded year of minutes, 1,000 SMA crossovers."""

from __future__ import annotations

import numpy as np

N_SESSIONS = 252
"""252 sessions of 390 minutes are 98,280 bars."""
FEES, SLIPPAGE, CASH = 0.00005, 0.00005, 100_000.0
STOP, TARGET, TRAIL = 0.004, 0.006, 0.004


def bars(seed: int = 1) -> dict[str, np.ndarray]:
    """open, high, low, close, float64 (98280,), on cents."""
    rng = np.random.default_rng(seed)
    n = N_SESSIONS * 390
    close = 400.0 * np.exp(np.cumsum(rng.standard_normal(n) * 0.0004))
    opens = np.concatenate([[400.0], close[:-1]])
    high = np.maximum(opens, close) * (1 + np.abs(rng.standard_normal(n)) * 0.00015)
    low = np.minimum(opens, close) * (1 - np.abs(rng.standard_normal(n)) * 0.00015)
    opens, close = np.round(opens, 2), np.round(close, 2)
    return {
        "open": opens,
        "high": np.maximum(np.round(high, 2), np.maximum(opens, close)),
        "low": np.minimum(np.round(low, 2), np.minimum(opens, close)),
        "close": close,
    }


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Fast and slow lengths of the 1,000 configs, int64 (1000,) each."""
    fast, slow = np.meshgrid(np.arange(5, 105, 4), np.linspace(120, 615, 40).astype(int), indexing="ij")
    return fast.ravel(), slow.ravel()


def exits_of(kind: str) -> dict[str, float]:
    """Exits of one kind of sweep as fractions: signals, stops or trailing."""
    return {
        "signals": {},
        "stops": {"stop": STOP, "target": TARGET},
        "trailing": {"trail": TRAIL, "target": TARGET},
    }[kind]
