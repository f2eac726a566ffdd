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
SHOWN = ("row", "verdict", "text", "notes")


def add_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="of one set; without it all are listed")
    output.add_json_flag(parser)
    parser.set_defaults(handler=show_calls)


def show_calls(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"sets": [...]} as `data import calls` tells them; with a name that set and its rows."""
    from engine.data.calls import call_rows, call_sets, find_set

    if args.name:
        made, rows = find_set(settings, args.name), call_rows(settings, args.name)
        if args.json:
            plain = [{**row, "notes": _notes(row["notes"])} for row in rows.select(SHOWN).to_dicts()]
            output.print_json({**asdict(made), "rows": plain})
            return
        output.print_table(
            SHOWN, [[value or None for value in row] for row in rows.select(SHOWN).iter_rows()]
        )
        _sum_up(made, done=f"set {made.name!r}")
        return
    found = call_sets(settings)
    if args.json:
        output.print_json({"sets": [asdict(one) for one in found]})
    elif not found:
        output.progress("No trade calls yet. Import a CSV of them with `data import calls FILE`.")
    else:
        header = ("name", "rows", "taken", "repaired", "refused", "first", "last", "symbols")
        output.print_table(header, [_listed(one) for one in found])


def _notes(text: str) -> list[str]:
    return text.split("; ") if text else []


def _listed(one: CallSet) -> tuple[Any, ...]:
    counts = (one.n_rows, one.n_taken, one.n_repaired, one.n_refused)
    return one.name, *counts, (one.first or "")[:16], (one.last or "")[:16], ", ".join(one.symbols)


def import_calls(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: name, file, columns, unused, n_rows, n_taken, n_repaired, n_refused, symbols, first, last, rows.

    rows: every line with its verdict and the reason. With --preview nothing is stored.
    """
    from engine.data.calls import about, import_name, save_calls
    from engine.data.importers.calls import CallOptions, read_calls

    stray = [f"--{name.replace('_', '-')}" for name in OF_BARS if getattr(args, name) is not None]
    if stray:
        raise BadInput(
            f"{', '.join(stray)}: not for calls, which take --map, --tz and --time-format. Leave it out."
        )
    name = import_name(args.source or DEFAULT)
    found = read_calls(args.path, CallOptions(**{one: getattr(args, one) for one in TAKEN}))
    now = dt.datetime.now(dt.UTC)
    made = (
        about(name, found, args.tz, now) if args.preview else save_calls(settings, name, found, args.tz, now)
    )
    if args.json:
        output.print_json({**asdict(made), "rows": [_plain(row) for row in found.rows]})
    else:
        _tell(found)
    _sum_up(made, done="nothing was stored" if args.preview else f"kept as {name!r}")
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


def _sum_up(made: CallSet, *, done: str) -> None:
    read = ", ".join(f"{field} from {column!r}" for field, column in made.columns.items())
    output.progress(f"columns: {read}" + (f"; not used: {', '.join(made.unused)}" if made.unused else ""))
    counted = f"{made.n_taken:,} taken, {made.n_repaired:,} repaired, {made.n_refused:,} refused"
    span = f", {made.first} to {made.last}" if made.first else ""
    output.progress(
        f"{made.file}: {made.n_rows:,} rows: {counted}{span}; {', '.join(made.symbols) or 'no symbol'}; {done}"
    )
