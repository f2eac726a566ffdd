"""Trade calls of a made-up signal service on the demo market's EURUSD and XAUUSD, as the CSV that it would send.

Each call is made of what was known when it was sent: the last minute's price, the day before, and how far a day went of
late. It knows nothing of what follows, and earns accordingly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.calls import MOST_TARGETS

HEADER = (
    "time",
    "symbol",
    "action",
    "entry",
    "stop",
    *(f"tp{n}" for n in range(1, MOST_TARGETS + 1)),
    "expires",
)
_SALT = 9_311  # the service's random numbers are others than the prices'
_CHANCE = 0.35  # of a call a session and symbol
_CLOSED = 0.25  # of the calls at the market
_FOLLOWS = 0.6  # the way of the day before
_KINDS, _SHARES = ("market", "range", "limit", "stop"), (0.4, 0.15, 0.25, 0.2)
_HOURS_OPEN = (0.38, 0.9)  # of the session: from London's morning to New York's afternoon
_TARGETS = np.array([0.6, 1.1, 1.7, 2.4, 3.2])  # of the risk
_STEP = {"EURUSD": 0.0001, "XAUUSD": 0.5}  # services round


def call_file(bars: Mapping[str, pl.DataFrame], seed: int) -> str:
    """The CSV of all calls on these minutes, by symbol, in order of time.

    bars : start, session_date, high, low, close; whole sessions. The first of them has no call, since nothing is known
    before it, the second always one. The same bars and seed give the same text; more sessions only add lines.
    """
    found = sorted(one for symbol in sorted(bars) for one in _calls(symbol, bars[symbol], seed))
    lines = [",".join(HEADER)] + [",".join((f"{at:%Y-%m-%d %H:%M:%S}Z", *cells)) for at, cells in found]
    return "\n".join(lines) + "\n"


Line = tuple[dt.datetime, tuple[str, ...]]


def _calls(symbol: str, bars: pl.DataFrame, seed: int) -> Iterator[Line]:
    """(time, the other cells) of each call on one symbol."""
    days = bars.group_by("session_date", maintain_order=True).agg(
        pl.len().alias("n"),
        (pl.col("high").max() - pl.col("low").min()).alias("span"),
        pl.col("close").last(),
    )
    ends = np.cumsum(days["n"].to_numpy())
    closes, starts = bars["close"].to_numpy(), bars["start"]
    for i in range(1, len(days)):
        day = days["session_date"][i]
        rng = np.random.default_rng([seed, day.toordinal(), _SALT, *symbol.encode()])
        if rng.random() > _CHANCE and i > 1:
            continue
        row = int(ends[i - 1] + rng.uniform(*_HOURS_OPEN) * days["n"][i])
        span = float(days["span"][max(0, i - 5) : i].mean())  # type: ignore[arg-type]
        is_up = closes[row] > days["close"][i - 1]
        side = (1 if is_up else -1) * (1 if rng.random() < _FOLLOWS else -1)
        kind = str(rng.choice(_KINDS, p=_SHARES))
        yield (
            _sent(starts, row, rng),
            (symbol, *_cells(rng, side, kind, float(closes[row]), span, _STEP[symbol])),
        )
        later = row + int(rng.integers(180, 1_200))
        if kind == "market" and rng.random() < _CLOSED and later < len(bars):
            yield _sent(starts, later, rng), (symbol, "CLOSE", *[""] * (len(HEADER) - 3))


def _sent(starts: pl.Series, row: int, rng: np.random.Generator) -> dt.datetime:
    """Some seconds after a minute's end, which is when its close is known."""
    found: dt.datetime = starts[row] + dt.timedelta(seconds=60 + int(rng.integers(1, 50)))
    return found


def _cells(
    rng: np.random.Generator, side: int, kind: str, price: float, span: float, step: float
) -> tuple[str, ...]:
    """action, entry, stop, targets and end of a call. span: from low to high of a usual day."""
    away = {"limit": -side, "stop": side}.get(kind, 0) * rng.uniform(0.1, 0.3) * span
    entry, risk = price + away, rng.uniform(0.35, 0.6) * span
    n = int(rng.integers(1, MOST_TARGETS + 1))
    targets = entry + side * risk * rng.uniform(0.9, 1.2) * _TARGETS[:n]
    reach = sorted((entry, entry - side * 0.1 * span))
    ends = str(rng.choice(["4h", "8h", "1d", ""])) if kind != "market" else ""
    word = ("BUY" if side > 0 else "SELL") + (f" {kind.upper()}" if kind in ("limit", "stop") else "")
    asked = (
        "-".join(_rounded(np.array(reach), step)) if kind == "range" else _rounded(np.array([entry]), step)[0]
    )
    stop = _rounded(np.array([entry - side * risk]), step)[0]
    return word, asked, stop, *_rounded(targets, step), *[""] * (MOST_TARGETS - n), ends


def _rounded(prices: FloatArray, step: float) -> list[str]:
    digits = 4 if step < 0.01 else 1
    return [f"{round(price / step) * step:.{digits}f}" for price in prices.tolist()]
