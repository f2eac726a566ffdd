"""Keep a run: its artifacts, its row, its trial in the ledger."""

from __future__ import annotations

from typing import Any

from engine import __version__
from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical, canonical_json, spec_hash, trading_hash
from engine.packs.pack import Pack
from engine.report.artifacts import write_artifacts
from engine.report.benchmark import benchmark_closes, benchmark_of
from engine.sim.result import SimResult
from engine.store import ledger, runs, specs
from engine.store.db import Store
from engine.store.models import RunRow

METRIC_BARS = "max_drawdown_bars"


def keep_run(
    store: Store,
    spec: StrategySpec,
    pack: Pack,
    result: SimResult,
    *,
    origin: str = "run",
    sweep_id: str | None = None,
    rank: int | None = None,
) -> RunRow:
    """Commit a run with all its artifacts; the same run again returns the row that is there.

    sweep_id, rank : the sweep that keeps it, from then on also where the run was there before, and its place there.

    The config is charged to its idea family in the trial ledger first: a run that fails to be kept was still tried.
    """
    saved = specs.save_spec(
        store,
        spec_hash=spec_hash(spec),
        canonical=canonical_json(spec),
        name=spec.name,
        slug=spec.slug,
        idea_family=spec.family,
    )
    row = runs.new_run(
        store,
        spec_hash=saved.hash,
        pack_hash=pack.hash,
        engine=result.engine,
        engine_version=__version__,
        settings={},
        seed=result.seed,
        symbols=list(spec.universe),
        timeframe=spec.timeframe,
        window_start=pack.window_start.isoformat(),
        window_end=pack.window_end.isoformat(),
        source=pack.source,
        metrics=result.metrics,
        marks=result.marks,
        sweep_id=sweep_id,
        status="ruined" if "ruined" in result.marks else "done",
    )
    ledger.charge(store, spec.family, pack.hash, [trading_hash(spec)], origin, sweep_id or row.id)
    with runs.staged(store, row.id) as folder:
        write_artifacts(
            folder,
            canonical(spec),
            run_settings(spec, pack, result),
            result,
            benchmark_closes(store.settings, spec, pack),
            f"{', '.join(spec.universe)} {spec.timeframe}",
        )
        return runs.commit_run(store, row, folder, rank=rank)


def run_settings(spec: StrategySpec, pack: Pack, result: SimResult) -> dict[str, Any]:
    """settings.json: what a run was made from; no clock, no path."""
    drawdown = result.max_drawdown_bars
    return {
        "argus_version": __version__,
        "benchmark": benchmark_of(spec),
        "cash_rate": spec.backtest.cash_rate_pct / 100,
        "currency": result.currency,
        "engine": result.engine,
        "initial_cash": result.initial_cash,
        METRIC_BARS: drawdown if drawdown == drawdown else None,
        "pack_hash": pack.hash,
        "periods_per_year": periods_per_year(pack, spec),
        "seed": result.seed,
        "source": pack.source,
        "spec_hash": result.spec_hash,
        "symbols": list(spec.universe),
        "timeframe": spec.timeframe,
        "window_end": pack.window_end.isoformat(),
        "window_start": pack.window_start.isoformat(),
    }


def periods_per_year(pack: Pack, spec: StrategySpec) -> float:
    """Sessions a year of the first symbol's kind."""
    from engine.core.instruments import instrument

    first = pack.bars(spec.universe[0], spec.timeframe)
    return float(instrument(first.symbol, first.kind).sessions_per_year)
