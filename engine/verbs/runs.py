"""`runs list`, `runs show`: what has been run, from the store."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.core.settings import Settings
from engine.metrics.names import METRIC_NAMES, METRICS
from engine.verbs import output

if TYPE_CHECKING:
    from engine.store.models import RunRow
    from engine.store.runs import RunFilter

# what a person looks for first; the other facts follow by name
FIRST = ("name", "slug", "symbols", "timeframe", "window_start", "window_end", "source", "marks", "engine")
SHOWN = ("total_return", "sharpe", "max_drawdown", "win_rate", "n_trades")


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("runs", help="list and show runs")
    verbs = parser.add_subparsers(dest="action", required=True)
    _add_list(verbs.add_parser("list", help="runs, newest first or by a metric"))
    show = verbs.add_parser("show", help="one run: what it was, its metrics, where its artifacts are")
    show.add_argument("run_id", metavar="ID", help="the id, or its first characters (4 or more)")
    output.add_json_flag(show)
    show.set_defaults(handler=show_run)


def _add_list(parser: argparse.ArgumentParser) -> None:
    filters = {
        "--slug": "of these strategies",
        "--family": "of these idea families",
        "--symbols": "with one of these symbols",
        "--timeframe": "on these timeframes",
        "--engine": "by these engines",
        "--source": "on data of these sources",
        "--sweep": "of these sweeps",
    }
    for flag, help_text in filters.items():
        parser.add_argument(flag, metavar="A,B", type=_words, default=(), help=help_text)
    bound: dict[str, Any] = {"metavar": "METRIC=VALUE", "type": _bound, "action": "append", "default": []}
    parser.add_argument(
        "--at-least", help="such as sharpe=0.8 (fractions, not percent); may be repeated", **bound
    )
    parser.add_argument("--at-most", help="such as volatility=0.2; may be repeated", **bound)
    parser.add_argument(
        "--order", default="created_at", help="created_at (default) or a metric, such as sharpe"
    )
    parser.add_argument("--ascending", action="store_true", help="smallest or oldest first")
    parser.add_argument("--limit", type=_count, default=20, help="how many (default 20)")
    parser.add_argument("--offset", type=_count, default=0, help="how many to skip")
    output.add_json_flag(parser)
    parser.set_defaults(handler=list_runs)


def list_runs(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"n_runs": passing the filter (counted to 10,000), "runs": [as `show`]}."""
    from engine.store import runs, sweeps
    from engine.store.db import open_store
    from engine.store.sweep_runs import sweeps_of

    store = open_store(settings)
    filters = _filter(args)
    rows = runs.list_runs(
        store, filters, order=args.order, descending=not args.ascending, limit=args.limit, offset=args.offset
    )
    n_runs = runs.count_runs(store, filters)
    kept_by = sweeps_of(store, [row.id for row in rows])
    configs = sweeps.varied(store, rows, kept_by, args.sweep)
    store.close()
    if args.json:
        output.print_json(
            {"n_runs": n_runs, "runs": [_as_json(row, settings, kept_by[row.id]) for row in rows]}
        )
        return
    header = ["id", "strategy", "symbols", "timeframe", "window", "source", "engine", *SHOWN]
    if any(configs.values()):
        header.insert(2, "config")
    output.print_table(header, [_line(row, configs[row.id], shows_config="config" in header) for row in rows])
    if not rows:
        output.progress("No runs pass. `python -m engine run SPEC` makes one.")
    elif n_runs > len(rows):
        output.progress(f"{len(rows)} of {n_runs}. --limit and --offset show others.")


def show_run(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: identity, window, `metrics` by name (null is undefined) and the artifacts' folder."""
    from engine.store.commits import verify_run
    from engine.store.db import open_store
    from engine.store.runs import get_run
    from engine.store.sweep_runs import sweeps_of

    store = open_store(settings)
    row = get_run(store, args.run_id)
    kept_by = sweeps_of(store, [row.id])[row.id]
    faults = verify_run(store, row)
    store.close()
    for fault in faults:
        output.progress(f"Artifacts changed since the run: {fault}")
    facts = _as_json(row, settings, kept_by)
    if args.json:
        output.print_json(facts)
        return
    metrics = facts.pop("metrics")
    facts["symbols"], facts["marks"] = ", ".join(row.symbols), ", ".join(row.marks) or None
    facts["sweep_ids"] = ", ".join(kept_by) or None
    del facts["run_id"]
    output.print_table(["run", row.id], [[name, output.show(value)] for name, value in facts.items()])
    print()
    output.print_table(["metric", "value"], [[m.label, output.show(metrics.get(m.name))] for m in METRICS])


def _filter(args: argparse.Namespace) -> RunFilter:
    from engine.store.runs import RunFilter

    return RunFilter(
        slugs=args.slug,
        idea_families=args.family,
        symbols=args.symbols,
        timeframes=args.timeframe,
        engines=args.engine,
        sources=args.source,
        sweep_ids=args.sweep,
        at_least=dict(args.at_least),
        at_most=dict(args.at_most),
    )


def _as_json(row: RunRow, settings: Settings, kept_by: Sequence[str]) -> dict[str, Any]:
    """sweep_id: the sweep that made the run; sweep_ids: all that keep it, the one begun last first."""
    facts = row.model_dump(exclude={*METRIC_NAMES, "id", "artifacts"}) | {"sweep_ids": list(kept_by)}
    facts = {name: facts[name] for name in (*FIRST, *sorted(facts.keys() - set(FIRST))) if name in facts}
    facts["metrics"] = output.metrics_of(row.metrics)
    return {"run_id": row.id, **facts, "artifacts": str(settings.home / row.artifacts)}


def _line(row: RunRow, config: Mapping[str, Any], *, shows_config: bool) -> list[Any]:
    told = ", ".join(f"{name}={output.show(value)}" for name, value in config.items())
    window = f"{row.window_start}..{row.window_end}"
    return [
        row.id,
        row.slug,
        *([told] if shows_config else []),
        ",".join(row.symbols[:4]) + (",..." if len(row.symbols) > 4 else ""),
        row.timeframe,
        window,
        row.source,
        row.engine,
        *(getattr(row, name) for name in SHOWN),
    ]


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _bound(value: str) -> tuple[str, float]:
    name, _, number = value.partition("=")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if math.isnan(limit):
        raise BadInput(f"{value}: not a bound. Write METRIC=VALUE, such as sharpe=0.8.")
    return name.strip(), limit


def _count(value: str) -> int:
    if not value.isdecimal() or len(value) > 9:
        raise BadInput(f"{value}: not a count. Give a whole number from 0 to 999999999.")
    return int(value)
