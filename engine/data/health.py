"""Is a series fit for use? Rows that are remarkable, what lacks, and a verdict with its reasons.

A verdict speaks of what is there, never of its age: history that ends in 2014 is as good as it was. Which shares make
which verdict: docs/decisions/119.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from engine.core.instruments import instrument
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data import quality, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.catalog import Series
from engine.data.chain_coverage import ChainCoverage, chain_coverage
from engine.data.coverage import Coverage, Gap, span_of, survey
from engine.data.schemas import PRICES

GOOD, WATCH, BAD = "good", "watch", "bad"
FLAGS = ("one_sided", "crossed", "zero", "stale", "out_of_session", "expired")
STILL_ROWS = 30  # rows in a row at one price: a feed that stands still

# finding -> share above which it is to be watched, and above which it is bad
LIMITS = {
    "sessions without a row": (0.0, 0.20),
    "scheduled bars without a row": (0.05, 0.50),
    "rows with a bid above the ask": (0.005, 0.05),
    "rows of one side": (0.60, 0.95),
    "rows after their contract's last day": (0.005, 0.05),
    "rows at a price that stands still": (0.05, 0.50),
    "contracts' bars without a standing quote": (0.60, 0.98),
}


@dataclass(frozen=True)
class Health:
    """What one series is like on session dates first..last.

    age_sessions : sessions of its calendar that have closed since `last`.
    n_quotes     : rows that could bring bid and ask; without them, flags of sides say nothing.
    share   : of chains with quotes, contracts' bars with a standing quote; else scheduled bars with a row. NaN: none.
    n_gaps  : stretches of scheduled bars without a row; longest_gap in bars. Of chains: sessions without a row.
    flags   : rows by FLAGS. zero: a volume, bid or ask of 0. stale: of chains, contracts' bars in which a side is older
              than five minutes; of bars, rows at a price that did not move for STILL_ROWS rows.
              expired: of chains, rows after their contract's last day.
    reasons : what makes the verdict, the worst first; empty where all is good.
    """

    source: str
    symbol: str
    kind: str
    timeframe: str
    first: dt.date
    last: dt.date
    age_sessions: int
    n_sessions: int
    n_sessions_with_rows: int
    n_rows: int
    n_quotes: int
    share: float
    n_gaps: int
    longest_gap: int
    flags: dict[str, int]
    verdict: str
    reasons: tuple[str, ...]


def health(
    settings: Settings,
    one: Series,
    today: dt.date,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Health:
    """Health over session dates first..last, by default of all that is there.

    one : a series of bars, or one of a chain (`chain_coverage.chains_of`). today: sessions before it have closed.
    DataError where no calendar is known for it or the dates hold no session.
    """
    if one.kind == "option":
        return _of_chain(chain_coverage(settings, one, first, last), one, today)
    found, gaps = survey(settings, one.source, one.symbol, one.timeframe, first, last, one.kind)
    return _of_bars(found, gaps, bar_flags(settings, one, found.first, found.last), one, today)


def age_in_sessions(one: Series, today: dt.date) -> int:
    """Sessions of its calendar after the last row's and before `today`."""
    _, last = span_of(one)
    if last >= today:
        return 0
    calendar = instrument(one.symbol, one.kind).calendar
    after = sessions_of(calendar, last + dt.timedelta(days=1), today - dt.timedelta(days=1))
    return len(after)


# ---------------------------------------------------------------- bars


def bar_flags(settings: Settings, one: Series, first: dt.date, last: dt.date) -> Counter[str]:
    """Flags that bars tell, over rows of first..last and of the quotes beside them; a year in memory at a time."""
    told: Counter[str] = Counter()
    for begin, end in _years(first, last):
        for quotes in (False, True) if one.kind == "equity" else (False,):
            rows = readers.read_rows(
                settings, one.source, one.symbol, one.kind, one.timeframe, begin, end, quotes=quotes
            )
            told["rows"] += 0 if quotes else len(rows)
            told["quotes"] += len(rows) if quotes or "bid_open" in rows.columns else 0
            told.update(_flags_of(rows))
    return told


