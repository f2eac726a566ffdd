"""What makes a bar believable. Each rule that fails is a DataError naming file, row (1-based line) and rule.

Frames carry the column `line`, the row's 1-based line in its source file. A bid above its ask is real (a
crossed market within the bar): it is kept and counted, never refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from engine.core.errors import DataError
from engine.data.schemas import ASK, BID, PRICES

MAX_PRICE = 1e9
MAX_SIZE = 1e15  # volumes and quoted sizes
EARLIEST, LATEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_AGES = f"time outside {EARLIEST.year}..{LATEST.year}"


@dataclass(frozen=True)
class Rule:
    """`broken` is true on rows that break it; `shows` are the columns to print."""

    says: str
    broken: pl.Expr
    shows: tuple[str, ...]


def fail(where: str, line: int, rule: str) -> DataError:
    """The one error of an importer: file, row, rule."""
    return DataError(
        f"{where}, row {line}: {rule}. Nothing was imported from this file; mend it or fetch it again."
    )


def refuse(frame: pl.DataFrame, where: str, rules: Sequence[Rule]) -> None:
    """DataError for the first row of `frame` that breaks a rule."""
    if not len(frame):
        return
    hits = frame.select(rule.broken.fill_null(False).any().alias(str(i)) for i, rule in enumerate(rules)).row(
        0
    )
    broken = [rule for rule, hit in zip(rules, hits, strict=True) if hit]
    if not broken:
        return
    rows = [(frame.filter(rule.broken.fill_null(False)).row(0, named=True), rule) for rule in broken]
    row, rule = min(rows, key=lambda pair: pair[0]["line"])
    values = ", ".join(f"{name} {row[name]}" for name in rule.shows if name in row)
    raise fail(where, row["line"], f"{rule.says} ({values})" if values else rule.says)


def trade_rules(*, volume_required: bool, optional: bool = False) -> list[Rule]:
    """Rules of bars of trades (or of one price, where a source has no more). optional: a row may bring none."""
    rules = _price_rules(PRICES, "", optional)
    if volume_required:
        rules.append(Rule("missing volume", pl.col("volume").is_null(), ("volume",)))
    return [*rules, size_rule("volume"), *time_rules()]


def quote_rules(*, both_sides: bool) -> list[Rule]:
    """Rules of bars of bid and ask. Without `both_sides` an empty side is allowed: it was not updated."""
    rules = _price_rules(BID, "bid ", not both_sides) + _price_rules(ASK, "ask ", not both_sides)
    if not both_sides:
        empty = pl.col("bid_open").is_null() & pl.col("ask_open").is_null()
        rules.append(Rule("neither bid nor ask", empty, ()))
    return [*rules, size_rule("bid_size"), size_rule("ask_size"), *time_rules()]


def option_quote_rules() -> list[Rule]:
    """Rules of quotes of options: nothing bid is a bid of zero, and a row may bring neither side."""
    rules = [
        rule
        for names, side in ((BID, "bid "), (ASK, "ask "))
        for rule in _price_rules(names, side, True, True)
    ]
    return [*rules, size_rule("bid_size"), size_rule("ask_size"), *time_rules()]


def snapshot_rules(columns: list[str]) -> list[Rule]:
    """Rules of a snapshot of options. Zero, crossed and empty quotes are real and kept."""
    prices = [
        Rule(
            f"{name} is not a number from 0 to {MAX_PRICE:.0e}",
            ~pl.col(name).is_finite() | ~pl.col(name).is_between(0, MAX_PRICE),
            (name,),
        )
        for name in ("bid", "ask", "last", "underlying")
        if name in columns
    ]
    strike = pl.col("strike")
    bad_strike = strike.is_null() | ~strike.is_finite() | ~strike.is_between(0, MAX_PRICE, closed="right")
    sizes = [size_rule(name) for name in ("volume", "open_interest") if name in columns]
    return [*prices, Rule("strike is not above zero", bad_strike, ("strike",)), *sizes]


def age_rule(a_second: int | None = None) -> Rule:
    """Of times before they become nanoseconds, which overflow: a year of 1024 would be one of 2193.

    a_second : how many units a second has, where `start` is a whole number since 1970; None for dates and times.
    """
    start = pl.col("start")
    if a_second is None:
        known = start.dt.year().is_between(EARLIEST.year, LATEST.year - 1)
    else:
        known = start.is_between(*(int(one.timestamp()) * a_second for one in (EARLIEST, LATEST)))
    return Rule(_AGES, ~known, ("start",))


def time_rules() -> list[Rule]:
    """Rules of a bar's start."""
    start = pl.col("start")
    return [
        Rule("no time, or none that is known", start.is_null(), ()),
        Rule(_AGES, ~start.is_between(EARLIEST, LATEST), ("start",)),
        Rule("start is not on a whole minute", start.dt.epoch("ns") % 60_000_000_000 != 0, ("start",)),
    ]


