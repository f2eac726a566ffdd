"""`sweep SPEC`: a grid of parameters over one pack, ranked; the best become full runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import output
from engine.verbs.run import loaded

if TYPE_CHECKING:
    from engine.packs.pack import Pack
    from engine.store.db import Store
    from engine.sweep.plan import SweepPlan
    from engine.sweep.runner import Estimate, Options, Outcome, Progress

MAX_TOP = 1000
MAX_JOBS = 256
LINE_SECONDS = 2.0


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser(
        "sweep",
        help="a grid of parameters, ranked",
        description="Run every config of a grid over one pack. The grid is the spec's own (sweep.grid), a file's, "
        "or given by --set PATH={...}. Starting the same sweep again goes on where it stopped.",
    )
    parser.add_argument(
        "spec", type=Path, nargs="?", metavar="SPEC", help="a spec file; not needed with --resume"
    )
    parser.add_argument(
        "--grid", type=Path, metavar="FILE", help="a YAML or JSON file instead of the spec's grid"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="set a field for all configs, or sweep it: 'risk_exits.stop_loss_pct={\"values\": [1, 2]}' or "
        '{"start": 1, "stop": 3, "step": 0.5}',
    )
    parser.add_argument(
        "--top", type=int, metavar="N", help="full runs of the best N; default 5, with --resume as before"
    )
    parser.add_argument(
        "--rank-by",
        metavar="METRIC",
        help="default sharpe, with --resume as before; volatility, fees, slippage: least first",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="threads; default one a core")
    parser.add_argument("--pack", metavar="HASH", help="a replay pack instead of one built from the store")
    parser.add_argument("--resume", metavar="ID", help="go on with a sweep that was stopped")
    output.add_json_flag(parser)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: sweep_id, n_configs, n_done, seconds, results, top: [{config, metrics, run_id}]."""
    from engine.store.db import open_store
    from engine.sweep.lab import lab_of
    from engine.sweep.ranking import check_metric
    from engine.sweep.runner import begin, run_sweep
    from engine.sweep.top import keep_top

    if args.rank_by is not None:
        check_metric(args.rank_by)
    jobs = _checked(args)
    store = open_store(settings)
    _settle_ranking(args, store)
    plan, pack = _resumed(args, store) if args.resume else _planned(args, settings)
    lab = lab_of(plan, pack)
    sweep = begin(store, plan, pack, rank_by=args.rank_by, top=args.top).id
    output.progress(
        f"sweep {sweep}: {plan.base.name}, {len(plan):,} configs on {pack.label}, {_window(pack)}"
    )
    try:
        found = run_sweep(store, plan, pack, _options(args, jobs, plan), lab)
    except KeyboardInterrupt:
        output.progress(
            f"sweep {sweep}: stopped; what is done is kept. Go on with `python -m engine sweep --resume {sweep}`."
        )
        raise
    top = keep_top(store, plan, pack, found, progress=output.progress, lab=lab)
    if args.json:
        result = {
            name: getattr(found, name) for name in ("sweep_id", "n_configs", "n_done", "seconds", "results")
        }
        told = [{**one, "metrics": output.metrics_of(one["metrics"])} for one in top]
        output.print_json(result | {"top": told})
        return
    _print(found, top, args.rank_by)
    print(output.trials_of(store, plan.base.family))


def _checked(args: argparse.Namespace) -> int:
    from engine.core.errors import BadInput
    from engine.sweep.executors.local import n_cores

    if args.spec is None and args.resume is None:
        raise BadInput("sweep: give a SPEC, such as `sweep specs/sma_crossover.json`, or --resume ID.")
    if args.spec is None and (args.grid or args.set):
        raise BadInput(
            "sweep --resume: without SPEC leave out --grid and --set; they are those it began with."
        )
    if args.top is not None and not 0 <= args.top <= MAX_TOP:
        raise BadInput(f"--top {args.top}: give 0 to {MAX_TOP:,}.")
    jobs = n_cores() if args.jobs is None else args.jobs
    if not 1 <= jobs <= MAX_JOBS:
        raise BadInput(f"--jobs {jobs}: give 1 to {MAX_JOBS} threads.")
    return jobs