def _years(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    for year in range(first.year, last.year + 1):
        yield max(first, dt.date(year, 1, 1)), min(last, dt.date(year, 12, 31))


def _flags_of(rows: pl.DataFrame) -> dict[str, int]:
    """Counts of remarkable rows of one series."""
    if rows.is_empty():
        return {}
    counts: dict[str, pl.Expr] = {}
    if "bid_open" in rows.columns:
        known = quality.quote_flags()
        counts |= {name: known[name].sum() for name in ("one_sided", "crossed")}
        counts["zero"] = quality.zero_quote().sum()
    if "close" in rows.columns:
        zero = (pl.col("volume") == 0).fill_null(False).sum()
        counts["zero"] = counts["zero"] + zero if "zero" in counts else zero
        # a price that moves inside a bar is no feed that stands still
        moved = (pl.col("close") != pl.col("close").shift(1)).fill_null(True) | (
            pl.max_horizontal(*PRICES) > pl.min_horizontal(*PRICES)
        )
        stretch = moved.cum_sum()
        counts["stale"] = (pl.len().over(stretch) >= STILL_ROWS).sum()
    by = [name for name in ("contract", "start") if name in rows.columns]
    told = rows.sort(by).select(**counts).row(0, named=True)
    return {name: int(n) for name, n in told.items()}


def _of_bars(found: Coverage, gaps: list[Gap], told: Counter[str], one: Series, today: dt.date) -> Health:
    flags = {name: told[name] for name in FLAGS} | {"out_of_session": found.outside_rows}
    missing = found.n_sessions - found.n_sessions_with_rows
    shares = {
        "sessions without a row": _share(missing, found.n_sessions),
        "scheduled bars without a row": 1.0 - found.share,
        "rows with a bid above the ask": _share(told["crossed"], told["quotes"]),
        "rows of one side": _share(told["one_sided"], told["quotes"]),
        "rows at a price that stands still": _share(told["stale"], told["rows"]),
    }
    verdict, reasons = judge(shares, none_fits=not found.n_rows)
    return Health(
        one.source, one.symbol, one.kind, one.timeframe, found.first, found.last, age_in_sessions(one, today),
        found.n_sessions, found.n_sessions_with_rows, found.n_rows, told["quotes"], found.share, len(gaps),
        max((gap.n_bars for gap in gaps), default=0), flags, verdict, reasons,
    )  # fmt: skip


# ---------------------------------------------------------------- chains


def _of_chain(found: ChainCoverage, one: Series, today: dt.date) -> Health:
    n_quotes, n_cells = int(found.quotes.sum()), int(found.cells.sum())
    flags = {name: int(found.flags[name].sum()) for name in ("one_sided", "crossed")}
    flags["zero"] = int(found.flags["zero"].sum())
    flags |= {"stale": int(found.stale.sum()), "out_of_session": int(found.outside.sum())}
    flags["expired"] = int(found.expired.sum())
    n_rows = n_quotes + int(found.trades.sum())
    missing = found.n_sessions - found.n_sessions_with_rows
    standing = found.standing_share
    shares = {
        "sessions without a row": _share(missing, found.n_sessions),
        "rows with a bid above the ask": _share(flags["crossed"], n_quotes),
        "rows of one side": _share(flags["one_sided"], n_quotes),
        "rows after their contract's last day": _share(flags["expired"], n_rows),
        "contracts' bars without a standing quote": math.nan if math.isnan(standing) else 1.0 - standing,
    }
    verdict, reasons = judge(shares, none_fits=not n_cells)
    if not n_rows:
        verdict, reasons = (
            WATCH,
            ("neither quotes nor trades: what is there, such as open interest, cannot be traded",),
        )
    share = standing if n_quotes else _share(int(found.bars.sum()), int(found.expected.sum()))
    return Health(
        found.source, found.symbol, "option", found.timeframe, day_of(found.date[0]), day_of(found.date[-1]),
        age_in_sessions(one, today), found.n_sessions, found.n_sessions_with_rows,
        n_rows, n_quotes, share, *_session_gaps(found), flags, verdict, reasons,
    )  # fmt: skip


def _session_gaps(found: ChainCoverage) -> tuple[int, int]:
    """(stretches of sessions without a row, the longest in bars)."""
    n_gaps = longest = running = 0
    for n_contracts, expected in zip(found.contracts, found.expected, strict=True):
        n_gaps += int(not n_contracts and not running)
        running = 0 if n_contracts else running + int(expected)
        longest = max(longest, running)
    return n_gaps, longest


# ---------------------------------------------------------------- the verdict


def judge(shares: dict[str, float], *, none_fits: bool = False) -> tuple[str, tuple[str, ...]]:
    """(verdict, reasons) of the shares of LIMITS, 0..1; an undefined one says nothing."""
    if none_fits:
        return BAD, ("no row has a place in a session of its calendar",)
    found = []
    for what, share in shares.items():
        watch, bad = LIMITS[what]
        if share > watch:  # false for NaN
            found.append((share > bad, share / bad, f"{_percent(share)} {what}"))
    found.sort(key=lambda one: (-one[0], -one[1]))
    if not found:
        return GOOD, ()
    return BAD if found[0][0] else WATCH, tuple(said for *_, said in found)


def _percent(share: float) -> str:
    """Two digits, so that little is not nothing; almost all is not all."""
    return f"{100.0 * share:.2g} %" if share < 0.99 else f"{math.floor(1000.0 * share) / 10.0:g} %"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
