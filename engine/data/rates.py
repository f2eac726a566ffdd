"""Interest rates in the market store: `market/<source>/rates/<name>.parquet`, percent a year by the day published."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
import pyarrow as pa

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.partitions import source_root, sources, write_parquet
from engine.options.rates import RateHistory, continuous

FOLDER = "rates"
_SCHEMA = pa.schema([("day", pa.date32()), ("percent", pa.float64())])


def stored_rates(settings: Settings, source: str) -> list[RateHistory]:
    """Rates that a source has, by name; DataError for a file that cannot be read."""
    found = sorted((source_root(settings, source) / FOLDER).glob("*.parquet"))
    return [_history(path.stem, rows) for path in found if (rows := stored_rows(path)) is not None]


def sources_with_rates(settings: Settings) -> list[str]:
    """Names of the sources that have any."""
    return [one for one in sources(settings) if any((source_root(settings, one) / FOLDER).glob("*.parquet"))]


def rate_path(name: str) -> PurePosixPath:
    """Where rates of a name lie below their source's folder."""
    return PurePosixPath(FOLDER, f"{name}.parquet")


def rate_rows(rates: RateHistory) -> pl.DataFrame:
    """Rates as they are stored: day, percent compounded once a year (to ten decimals, as they were published)."""
    percent = np.round(np.expm1(rates.rate) * 100.0, 10)
    return pl.DataFrame({"day": pl.Series(rates.day).cast(pl.Int32).cast(pl.Date), "percent": percent})


def write_rows(path: Path, rows: pl.DataFrame) -> None:
    """`rate_rows` as a file; the caller makes it durable."""
    write_parquet(path, rows, _SCHEMA)


def stored_rows(path: Path) -> pl.DataFrame | None:
    """Rows of one file by day; None where there is no file. DataError where it cannot be read."""
    if not path.exists():
        return None
    try:
        return pl.read_parquet(path).select(_SCHEMA.names).sort("day")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"{path}: unreadable rates ({reason}). Delete it and import its source again."
        ) from error


def _history(name: str, rows: pl.DataFrame) -> RateHistory:
    days = rows["day"].to_physical().cast(pl.Int64).to_numpy()
    return RateHistory(name, days.copy(), continuous(rows["percent"].to_numpy()))
