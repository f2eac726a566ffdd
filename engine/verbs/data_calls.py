"""`data import calls FILE`: trade calls of a CSV as a set that the named logic signals_csv trades."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.core.settings import Settings
from engine.verbs import output

if TYPE_CHECKING:
    from engine.data.calls import CallSet
    from engine.data.importers.calls import CallFile

TAKEN = ("map", "tz", "time_format")
OF_BARS = ("symbols", "symbol", "kind", "timeframe", "time_unit", "spec")
DEFAULT = "calls"
MOST_ROWS = 60


def import_calls(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: name, file, columns, unused, n_rows, n_taken, n_repaired, n_refused, symbols, first, last, rows.

    rows: every line with its verdict and the reason. With --preview nothing is stored.
    """
    from engine.data.calls import about, checked_name, save_calls
    from engine.data.importers.calls import CallOptions, read_calls

    stray = [f"--{name.replace('_', '-')}" for name in OF_BARS if getattr(args, name) is not None]
    if stray:
        raise BadInput(
            f"{', '.join(stray)}: not for calls, which take --map, --tz and --time-format. Leave it out."
        )
    name = checked_name(args.source or DEFAULT)
    found = read_calls(args.path, CallOptions(**{one: getattr(args, one) for one in TAKEN}))
    now = dt.datetime.now(dt.UTC)
    made = (
        about(name, found, args.tz, now) if args.preview else save_calls(settings, name, found, args.tz, now)
    )
    if args.json:
        output.print_json({**asdict(made), "rows": [_plain(row) for row in found.rows]})
    else:
        _tell(found)
    _sum_up(made, is_stored=not args.preview)
    return 0


def _plain(row: Any) -> dict[str, Any]:
    return {"row": row.line, "verdict": row.verdict, "notes": list(row.notes), "text": row.text}


def _tell(found: CallFile) -> None:
    """A line a row: what was refused and repaired first of all."""
    order = {"refused": 0, "repaired": 1, "taken": 2}
    rows = sorted(found.rows, key=lambda row: (order[row.verdict], row.line))
    shown = [(row.line, row.verdict, row.text[:60], "; ".join(row.notes) or None) for row in rows[:MOST_ROWS]]
    output.print_table(("row", "verdict", "as it stands", "why"), shown)
    if len(rows) > MOST_ROWS:
        print(f"and {len(rows) - MOST_ROWS:,} more; --json has all of them")


def _sum_up(made: CallSet, *, is_stored: bool) -> None:
    read = ", ".join(f"{field} from {column!r}" for field, column in made.columns.items())
    output.progress(f"columns: {read}" + (f"; not used: {', '.join(made.unused)}" if made.unused else ""))
    counted = f"{made.n_taken:,} taken, {made.n_repaired:,} repaired, {made.n_refused:,} refused"
    span = f", {made.first} to {made.last}" if made.first else ""
    done = f"kept as {made.name!r}" if is_stored else "nothing was stored"
    output.progress(
        f"{made.file}: {made.n_rows:,} rows: {counted}{span}; {', '.join(made.symbols) or 'no symbol'}; {done}"
    )
