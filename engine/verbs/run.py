"""`run SPEC`: one backtest with all its artifacts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import output

if TYPE_CHECKING:
    from engine.core.spec import StrategySpec
    from engine.packs.pack import Pack

ENGINES = ("native", "reference", "vectorbt", "lumibot")


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("run", help="one backtest with all its artifacts")
    add_spec_arguments(parser)
    parser.add_argument("--engine", choices=ENGINES, default="native", help="default native")
    parser.add_argument("--pack", metavar="HASH", help="a replay pack instead of one built from the store")
    output.add_json_flag(parser)
    parser.set_defaults(handler=run)


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC and --set, which every verb on a spec takes."""
    parser.add_argument(
        "spec", type=Path, metavar="SPEC", help="a spec file, such as specs/sma_crossover.json"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help='override a field, such as risk_exits.stop_loss_pct=2 or universe=["XAUUSD"]',
    )


def spec_of(args: argparse.Namespace) -> StrategySpec:
    """The spec of the arguments, overrides applied and checked."""
    from engine.core.spec_text import with_overrides
    from engine.sweep.grid_file import split_sets

    spec = loaded(args.spec)
    overrides, _ = split_sets(args.set)
    return with_overrides(spec, overrides) if overrides else spec


def loaded(path: Path) -> StrategySpec:
    """The spec of a file; of an older dialect it is told, because its units are others."""
    from engine.core.spec_text import read_spec

    spec, normal = read_spec(path)
    if normal.note:
        output.progress(f"{path.name}: {normal.note}, which `spec show` lists")
    return spec


def run(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: run_id, spec_hash, pack_hash, engine, metrics, artifacts."""
    from engine.report.keep import keep_run
    from engine.sim.inputs import pack_for
    from engine.sim.simulate import simulate
    from engine.store.db import open_store

    spec = spec_of(args)
    pack = pack_for(settings, spec, pack_hash=args.pack, progress=output.progress)
    output.progress(
        f"run: {spec.name} on {pack.label}, {pack.window_start} to {pack.window_end}, {args.engine}"
    )
    if spec.is_options and args.engine == "native":
        output.progress("run: the first option run of an installation compiles its code, about a minute")
    result = simulate(spec, pack, args.engine)
    store = open_store(settings)
    row = keep_run(store, spec, pack, result)
    folder = settings.runs / row.id
    _tell_missing_benchmark(spec, pack, settings)
    if args.json:
        output.print_json(
            {
                "run_id": row.id,
                "spec_hash": row.spec_hash,
                "pack_hash": row.pack_hash,
                "engine": row.engine,
                "metrics": output.metrics_of(result.metrics),
                "artifacts": folder,
            }
        )
        return
    print(f"run {row.id}")
    output.print_table(("metric", "value"), _shown(result.metrics, result.max_drawdown_bars))
    print(output.trials_of(store, spec.family))
    for mark in result.marks:
        print(f"mark: {mark}")
    for note in result.notes:
        print(f"note: {note}")
    for reason, n in result.skipped["reason"].value_counts(sort=True).rows():
        print(f"note: {n:,} wanted {'entry' if n == 1 else 'entries'} not made: {reason}")
    print(f"tearsheet: {folder / 'tearsheet.html'}")


def _tell_missing_benchmark(spec: StrategySpec, pack: Pack, settings: Settings) -> None:
    """A benchmark that was asked for and is not there leaves a hole in the tearsheet; say which."""
    from engine.report.benchmark import benchmark_closes

    name = spec.backtest.benchmark
    if name is not None and benchmark_closes(settings, spec, pack) is None:
        output.progress(
            f"backtest.benchmark {name}: source {pack.source} has no bars of it; the tearsheet has none"
        )


def _shown(metrics: Any, bar_drawdown: float) -> list[tuple[str, Any]]:
    rows = list(metrics.items())
    at = next(i for i, (name, _) in enumerate(rows) if name == "max_drawdown")
    rows.insert(at + 1, ("max_drawdown on bars", bar_drawdown))
    return [(name, value) for name, value in rows]
