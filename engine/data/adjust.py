"""Splits, dividends and futures rolls: what changes prices without a trade.

All adjustment runs FORWARD: the first bar keeps its price and later bars are carried over, so that data that
arrives tomorrow never changes a value of today.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import numpy as np
import polars as pl

from engine.core.bars import BarSeries, FloatArray
from engine.core.contracts import contract_number, contract_of_number, front_contract
from engine.core.errors import DataError
from engine.core.sessions import Int32Array, SessionTable, day_number, day_of
from engine.core.settings import Settings
from engine.data.partitions import source_root

FACTOR_COLUMNS = ("date", "price_factor", "split_factor", "reference_price")


def factor_table(settings: Settings, source: str, symbol: str) -> pl.DataFrame | None:
    """LEAN's factor table of an equity (`market/<source>/factors/<symbol>.parquet`), by date, or None.

    A row holds on its date and before it, back to the row above: backward price and split factors, and the
    actual close of that date.
    """
    path = source_root(settings, source) / "factors" / f"{symbol}.parquet"
    if not path.is_file():
        return None
    try:
        table = pl.read_parquet(path)
        return table.select(FACTOR_COLUMNS).sort("date")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path}: unreadable factor table ({reason}). Delete it and import its source again."
        ) from error


def splits(factors: pl.DataFrame) -> list[tuple[dt.date, float]]:
    """(last date before, ratio) of each split, oldest first; ratio 7.0 for seven new shares for one.

    Factors have 7 digits, which makes 6.99999 of a 7:1 split: ratios within 1e-4 of a small fraction are that.
    """
    rows = factors.select("date", "split_factor").rows()
    found = []
    for (day, before), (_, after) in zip(rows, rows[1:], strict=False):
        ratio = after / before
        near = float(Fraction(ratio).limit_denominator(50))
        ratio = near if abs(ratio / near - 1.0) < 1e-4 else ratio
        if ratio != 1.0:
            found.append((day, ratio))
    return found


def dividends(factors: pl.DataFrame, sessions: SessionTable) -> list[tuple[dt.date, float]]:
    """(ex-date, cash per share) after the first of `sessions`, per share as it was traded then.

    price_factor(i) = price_factor(i+1) x (1 - dividend / close(i)), LEAN's formula solved for the dividend; the
    ex-date is the session after row i's date. Factors have 7 digits: amounts are good to 0.0001, and rounded so.
    """
    rows = factors.select("date", "price_factor", "reference_price").rows()
    found = []
    for (day, before, close), (_, after, _) in zip(rows, rows[1:], strict=False):
        amount = round(close * (1.0 - before / after), 4)
        at = int(np.searchsorted(sessions.date, day_number(day), side="right"))
        if amount > 0.0 and 0 < at < len(sessions):
            found.append((day_of(sessions.date[at]), amount))
    return found


def with_splits(series: BarSeries, factors: pl.DataFrame) -> BarSeries:
    """`series` with `split`: 1.0 at its first bar, multiplied by each split's ratio from the next session on."""
    by_session = np.ones(len(series.sessions))
    for day, ratio in splits(factors):
        after = int(np.searchsorted(series.sessions.date, day_number(day), side="right"))
        if after > 0:
            by_session[after:] *= ratio
    return replace(series, split=by_session[series.session])


# ---------------------------------------------------------------- futures


def front_numbers(root: str, sessions: SessionTable) -> Int32Array:
    """int32 (n_sessions,): number of the front contract of each session (docs/decisions/022-futures-roll.md)."""
    return np.array(
        [contract_number(front_contract(root, day_of(number))) for number in sessions.date], dtype=np.int32
    )


def roll_sessions(front: Int32Array) -> list[int]:
    """Indices of the sessions that open on another contract than the one before."""
    return [int(i) + 1 for i in np.flatnonzero(np.diff(front))]


def roll_prices(
    rows: pl.DataFrame, from_contract: str, to_contract: str, open_ns: int
) -> tuple[float, float] | None:
    """Closes of both contracts at the last bar before the roll session's open in which both traded, or None.

    rows : one root's bars with start, contract, close.
    """
    before = rows.filter(pl.col("start").to_physical() < open_ns)
    old = before.filter(pl.col("contract") == from_contract).select("start", from_close="close")
    new = before.filter(pl.col("contract") == to_contract).select("start", to_close="close")
    both = old.join(new, on="start").sort("start").tail(1)
    return None if both.is_empty() else (both["from_close"][0], both["to_close"][0])


def with_rolls(series: BarSeries, gaps: dict[int, float]) -> BarSeries:
    """`series` with `roll`: 0 on its first contract, less the gap (to - from) from each roll session on.

    gaps : by the roll session's date (days since 1970-01-01).
    """
    by_session: FloatArray = np.zeros(len(series.sessions))
    for date, gap in gaps.items():
        after = int(np.searchsorted(series.sessions.date, date))
        if after > 0:
            by_session[after:] -= gap
    return replace(series, roll=by_session[series.session])


def contract_names(root: str, front: Int32Array, at: int) -> tuple[str, str]:
    """Names of the contracts before and from session `at` on."""
    return contract_of_number(root, int(front[at - 1])), contract_of_number(root, int(front[at]))
