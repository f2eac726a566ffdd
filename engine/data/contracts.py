"""What a row's contract means on a session: last day, settlement, multiplier, whether a split went through it, and
whether it has expired."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from engine.core.chains import AM, PM, Contracts
from engine.core.errors import DataError
from engine.core.option_roots import option_root
from engine.core.sessions import SessionTable, day_of
from engine.data.calendars import FIRST_YEAR, LAST_YEAR
from engine.data.calendars import sessions as sessions_of
from engine.data.partitions import session_date
from engine.data.schemas import ASK, BID, PRICES

LONGEST_LIFE_DAYS = 3 * 366 + 30  # of a listed option: LEAPS reach a little under three years
_LONGEST_CLOSURE_DAYS = 7  # from a session to the next: 11 to 17 September 2001
_STRIKE_GRID = 0.5  # exchanges list strikes on half dollars; divided by a split they lie off it

Split = tuple[dt.date, float]  # last date before, ratio


def contracts_of(
    table: pl.DataFrame, session: dt.date, splits: Sequence[Split]
) -> tuple[Contracts, np.ndarray]:
    """(contracts in the order of a chain, their rows in `table`), of those that have not expired before `session`.

    table : columns expiry (as listed), strike, is_call, root; each contract once.

    The last day is the last session on or before the listed date: monthly options were dated the Saturday after it
    until February 2015, and a holiday moves it forward. DataError where the calendar does not reach so far.
    """
    listed = table["expiry"].to_physical().to_numpy()
    calendar = _calendar(session.year, _last_year(table))
    at = np.searchsorted(calendar.date, listed, side="right") - 1
    last_day = calendar.date[at]
    roots = table["root"].to_list()
    told = {root: option_root(root) for root in set(roots)}
    rank = {root: i for i, root in enumerate(sorted(told))}
    strike, is_call = table["strike"].to_numpy(), table["is_call"].to_numpy()
    order = np.lexsort(([rank[root] for root in roots], is_call, strike, last_day))
    order = order[last_day[order] >= (session - dt.date(1970, 1, 1)).days]
    is_am = np.array([told[root].is_am for root in roots], dtype=np.bool_)[order]
    marked = np.array([told[root].is_adjusted for root in roots], dtype=np.bool_)[order]
    adjusted = marked | _split_through(strike[order], session, splits)
    multiplier = np.array([told[root].multiplier for root in roots], dtype=np.float64)[order]
    made = Contracts(
        last_day[order].astype(np.int32),
        strike[order].astype(np.float64),
        is_call[order].astype(np.bool_),
        np.where(is_am, AM, PM).astype(np.int8),
        np.where(is_am, calendar.open_ns[at[order]], calendar.close_ns[at[order]]).astype(np.int64),
        np.where(adjusted, multiplier * _shares_after(session, splits), multiplier),
        adjusted,
        tuple(roots[i] for i in order),
    )
    return made, order


def _split_through(strike: np.ndarray, session: dt.date, splits: Sequence[Split]) -> np.ndarray:
    """bool (k,): strikes that only a split can have made, in the years in which contracts from before it still live."""
    off_grid = np.abs(strike / _STRIKE_GRID - np.round(strike / _STRIKE_GRID)) > 1e-6
    return off_grid & bool(_recent(session, splits))


def _recent(session: dt.date, splits: Sequence[Split]) -> list[float]:
    """Ratios of the splits that contracts of a session may have gone through."""
    return [ratio for before, ratio in splits if 0 < (session - before).days <= LONGEST_LIFE_DAYS]


def _shares_after(session: dt.date, splits: Sequence[Split]) -> float:
    """What an adjusted contract delivers, in shares for one of before, as OCC adjusts for the only recent split.

    1 where there is none or several: a merger, a special dividend or a chain of splits is not told by the strike.
    """
    recent = _recent(session, splits)
    return carried(1.0, 1.0, recent[0]).multiplier if len(recent) == 1 else 1.0


@dataclass(frozen=True)
class Carried:
    """A contract after a split: its strike, what it delivers, and how many there are for one from before."""

    strike: float
    multiplier: float
    n_contracts: float


def carried(strike: float, multiplier: float, ratio: float) -> Carried:
    """A contract carried over a split of `ratio` new shares for one old, as OCC adjusts it.

    Whole ratios (7:1): the strike is divided and rounded to the cent, there are `ratio` times as many contracts. Other
    ratios (3:2): the strike is divided and the contract delivers more shares. Reverse splits: the strike stays and the
    contract delivers fewer. OCC By-Laws, Article VI, Section 11A.
    """
    if ratio < 1.0:
        return Carried(strike, multiplier * ratio, 1.0)
    if ratio == round(ratio):
        return Carried(round(strike / ratio, 2), multiplier, ratio)
    return Carried(round(strike / ratio, 2), multiplier * ratio, 1.0)


def expired_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a price of a session later than their contract's last moment of trade.

    rows : columns start, expiry (as listed), root, and prices. That moment is the close of the last day, of contracts
           that settle on the open the evening before. Minutes after the close of the last day lie outside of a session.
    """
    prices = [name for name in (*PRICES, *BID, *ASK) if name in rows.columns]
    priced = rows.filter(pl.any_horizontal(pl.col(prices).is_not_null()))
    days = priced.select(session_date("option")).to_series()
    late = days > priced["expiry"]  # a session on or before the listed date is on or before the last day
    at_open = [root for root in priced["root"].unique().to_list() if option_root(root).is_am]
    if at_open:
        known = days.unique().to_list()
        following = days.replace_strict(known, [_next_session(day) for day in known], return_dtype=pl.Date)
        late |= priced["root"].is_in(at_open) & (following > priced["expiry"])
    return priced.filter(late)


@lru_cache(maxsize=4096)
def _next_session(day: dt.date) -> dt.date:
    """The first session after a date; the next day in years that no calendar reaches."""
    tomorrow = day + dt.timedelta(days=1)
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        return tomorrow
    return day_of(sessions_of("XNYS", tomorrow, day + dt.timedelta(days=_LONGEST_CLOSURE_DAYS)).date[0])


def _last_year(table: pl.DataFrame) -> int:
    last = table["expiry"].max()
    return last.year if isinstance(last, dt.date) else dt.date.max.year


@lru_cache(maxsize=64)
def _calendar(first_year: int, last_year: int) -> SessionTable:
    """Sessions of whole years around contracts, from a little before the first."""
    table = sessions_of("XNYS", dt.date(first_year - 1, 12, 1), dt.date(last_year, 12, 31))
    if not len(table) or (dt.date(last_year, 12, 31) - day_of(table.date[-1])).days > _LONGEST_CLOSURE_DAYS:
        raise DataError(f"options that expire in {last_year}: the exchange's calendar does not reach so far.")
    return table