def _settle_ranking(args: argparse.Namespace, store: Store) -> None:
    """What --rank-by and --top leave open: as the resumed sweep was ranked before, else the best five by Sharpe."""
    from engine.store.sweeps import get_sweep

    rank_by, top = "sharpe", 5
    if args.resume:
        row = get_sweep(store, args.resume)
        rank_by, top = row.rank_by, row.top
    args.rank_by = rank_by if args.rank_by is None else args.rank_by
    args.top = top if args.top is None else args.top


def _resumed(args: argparse.Namespace, store: Store) -> tuple[SweepPlan, Pack]:
    """The sweep in the store; what else is on the command line must be what it began with."""
    from engine.core.errors import BadInput
    from engine.sweep.runner import reopen

    plan, pack = reopen(store, args.resume)
    if args.spec is not None:
        asked = _plan_of(args)
        if (asked.spec_hash, asked.as_json()) != (plan.spec_hash, plan.as_json()):
            raise BadInput(
                f"sweep --resume {args.resume}: it began with another spec or grid than {args.spec.name} gives here. "
                "Resume it by its id alone, or leave --resume out to begin a new one."
            )
    if args.pack and not pack.hash.startswith(args.pack):
        raise BadInput(f"sweep --resume {args.resume}: it began on pack {pack.hash[:12]}; leave --pack out.")
    return plan, pack


def _planned(args: argparse.Namespace, settings: Settings) -> tuple[SweepPlan, Pack]:
    from engine.sim.inputs import pack_for

    plan = _plan_of(args)
    return plan, pack_for(
        settings,
        plan.base,
        needs=plan.needs,
        chains=plan.chains,
        pack_hash=args.pack,
        progress=output.progress,
    )


def _plan_of(args: argparse.Namespace) -> SweepPlan:
    from engine.core.spec_text import with_overrides
    from engine.sweep.grid_file import read_grid_file, split_sets
    from engine.sweep.plan import SweepPlan, refuse_both

    base = loaded(args.spec)
    fixed, axes = split_sets(args.set)
    base = with_overrides(base, fixed) if fixed else base
    sweep = read_grid_file(args.grid, base.sweep) if args.grid else base.sweep
    plan = SweepPlan.of(base, sweep.model_copy(update={"grid": {**sweep.grid, **axes}}))
    refuse_both(fixed, plan.grid)
    return plan


def _options(args: argparse.Namespace, jobs: int, plan: SweepPlan) -> Options:
    import time

    from engine.sweep.runner import Options

    def on_estimate(guess: Estimate) -> None:
        output.progress(
            f"estimate: {guess.n_configs:,} configs, {1e3 * guess.seconds_each:.3g} ms each on one of {jobs} threads, "
            f"about {_duration(guess.seconds)}, {guess.n_bytes / 2**20:,.0f} MB"
        )

    last = 0.0

    def on_progress(now: Progress) -> None:
        nonlocal last
        if now.n_done < now.n_configs and time.monotonic() - last < LINE_SECONDS:
            return
        last = time.monotonic()
        best = ""
        if now.best is not None:
            index, metrics = now.best
            params = ", ".join(f"{k}={v}" for k, v in plan.grid.params(index).items())
            best = f", best {args.rank_by} {output.show(metrics[args.rank_by])} ({params})"
        output.progress(
            f"sweep: {now.n_done:,} of {now.n_configs:,} ({100 * now.n_done / now.n_configs:.0f} %), "
            f"{now.rate:,.0f} configs/s, {_duration(now.left)} left{best}"
        )

    return Options(
        jobs=jobs, top=args.top, rank_by=args.rank_by, on_estimate=on_estimate, on_progress=on_progress
    )


def _print(found: Outcome, top: list[dict[str, Any]], rank_by: str) -> None:
    print(
        f"sweep {found.sweep_id}: {found.n_done:,} of {found.n_configs:,} configs, {_duration(found.seconds)}"
    )
    if top:
        shown = dict.fromkeys((rank_by, "sharpe", "total_return", "max_drawdown", "win_rate", "n_trades"))
        names = list(top[0]["config"])
        rows = [
            (*(one["config"][k] for k in names), *(one["metrics"][m] for m in shown), one["run_id"])
            for one in top
        ]
        output.print_table((*names, *shown, "run"), rows)
    print(f"results: {found.results}")


def _window(pack: Pack) -> str:
    return f"{pack.window_start} to {pack.window_end}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
