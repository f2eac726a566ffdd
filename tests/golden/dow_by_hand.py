"""Dow Regime Timing on SPY days worked out a second time: scores with `math` alone, money in exact decimals.

Nothing here comes from `engine`. A state is decided on a closed day and acted on at the next day's open.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.golden.by_hand import NEW_YORK, SHIPPED_COSTS, Row, Trade, closed, lines, whole

TREND, VOL, HISTORY, CONFIRM = 100, 20, 120, 3
ENTER, LEAVE, CALM, STRESSED = 0.5, -0.25, 0.5, 2.0


@dataclass(frozen=True)
class Scores:
    """Of one day: the trend against noise, and the volatility in deviations from its own past."""

    trend: float
    volatility: float


def daily_rows(path: Path) -> list[Row]:
    """Days of a US share: New York dates, dollars x 10,000; a day starts trading at 09:30."""
    rows = []
    for line in lines(path):
        stamp, opened, _, _, close, _ = line.split(",")
        local = dt.datetime.strptime(stamp[:8], "%Y%m%d").replace(hour=9, minute=30, tzinfo=NEW_YORK)
        price = Decimal(opened) / 10_000
        rows.append(Row(local.astimezone(dt.UTC), line, price, price, Decimal(close) / 10_000, local.date()))
    return rows


def deviation(values: Sequence[float]) -> float:
    """Standard deviation, ddof 0."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in values) / len(values))


def scores(rows: Sequence[Row]) -> list[Scores | None]:
    """None until both are warm: 20 returns for a volatility, 120 of these before the day."""
    close = [float(row.close) for row in rows]
    returns = [math.nan] + [math.log(b / a) for a, b in zip(close, close[1:], strict=False)]
    vols = [deviation(returns[i - VOL + 1 : i + 1]) if i >= VOL else math.nan for i in range(len(rows))]
    found: list[Scores | None] = []
    for i in range(len(rows)):
        if i < VOL + HISTORY:
            found.append(None)
            continue
        past = vols[i - HISTORY : i]
        noise = deviation(returns[i - TREND + 1 : i + 1]) * math.sqrt(TREND)
        volatility = (vols[i] - math.fsum(past) / HISTORY) / deviation(past)
        found.append(Scores(math.log(close[i] / close[i - TREND]) / noise, volatility))
    return found


def held_after(found: Sequence[Scores | None]) -> list[bool]:
    """Is the market rising, as decided on each day? Three days in a row must agree to change it."""
    held, state, wanted, n = [], 0, 0, 0
    for one in found:
        if one is not None:
            now = state
            if state and (one.trend * state < LEAVE or one.volatility > STRESSED):
                now = 0
            if not now and one.volatility <= CALM and abs(one.trend) >= ENTER:
                now = 1 if one.trend > 0 else -1
            n = 0 if now == state else n + 1 if now == wanted else 1
            wanted = now
            if n == CONFIRM:
                state, n = now, 0
        held.append(state == 1)
    return held


def trades_of(
    rows: Sequence[Row], paid: Mapping[dt.date, Decimal], cash: Decimal = Decimal(100_000)
) -> tuple[list[Trade], Decimal]:
    """All closed trades of SPY, and the cash after the last of them."""
    found: list[Trade] = []
    bought: tuple[Row, Row, Decimal] | None = None
    held = held_after(scores(rows))
    for i, signal in enumerate(rows[:-1]):
        filled = rows[i + 1]
        if held[i] and bought is None:
            price = filled.buys * (1 + SHIPPED_COSTS.slippage)
            payable = min(
                whole((cash - SHIPPED_COSTS.minimum) / price), whole(cash / (price + SHIPPED_COSTS.per_unit))
            )
            bought = signal, filled, min(whole(cash / signal.close), payable)
        elif not held[i] and bought is not None:
            found.append(closed(*bought, signal, filled, cash, SHIPPED_COSTS, paid))
            cash, bought = cash + found[-1].net, None
    return found, cash