def _price_rules(names: Sequence[str], side: str, optional: bool, zero: bool = False) -> list[Rule]:
    """Rules of four prices. optional: all four may be absent. zero: may be 0."""
    opens, high, low, close = (pl.col(name) for name in names)
    shown = tuple(names)
    lacks = pl.any_horizontal(pl.col(name).is_null() for name in names)
    if optional:
        lacks = lacks & pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    return [
        Rule(f"missing {side}price", lacks, shown),
        Rule(
            f"{side}price is not a finite number",
            ~pl.all_horizontal(pl.col(n).is_finite() for n in names),
            shown,
        ),
        Rule(
            f"{side}price is negative" if zero else f"{side}price is zero or negative",
            pl.any_horizontal((pl.col(n) < 0) if zero else (pl.col(n) <= 0) for n in names),
            shown,
        ),
        Rule(
            f"{side}price above {MAX_PRICE:.0e}",
            pl.any_horizontal(pl.col(n) > MAX_PRICE for n in names),
            shown,
        ),
        Rule(f"{side}high below low", high < low, shown),
        Rule(
            f"{side}open or close outside low..high",
            (opens > high) | (opens < low) | (close > high) | (close < low),
            shown,
        ),
    ]


def size_rule(name: str) -> Rule:
    """A volume or quoted size, where there is one."""
    value = pl.col(name)
    return Rule(
        f"{name} is not a number from 0 to {MAX_SIZE:.0e}",
        ~value.is_finite() | ~value.is_between(0, MAX_SIZE),
        (name,),
    )


def crossed() -> pl.Expr:
    """True where a bid of the bar is above its ask; kept and counted."""
    return pl.any_horizontal(pl.col(b) > pl.col(a) for b, a in zip(BID, ASK, strict=True)).fill_null(False)


def zero_quote() -> pl.Expr:
    """True where a side of a quote is 0, or both; by `quote_flags` a row of 0 and 0 is told twice."""
    known = quote_flags()
    return known["zero_bid"] | known["zero_ask"]


def quote_flags() -> dict[str, pl.Expr]:
    """What is remarkable in a quote of an option, by name; such rows are kept. At the row's end, else its start."""
    bid, ask = (pl.coalesce(f"{side}_close", f"{side}_open") for side in ("bid", "ask"))
    has_bid, has_ask = bid.is_not_null(), ask.is_not_null()
    return {
        "two_sided": has_bid & has_ask,
        "one_sided": has_bid ^ has_ask,
        "empty": ~has_bid & ~has_ask,
        "crossed": (bid > ask).fill_null(False),
        "zero_bid": (bid == 0).fill_null(False),
        "zero_ask": (ask == 0).fill_null(False),
    }


@dataclass
class Order:
    """Bars of each series must rise strictly in time over a whole source file, block after block."""

    where: str
    keys: tuple[str, ...] = ("symbol",)
    _last: pl.DataFrame | None = field(default=None, repr=False)

    def check(self, frame: pl.DataFrame) -> None:
        """DataError for the first row at or before the previous one of its series."""
        if not len(frame):
            return
        keys = list(self.keys)
        rows = frame.select(*keys, "start", "line")
        previous = pl.col("start").shift(1).over(keys)
        if self._last is not None:
            rows = rows.join(self._last, on=keys, how="left", maintain_order="left")
            previous = previous.fill_null(pl.col("_last"))
        bad = rows.with_columns(previous.alias("_previous")).filter(pl.col("start") <= pl.col("_previous"))
        if len(bad):
            row = bad.row(0, named=True)
            name = " ".join(row[key] for key in keys)
            same = row["start"] == row["_previous"]
            rule = (
                "duplicate bar" if same else f"bars out of order, after {row['_previous']:%Y-%m-%d %H:%M} UTC"
            )
            raise fail(self.where, row["line"], f"{rule} ({name}, {row['start']:%Y-%m-%d %H:%M} UTC)")
        ends = rows.group_by(keys).agg(pl.col("start").last().alias("_last"))
        if self._last is not None:
            ends = pl.concat([self._last.join(ends, on=keys, how="anti"), ends])
        self._last = ends


def to_utc(frame: pl.DataFrame, zone: str, where: str) -> pl.DataFrame:
    """Column `start`, a clock reading of `zone`, as UTC. DataError where summer time skips or repeats it."""
    known = pl.col("start").dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    frame = frame.with_columns(known.alias("_utc"))
    bad = frame.filter(pl.col("_utc").is_null() & pl.col("start").is_not_null())
    if len(bad):
        row = bad.row(0, named=True)
        repeated = pl.select(
            pl.lit(row["start"])
            .cast(pl.Datetime("ns"))
            .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        ).item()
        does = "happens twice (end of summer time)" if repeated else "does not exist (skipped by summer time)"
        time = f"{row['start']:%Y-%m-%d %H:%M}"
        raise fail(where, row["line"], f"{time} {does} in {zone}: give times in UTC")
    return frame.with_columns(pl.col("_utc").dt.convert_time_zone("UTC").alias("start")).drop("_utc")
