"""Interest rates and dividends as a pricing date knew them, and what they make of the underlying.

Nothing here looks ahead: rates are the latest published on or before a day, dividends are those whose ex-day has come,
or what last year's would be if repeated. Which source serves which option: docs/decisions/092.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.core.errors import DataError
from engine.core.sessions import day_number

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAYS_A_YEAR = 365


@dataclass(frozen=True)
class RateHistory:
    """A rate by the day it was published. day: int64 (n,), days since 1970, rising. rate: float64 (n,), continuous."""

    name: str
    day: IntArray
    rate: FloatArray

    def on(self, day: ArrayLike) -> FloatArray:
        """The rate in force on each day (days since 1970): the last one published by then, NaN before the first."""
        row = np.searchsorted(self.day, np.asarray(day, np.int64), side="right") - 1
        return np.where(row >= 0, self.rate[np.maximum(row, 0)], np.nan)

    def over(self, first: int, last: int) -> RateHistory:
        """What is in force on first..last: the rate published last before them, and those within."""
        low = max(0, int(np.searchsorted(self.day, first, side="right")) - 1)
        high = int(np.searchsorted(self.day, last, side="right"))
        return RateHistory(self.name, self.day[low:high], self.rate[low:high])


@dataclass(frozen=True)
class DividendHistory:
    """Cash dividends and splits of one share, by their days (since 1970, rising).

    ex_day    : int64 (n,). amount: float64 (n,), dollars per share as it was traded then.
    split_day : int64 (m,), the first day of the new shares. ratio: float64 (m,), new shares for one old.
    """

    ex_day: IntArray
    amount: FloatArray
    split_day: IntArray
    ratio: FloatArray

    def per_share_of(self, day: int) -> FloatArray:
        """float64 (n,): the amounts per share as it trades on `day`; splits between do divide them."""
        between = (self.ex_day[:, None] < self.split_day) & (self.split_day <= day)
        return self.amount / np.prod(np.where(between, self.ratio, 1.0), axis=1)

    def expected(self, on: int, until: int) -> tuple[IntArray, FloatArray]:
        """(ex-days, amounts) that `on` expects in on+1..until, as `projected_dividends` does."""
        return projected_dividends(self.ex_day, self.per_share_of(on), on, until)

    def worth(self, on: int, until: int, rate: float) -> float:
        """What the dividends that `on` expects in on+1..until are worth on that day, per share; 0 without any."""
        days, amounts = self.expected(on, until)
        return present_value(amounts, (days - on) / DAYS_A_YEAR, (until - on) / DAYS_A_YEAR, rate)


def continuous(percent: ArrayLike) -> FloatArray:
    """A yearly rate in percent, compounded once a year, as a continuous fraction: 0.75 is ln(1.0075)."""
    return np.log1p(np.asarray(percent, np.float64) / 100.0)


def read_rates(path: Path) -> RateHistory:
    """A two-column CSV with a heading, ISO date and yearly rate in percent, such as LEAN's `interest-rate.csv`.

    Percent compounded once a year becomes continuous: 0.75 is ln(1.0075). DataError names the line at fault.
    """
    days: list[int] = []
    percents: list[float] = []
    name, lines = _lines(path)
    for line, row in lines:
        try:
            day, percent = day_number(dt.date.fromisoformat(row[0])), float(row[1])
        except (ValueError, IndexError):
            raise DataError(
                f"{path}, line {line}: {row} is no date and rate. Write 2014-06-09,0.75."
            ) from None
        if (days and day <= days[-1]) or not -20.0 < percent < 200.0:
            raise DataError(f"{path}, line {line}: dates must rise and rates lie in -20..200 percent.")
        days.append(day)
        percents.append(percent)
    if not days:
        raise DataError(f"{path}: no rates. Each line holds a date and a rate in percent: 2014-06-09,0.75.")
    return RateHistory(name, np.array(days, np.int64), continuous(percents))


def _lines(path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """(heading of the last column, (line number, cells) of the lines below)."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            name = (next(reader, None) or [path.stem])[-1]
            return name, [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: no CSV of rates ({error}). Save it as CSV UTF-8.") from None


def projected_dividends(
    ex_day: ArrayLike, amount: ArrayLike, on: int, until: int
) -> tuple[IntArray, FloatArray]:
    """(ex-days, amounts) expected in on+1..until: those of the year up to `on`, repeated year after year.

    ex_day : int (n,), days since 1970, of dividends. amount : float64 (n,), per share of today, splits adjusted.
    """
    days, cash = np.asarray(ex_day, np.int64), np.asarray(amount, np.float64)
    last_year = (days > on - DAYS_A_YEAR) & (days <= on)
    years = range(1, max(0, until - on) // DAYS_A_YEAR + 2)
    ahead = np.concatenate([days[last_year] + DAYS_A_YEAR * k for k in years])
    repeated = np.tile(cash[last_year], len(years))
    keep = np.argsort(ahead, kind="stable")
    keep = keep[ahead[keep] <= until]
    return ahead[keep], repeated[keep]


def present_value(amount: ArrayLike, ex_years: ArrayLike, years: float, rate: float) -> float:
    """Today's worth of the cash dividends that fall before expiry: 0 < ex_years <= years."""
    cash, at = np.asarray(amount, np.float64), np.asarray(ex_years, np.float64)
    due = (at > 0.0) & (at <= years)
    return float(np.sum(cash[due] * np.exp(-rate * at[due])))


def less_dividends(spot: float, amount: ArrayLike, ex_years: ArrayLike, years: float, rate: float) -> float:
    """The spot without the dividends a holder of the option will not get: what `pricing.bsm_price` takes, with yield 0.

    Price = BSM(S - PV(D)), the escrowed-dividend model (Roll 1977); the volatility is then that of S - PV(D).
    NaN if the dividends eat the spot.
    """
    left = spot - present_value(amount, ex_years, years, rate)
    return left if left > 0.0 else math.nan


def equivalent_yield(spot: float, amount: ArrayLike, ex_years: ArrayLike, years: float, rate: float) -> float:
    """The continuous yield with the same forward as the cash dividends: -ln(1 - PV(D) / S) / years; for `american`.

    It spreads a payment over the option's life, so early exercise around the ex-day itself is blurred: decision 092 has
    the error. NaN without time or if the dividends eat the spot.
    """
    return yield_of_cash(spot, present_value(amount, ex_years, years, rate), years)


def yield_of_cash(spot: float, worth: float, years: float) -> float:
    """`equivalent_yield` of dividends that are worth so much today. Plain, so that it can be compiled."""
    if not (years > 0.0 and worth < spot):
        return math.nan
    return 0.0 - math.log((spot - worth) / spot) / years


def forward_price(spot: float, years: float, rate: float, dividend_yield: float) -> float:
    """S exp((r - q) T)."""
    return spot * math.exp((rate - dividend_yield) * years)
