"""Option chains and interest rates in the one DuckDB file.

option_rows : the rows of the store as they are: prints (quotes false), quotes (quotes true), and days, which hold
              both, with open interest and the vendor's numbers.
contracts   : a row for each contract that has any, with what its root says of it.
rates       : percent a year, compounded once, from the day it was published on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from engine.core.instruments import NEW_YORK
from engine.core.option_roots import option_root
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.data.rates import rate_rows, sources_with_rates, stored_rates
from engine.data.schemas import PRICES, QUOTES, VENDOR, schema

if TYPE_CHECKING:
    import duckdb

_CONTRACT = {"expiry": "DATE", "strike": "DOUBLE", "is_call": "BOOLEAN", "root": "VARCHAR"}
COLUMNS: dict[str, dict[str, str]] = {
    "option_rows": {"source": "VARCHAR", "symbol": "VARCHAR", "timeframe": "VARCHAR", "quotes": "BOOLEAN",
                    "start": "TIMESTAMP", "session_date": "DATE"}
    | _CONTRACT | dict.fromkeys((*PRICES, "volume", *QUOTES, *VENDOR), "DOUBLE"),
    "contracts": {"source": "VARCHAR", "symbol": "VARCHAR", "ticker": "VARCHAR"} | _CONTRACT
    | {"last_day": "DATE", "settlement": "VARCHAR", "multiplier": "DOUBLE", "is_adjusted": "BOOLEAN",
       "first_session": "DATE", "last_session": "DATE", "n_sessions": "BIGINT"},
    "rates": {"source": "VARCHAR", "name": "VARCHAR", "day": "DATE", "percent": "DOUBLE"},
}  # fmt: skip


def insert_rows(source: str, timeframe: str, *, quotes: bool, narrowed: bool) -> str:
    """A statement that takes $files (and $symbols, where `narrowed`) of one dataset of options."""
    names = [
        name
        for name in schema("option", quotes=quotes, timeframe=timeframe).names
        if name not in ("symbol", "start")
    ]
    return (
        f"INSERT INTO option_rows BY NAME "
        f"SELECT '{source}' AS source, symbol, '{timeframe}' AS timeframe, {str(quotes).lower()} AS quotes, "
        f"make_timestamp(epoch_us(start::TIMESTAMPTZ)) AS start, "
        f"timezone('{NEW_YORK}', start::TIMESTAMPTZ)::DATE AS session_date, {', '.join(names)} "
        f"FROM read_parquet($files){' WHERE list_contains($symbols, symbol)' if narrowed else ''}"
    )


def add_contracts(db: duckdb.DuckDBPyConnection) -> None:
    """Fill `contracts` from `option_rows`."""
    roots = [root for (root,) in db.execute("SELECT DISTINCT root FROM option_rows").fetchall()]
    days = [day for (day,) in db.execute("SELECT DISTINCT expiry FROM option_rows").fetchall()]
    if not roots:
        return
    db.register("_root", _roots(roots).to_arrow())
    db.register("_day", _last_days(days).to_arrow())
    db.execute(
        "INSERT INTO contracts BY NAME "
        "SELECT source, symbol, root || strftime(expiry, '%y%m%d') || CASE WHEN is_call THEN 'C' ELSE 'P' END "
        "|| lpad(round(strike * 1000)::BIGINT::VARCHAR, 8, '0') AS ticker, expiry, strike, is_call, root, last_day, "
        "settlement, multiplier, is_adjusted, min(session_date) AS first_session, max(session_date) AS last_session, "
        "count(DISTINCT session_date) AS n_sessions "
        "FROM option_rows JOIN _root USING (root) JOIN _day USING (expiry) GROUP BY ALL"
    )
    db.unregister("_root")
    db.unregister("_day")


def _roots(roots: list[str]) -> pl.DataFrame:
    told = [option_root(one) for one in roots]
    return pl.DataFrame(
        {
            "root": roots,
            "settlement": ["am" if one.is_am else "pm" for one in told],
            "multiplier": [one.multiplier for one in told],
            "is_adjusted": [one.is_adjusted for one in told],
        }
    )


def _last_days(days: list[Any]) -> pl.DataFrame:
    """The last session on or before each listed date, as `engine.data.contracts`."""
    calendar = sessions_of("XNYS", min(days).replace(month=1, day=1), max(days))
    listed = pl.Series("expiry", days, dtype=pl.Date)
    at = np.searchsorted(calendar.date, listed.to_physical().to_numpy(), side="right") - 1
    last = pl.Series("last_day", calendar.date[np.maximum(at, 0)].astype(np.int32)).cast(pl.Date)
    return pl.DataFrame([listed, last]).with_columns(
        pl.when(pl.Series(at >= 0)).then(pl.col("last_day")).alias("last_day")
    )


def rates(settings: Settings, source: str | None) -> pl.DataFrame:
    """Rates of one source, or of all."""
    frames = [
        rate_rows(one).select(pl.lit(name).alias("source"), pl.lit(one.name).alias("name"), "day", "percent")
        for name in sources_with_rates(settings)
        if source in (None, name)
        for one in stored_rates(settings, name)
    ]
    types = {"source": pl.String, "name": pl.String, "day": pl.Date, "percent": pl.Float64}
    return pl.concat(frames) if frames else pl.DataFrame(schema=types)
