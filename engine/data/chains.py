"""Option chains out of the market store: rows laid dense, contract by scheduled bar, session by session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.chains import ChainSeries, ChainSession, PriceArray
from engine.core.errors import DataError
from engine.core.option_roots import LATE_MINUTES, trades_late
from engine.core.sessions import Int64Array, SessionTable, day_of, schedule
from engine.core.settings import Settings
from engine.core.timeframes import MINUTES, NS_PER_MINUTE
from engine.data import adjust, catalog
from engine.data.contracts import Split, contracts_of
from engine.data.layout import OUTSIDE, place
from engine.data.partitions import part_path, read_part, source_root
from engine.data.schemas import CONTRACT, dataset_name
from engine.data.staging import ensure_published

# arrays of a ChainSession -> columns of the store. A day's quotes are one snapshot: it opens and closes with it.
QUOTES = {"open_bid": "bid_open", "open_ask": "ask_open", "close_bid": "bid_close", "close_ask": "ask_close"}
SNAPSHOT = {
    "open_bid": "bid_close",
    "open_ask": "ask_close",
    "close_bid": "bid_close",
    "close_ask": "ask_close",
}
TRADES = {"open_trade": "open", "last_trade": "close", "volume": "volume"}


@dataclass(frozen=True)
class Limits:
    """Which contracts of a chain are wanted. None: all.

    max_days   : calendar days from the session to the last day at most.
    width_frac : strikes at most this share away from the prices of the underlying on the session. A contract that
                 was inside once stays until it expires, so that what was bought can be sold.
    """

    max_days: int | None = None
    width_frac: float | None = None


EVERYTHING = Limits()


@dataclass(frozen=True)
class ServedChain:
    """A chain, and how many of its rows no scheduled bar has a place for (before the open, after the close).

    late_rows : beside those, rows of the quarter of an hour that options on indices and broad ETFs trade after the
    close. Runs end with the stocks' close: their bars, marks and settlement do.
    """

    series: ChainSeries
    outside_rows: int
    late_rows: int = 0

    @property
    def note(self) -> str:
        """One line for a person."""
        one, held = self.series, self.series.by_session.values()
        each = sum(len(session.contracts) for session in held) / len(held)
        told = f"{len(held):,} of {len(one.sessions):,} sessions, {each:,.0f} contracts each"
        spread = "" if one.has_quotes else "; trades without quotes, so that the spread is a model's"
        cut = f"; {self.outside_rows:,} rows outside sessions left out" if self.outside_rows else ""
        late = f"; {self.late_rows:,} rows of the {LATE_MINUTES} minutes after the close left out"
        return f"{one.symbol} options {one.timeframe}: {told}{spread}{cut}{late if self.late_rows else ''}"


def stored_timeframes(settings: Settings, source: str, symbol: str) -> list[str]:
    """Timeframes that a source has rows of a chain of, finest first."""
    held = {s.timeframe for s in catalog.series(settings, source) if (s.symbol, s.kind) == (symbol, "option")}
    return sorted(held, key=MINUTES.__getitem__)


def read_chain(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    sessions: SessionTable,
    *,
    limits: Limits = EVERYTHING,
    spot: FloatArray | None = None,
) -> ServedChain | None:
    """The chain of an underlying over `sessions`; None where the source has no quote and no trade of it.

    timeframe : of the decisions. Rows of this length serve where they hold quotes or trades, else the finest that do:
                a chain is never built from shorter rows, since a decision at t asks what stands at t.
    spot      : float64 (n_sessions, 2), lowest and highest price of the underlying by session, NaN where unknown;
                where it is None, what the source itself tells of it. Without either, no strike is left out.
    """
    ensure_published(settings, source)
    stored = stored_timeframes(settings, source, symbol)
    for one in [timeframe] * (timeframe in stored) + [one for one in stored if one != timeframe]:
        reading = _Reading(settings, source, symbol, one, limits, _splits(settings, source, symbol))
        made = {
            i: session
            for i in range(len(sessions))
            if (session := reading.session(sessions, i, spot)) is not None
        }
        if made:
            chain = ChainSeries(symbol, one, source, sessions, _alike(made))
            return ServedChain(chain, reading.outside_rows, reading.late_rows)
    return None


def _splits(settings: Settings, source: str, symbol: str) -> list[Split]:
    factors = adjust.factor_table(settings, source, symbol)
    return [] if factors is None else adjust.splits(factors)


@dataclass
class _Reading:
    """One chain on its way out of the store, session after session."""

    settings: Settings
    source: str
    symbol: str
    timeframe: str
    limits: Limits
    splits: list[Split]
    outside_rows: int = 0
    late_rows: int = 0
    kept: pl.DataFrame | None = None  # contracts that were inside the limits on an earlier session

    def session(self, sessions: SessionTable, i: int, spot: FloatArray | None) -> ChainSession | None:
        """The chain on session i; None where the source has none."""
        day = day_of(sessions.date[i])
        table = sessions.between(day, day)
        days = self._day_rows(day)
        parts = self._parts(day, days)
        placed = [one for rows, columns in parts if (one := self._placed(rows, columns, table)) is not None]
        if not placed:
            return None
        listed = pl.concat([one.contracts for one in placed]).unique(CONTRACT, maintain_order=True)
        listed = self._wanted(listed, day, _prices(spot, i, days))
        contracts, order = contracts_of(listed, day, self.splits)
        if not len(contracts):
            return None
        names = listed[order].with_row_index("at")
        start = schedule(table, self.timeframe).start
        arrays: dict[str, PriceArray] = {}
        for one in placed:
            arrays |= one.laid(names, len(start), self.symbol)
        return ChainSession(
            i,
            start,
            contracts,
            **{name: arrays.get(name) for name in QUOTES},
            **{name: arrays.get(name) for name in TRADES},
            open_interest=_of_contracts(days, names, "open_interest"),
            underlying=_underlying(days) if self.timeframe == "1D" else None,
        )

    def _parts(self, day: dt.date, days: pl.DataFrame | None) -> list[tuple[pl.DataFrame, Mapping[str, str]]]:
        """Rows of the day and which of their columns become which arrays."""
        if self.timeframe == "1D":
            return [] if days is None else [(days, SNAPSHOT), (days, TRADES)]
        found = [
            (self._rows(self.timeframe, day, columns, quotes=quotes), columns)
            for columns, quotes in ((QUOTES, True), (TRADES, False))
        ]
        return [(rows, columns) for rows, columns in found if rows is not None]

    def _day_rows(self, day: dt.date) -> pl.DataFrame | None:
        told = ("open_interest", "underlying")
        columns = {name: name for name in (*SNAPSHOT.values(), *TRADES.values(), *told)}
        return self._rows("1D", day, columns, quotes=False)

    def _rows(
        self, timeframe: str, day: dt.date, columns: Mapping[str, str], *, quotes: bool
    ) -> pl.DataFrame | None:
        dataset = dataset_name("option", timeframe, quotes=quotes)
        path = source_root(self.settings, self.source) / part_path(dataset, str(day))
        if not path.exists():
            return None
        wanted = [*CONTRACT, "start", *dict.fromkeys(columns.values())]
        rows = read_part(path, dataset, [self.symbol], columns=wanted)
        return rows if len(rows) else None

    def _placed(self, rows: pl.DataFrame, columns: Mapping[str, str], table: SessionTable) -> _Placed | None:
        """Rows that have a place on the session and something in `columns`."""
        rows = rows.filter(
            pl.any_horizontal(pl.col(name).is_not_null() for name in dict.fromkeys(columns.values()))
        )
        if rows.is_empty():
            return None
        start = rows["start"].to_physical().to_numpy()
        at = place(start, table, self.timeframe, schedule(table, self.timeframe))
        inside = at != OUTSIDE
        late = self._late(start, table) & ~inside
        self.late_rows += int(late.sum())
        self.outside_rows += int((~inside & ~late).sum())
        rows = rows.filter(pl.Series(inside))
        return _Placed(rows, at[inside], columns) if len(rows) else None

    def _late(self, start: Int64Array, table: SessionTable) -> np.ndarray:
        """bool: rows of the minutes that only these options trade after the close."""
        if not trades_late(self.symbol):
            return np.zeros(len(start), dtype=np.bool_)
        close = int(table.close_ns[0])
        return (start >= close) & (start < close + LATE_MINUTES * NS_PER_MINUTE)

    def _wanted(self, listed: pl.DataFrame, day: dt.date, prices: tuple[float, float] | None) -> pl.DataFrame:
        """Contracts inside the limits, and those that were on an earlier session."""
        limits = self.limits
        inside = pl.lit(True)
        if limits.max_days is not None:
            # a Saturday's date is a day after the last one
            inside &= pl.col("expiry") <= day + dt.timedelta(days=limits.max_days + 1)
        if limits.width_frac is not None and prices is not None:
            low, high = prices[0] * (1 - limits.width_frac), prices[1] * (1 + limits.width_frac)
            inside &= pl.col("strike").is_between(low, high)
        now = listed.filter(inside)
        if self.kept is None:
            self.kept = now
            return now
        self.kept = pl.concat([self.kept, now]).unique(CONTRACT, maintain_order=True)
        return listed.join(self.kept, on=list(CONTRACT), how="semi", maintain_order="left")


@dataclass(frozen=True)
class _Placed:
    """Rows of one dataset on one session, contract by contract as the store sorts them, and their bars."""

    rows: pl.DataFrame
    at: Int64Array
    columns: Mapping[str, str]

    @property
    def contracts(self) -> pl.DataFrame:
        return self.rows.filter(pl.struct(CONTRACT).rle_id().diff().fill_null(1) != 0).select(CONTRACT)

    def laid(self, names: pl.DataFrame, n_bars: int, symbol: str) -> dict[str, PriceArray]:
        """float32 (k, n_bars) arrays for the contracts of `names` (CONTRACT and `at`, their position)."""
        position = self.contracts.join(names, on=list(CONTRACT), how="left", maintain_order="left")["at"]
        run = self.rows.select(pl.struct(CONTRACT).rle_id()).to_series().to_numpy()
        contract = position.cast(pl.Int64).fill_null(-1).to_numpy()[run]
        kept = contract >= 0
        flat = contract[kept] * n_bars + self.at[kept]
        if len(np.unique(flat)) < len(flat):
            raise DataError(
                f"{symbol} options: two rows of one contract for one bar. One bar has one row: import the source "
                "again from a clean file."
            )
        laid: dict[str, PriceArray] = {}
        for name, column in self.columns.items():
            values = np.full((len(names), n_bars), np.nan, dtype=np.float32)
            values.reshape(-1)[flat] = self.rows[column].to_numpy()[kept]
            laid[name] = values
        return laid


def _prices(spot: FloatArray | None, i: int, days: pl.DataFrame | None) -> tuple[float, float] | None:
    """Lowest and highest price of the underlying on session i, where anything tells it."""
    if spot is not None and np.isfinite(spot[i]).all():
        return float(spot[i, 0]), float(spot[i, 1])
    told = days["underlying"].drop_nulls() if days is not None else None
    return (float(told.min()), float(told.max())) if told is not None and len(told) else None  # type: ignore[arg-type]


def _underlying(days: pl.DataFrame | None) -> FloatArray | None:
    """float64 (1,): the underlying's price of a snapshot, the one that most rows tell."""
    told = days["underlying"].drop_nulls() if days is not None else pl.Series([], dtype=pl.Float64)
    return np.array([told.mode().sort()[0]], dtype=np.float64) if len(told) else None


