"""What LEAN's files share: resolutions, scaled prices, and times that are starts of bars on an exchange's clock."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.core.sessions import day_of
from engine.data import quality

RESOLUTIONS = {"minute": "1min", "hour": "1h", "daily": "1D"}
NEW_YORK = "America/New_York"
SCALE = 10_000.0

_DAY_MS = 86_400_000


def dollars(scaled: pl.Series) -> pl.Series:
    """Ten-thousandths as dollars. numpy divides; polars multiplies by 1/10000, which makes 168.89000000000001."""
    return pl.Series(scaled.name, scaled.cast(pl.Float64).to_numpy() / SCALE, nan_to_null=True)


def timed(
    rows: pl.DataFrame, day: dt.date | None, timeframe: str, where: str, *, is_new_york: bool
) -> pl.DataFrame:
    """`start` in UTC, from `time`: milliseconds of `day`, or text where there is no day.

    Clock readings are New York's or UTC. New York's bars that a session's open cuts start at the open, days too.
    """
    if day:
        outside = pl.col("time").is_null() | ~pl.col("time").is_between(0, _DAY_MS - 1)
        quality.refuse(
            rows, where, [quality.Rule("time is not in 0..86399999 milliseconds", outside, ("time",))]
        )
        midnight = dt.datetime.combine(day, dt.time())
        start = pl.lit(midnight, dtype=pl.Datetime("ns")) + pl.duration(
            milliseconds=pl.col("time"), time_unit="ns"
        )
    else:
        rows = clock_read(rows, where)
        start = pl.col("start")
    rows = rows.with_columns(start.alias("start"))
    if not is_new_york:
        return rows.with_columns(pl.col("start").dt.replace_time_zone("UTC"))
    if timeframe != "1min":
        rows = cut_at_open(rows, timeframe)
    return quality.to_utc(rows, NEW_YORK, where)


def clock_read(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """`start` of `time`, a clock reading such as 20131004 09:00."""
    start = pl.col("time").str.to_datetime("%Y%m%d %H:%M", time_unit="us", strict=False)
    quality.refuse(rows, where, [quality.Rule("time is not like 20131004 09:00", start.is_null(), ("time",))])
    rows = rows.with_columns(start.alias("start"))
    quality.refuse(rows, where, [quality.age_rule()])
    return rows.with_columns(pl.col("start").dt.cast_time_unit("ns"))


def cut_at_open(rows: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Equity bars whose starts are New York clock readings, the first of a session starting at its open.

    An hour that holds the open starts there; so does a day, at 09:30 where the calendar has no session.
    """
    days = rows["start"].dt.date()
    opens = _opens(days.min(), days.max())  # type: ignore[arg-type]
    rows = rows.with_columns(days.alias("_day")).join(opens, on="_day", how="left", maintain_order="left")
    opened = pl.col("_open").fill_null(
        pl.col("_day").cast(pl.Datetime("ns")) + pl.duration(hours=9, minutes=30, time_unit="ns")
    )
    inside = (opened > pl.col("start")) & (opened < pl.col("start").dt.offset_by("1h"))
    cut = opened if timeframe == "1D" else pl.when(inside).then(opened).otherwise(pl.col("start"))
    return rows.with_columns(cut.alias("start")).drop("_day", "_open")


def _opens(first: dt.date, last: dt.date) -> pl.DataFrame:
    """Columns _day, _open (New York clock) of the exchange's sessions."""
    from engine.data.calendars import FIRST_YEAR, LAST_YEAR, sessions

    low, high = max(first, dt.date(FIRST_YEAR, 1, 1)), min(last, dt.date(LAST_YEAR, 12, 31))
    if low > high:
        return pl.DataFrame(schema={"_day": pl.Date, "_open": pl.Datetime("ns")})
    table = sessions("XNYS", low, high)
    local = table.open_ns + table.utc_offset_ns
    return pl.DataFrame({"_day": [day_of(n) for n in table.date], "_open": local}).select(
        pl.col("_day").cast(pl.Date), pl.col("_open").cast(pl.Datetime("ns"))
    )
