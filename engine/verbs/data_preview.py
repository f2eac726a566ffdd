"""`data import ... --preview`: what an import would bring, and the first thing that would stop it."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import output

if TYPE_CHECKING:
    from engine.data.importers.preview import Preview

MOST_SERIES = 40


def show(args: argparse.Namespace, settings: Settings, options: Mapping[str, Any]) -> int:
    """JSON: format, source, path, n_files, n_bytes, n_rows_read, is_whole, series, rows, faults, skipped, ...

    Exit code 2 where the import would stop at a fault.
    """
    from engine.data.importers.preview import preview

    found = preview(
        settings,
        args.format,
        args.path,
        symbols=args.symbols,
        source=args.source,
        options=options,
        now=dt.datetime.now(dt.UTC),
    )
    if args.json:
        told = {name: value for name, value in vars(found).items() if name not in ("series", "rows")}
        rows = found.rows.to_dicts()
        output.print_json({**told, "series": [asdict(one) for one in found.series], "rows": rows})
    else:
        _tell(found)
    for fault in found.faults:
        output.progress(fault)
    return 2 if found.faults else 0


def _tell(found: Preview) -> None:
    header = ("symbol", "kind", "timeframe", "first", "last", "rows seen")
    shown = found.series[:MOST_SERIES]
    output.print_table(
        header,
        [
            (
                one.symbol,
                one.kind,
                one.timeframe + (" quotes" if one.quotes else ""),
                one.first,
                one.last,
                one.n_rows,
            )
            for one in shown
        ],
    )
    if len(found.series) > len(shown):
        print(f"and {len(found.series) - len(shown):,} more")
    if len(found.rows):
        names = _columns(found.rows.columns)
        print("first rows as they would be stored, in UTC:")
        rows = found.rows.head(5).select(names)
        output.print_table(names, [[_cell(value) for value in row] for row in rows.iter_rows()])
    seen = "all of them were read" if found.is_whole else f"{found.n_files_read:,} were read"
    counted = "" if found.is_counted else " or more"
    size = f"{found.n_bytes / 1e6:,.1f} MB"
    output.progress(f"{found.path}: {found.n_files:,}{counted} files, {size}; {seen}. Nothing was stored.")
    for symbol, n in found.expired.items():
        output.progress(
            f"{symbol} options: of the rows seen {n:,} lie after their contract's last day, kept and never traded"
        )
    for what in found.skipped:
        output.progress(f"left out: {what}")


def _columns(there: Sequence[str]) -> list[str]:
    if "strike" in there:  # a chain: what most rows have
        names = (
            "symbol",
            "start",
            "expiry",
            "strike",
            "is_call",
            "close",
            "volume",
            "bid_close",
            "ask_close",
        )
        return [name for name in names if name in there]
    if "open" not in there:  # quotes of equities
        return ["symbol", "start", "bid_close", "ask_close"]
    return [name for name in ("symbol", "start", "open", "high", "low", "close", "volume") if name in there]


def _cell(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, dt.datetime) else value