def _of_contracts(days: pl.DataFrame | None, names: pl.DataFrame, column: str) -> PriceArray | None:
    """float32 (k,): a day's number of each contract, NaN where it has none; None where none has."""
    if days is None or days[column].null_count() == len(days):
        return None
    told = names.join(days.select(*CONTRACT, column), on=list(CONTRACT), how="left", maintain_order="left")
    return told[column].cast(pl.Float32).fill_null(float("nan")).to_numpy().copy()


def _alike(made: dict[int, ChainSession]) -> dict[int, ChainSession]:
    """Every session with the same arrays: those that others have are NaN where a session has none."""
    names = [
        name for name in (*QUOTES, *TRADES) if any(getattr(one, name) is not None for one in made.values())
    ]
    has_interest = any(one.open_interest is not None for one in made.values())
    has_underlying = any(one.underlying is not None for one in made.values())

    def filled(one: ChainSession) -> ChainSession:
        k, m = len(one.contracts), len(one.start)
        absent: dict[str, np.ndarray] = {
            name: np.full((k, m), np.nan, dtype=np.float32) for name in names if getattr(one, name) is None
        }
        if has_interest and one.open_interest is None:
            absent["open_interest"] = np.full(k, np.nan, dtype=np.float32)
        if has_underlying and one.underlying is None:
            absent["underlying"] = np.full(m, np.nan)
        return replace(one, **absent) if absent else one

    return {i: filled(one) for i, one in made.items()}
