"""A stretch of bars out of a pack, read without the rest of it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.stretch import merged
from engine.packs.disk import find_pack, read_manifest

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Window:
    """bars : start (UTC ns), open, high, low, close, volume of existing rows, at actual prices, oldest first.

    bars_each : how many rows of the pack one bar stands for; 1 unless `limit` made it more.
    """

    bars: pl.DataFrame
    bars_each: int
    timezone: str


def read_window(
    settings: Settings,
    pack_hash: str,
    symbol: str,
    timeframe: str,
    first_ns: int,
    last_ns: int,
    *,
    before: int = 60,
    after: int = 30,
    limit: int = 400,
) -> Window:
    """The bars that start in first_ns..last_ns, with `before` and `after` scheduled ones around them.

    More than `limit` are merged, neighbours by neighbours, into as many. NotFound without the pack, DataError
    where the pack does not hold the series or cannot be read.
    """
    folder = find_pack(settings, pack_hash)
    entry = _entry(read_manifest(folder), symbol, timeframe)
    try:
        rows = pl.scan_parquet(folder / entry["file"])
        start = rows.select("start").collect()["start"]
        low = max(0, int(start.search_sorted(first_ns, side="right")) - 1 - before)
        high = int(start.search_sorted(last_ns, side="right")) + after
        found = rows.select("start", *PRICES, "volume").slice(low, high - low).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"pack {pack_hash[:12]}: {entry['file']} cannot be read ({error}). Build it again."
        ) from error
    bars = found.filter(pl.col("close").is_not_nan())
    each = max(1, -(-len(bars) // limit))
    return Window(merged(bars, each), each, str(entry["timezone"]))


def timezone_of(settings: Settings, pack_hash: str, symbol: str, timeframe: str) -> str:
    """The exchange's time zone of a series in a pack. Errors as read_window."""
    return str(_entry(read_manifest(find_pack(settings, pack_hash)), symbol, timeframe)["timezone"])


def _entry(manifest: dict, symbol: str, timeframe: str) -> dict:  # type: ignore[type-arg]
    for entry in manifest["series"]:
        if (entry["symbol"], entry["timeframe"]) == (symbol, timeframe):
            return entry
    held = ", ".join(f"{entry['symbol']} {entry['timeframe']}" for entry in manifest["series"]) or "nothing"
    raise DataError(f"{symbol} {timeframe}: not in pack {manifest['hash'][:12]}, which holds {held}.")
