"""The bar lengths a spec may ask for."""

from __future__ import annotations

from typing import Literal, get_args

Timeframe = Literal["1min", "5min", "15min", "30min", "1h", "1D"]

TIMEFRAMES: tuple[Timeframe, ...] = get_args(Timeframe)

MINUTES: dict[str, int] = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "1h": 60, "1D": 1440}

NS_PER_MINUTE = 60_000_000_000
NS_PER_DAY = 86_400_000_000_000
