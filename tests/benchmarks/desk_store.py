"""A store as a busy desk has it: 100,000 runs of hundreds of spec versions, thousands of sweeps, a sweep of a million.

Rows are drawn and written in bulk. Only the newest runs have artifacts; these are what a benchmark opens.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from engine.core.settings import Settings
from engine.core.spec_text import canonical, canonical_json, load_spec, spec_hash
from engine.metrics.names import METRIC_NAMES
from engine.store.db import Store, open_store, write
from engine.store.models import JobRow, RunRow, RunSymbol, SpecVersion, SweepRow, SweepRun
from tests.fixtures.runs import Drawn, keep_drawn

ROOT = Path(__file__).resolve().parents[2]
STAMP = "desk.json"  # beside the store: what it was built with, and what to open
STRATEGIES = ("SMA crossover", "RSI reversion", "Opening range", "Second chance", "Gap fade", "Trend pullback",
              "Dow regime", "Turn of month", "Breakout 55", "Pairs spread", "Vol target", "Overnight hold")  # fmt: skip
SYMBOLS = ("SPY", "QQQ", "IWM", "DIA", "AAPL", "MSFT", "AMD", "NVDA", "AMZN", "META", "GOOG", "TSLA", "JPM", "XOM",
           "KO", "PEP", "WMT", "COST", "NFLX", "INTC", "ES", "NQ", "RTY", "YM", "GC", "CL", "MES", "MNQ", "EURUSD",
           "GBPUSD", "USDJPY", "XAUUSD", "TLT", "GLD", "SLV", "USO", "XLF", "XLE", "XLK", "XLV")  # fmt: skip
SOURCES = ("lean", "lean", "polygon", "csv:desk", "SYNTHETIC")
CHUNK = 5_000
FIRST = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
VERSIONS_EACH = 30
RUNS_A_SWEEP = 20
N_OPENED = 6


@dataclass(frozen=True)
class Desk:
    """A built store and what a benchmark opens in it."""

    home: Path
    runs: tuple[str, ...]  # with artifacts: ten years of sessions, 400 trades
    spec: str  # hash of a version
    sweep: str | None  # the large one


def build(home: Path, n_runs: int, n_configs: int, n_sessions: int = 2520) -> Desk:
    """The desk in this folder; built when it is not there in these sizes yet."""
    sizes = {"runs": n_runs, "configs": n_configs, "sessions": n_sessions}
    stamp = home / STAMP
    known = json.loads(stamp.read_text("utf-8")) if stamp.exists() else {}
    if known.get("sizes") != sizes:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise SystemExit(f"{home}: holds something else. Give --home an empty folder.")
        known = {"sizes": sizes} | _fill(open_store(Settings(home)), n_runs, n_configs, n_sessions)
        stamp.write_text(json.dumps(known), "utf-8")
    return Desk(home, tuple(known["runs"]), known["spec"], known["sweep"])


def _fill(store: Store, n_runs: int, n_configs: int, n_sessions: int) -> dict[str, Any]:
    rng = random.Random(3)
    specs = _specs()
    n_sweeps = max(1, n_runs // 2 // RUNS_A_SWEEP)
    _insert(store, SpecVersion, iter(specs))
    _insert(store, SweepRow, _sweeps(n_sweeps, specs, rng))
    _insert(store, RunRow, _runs(n_runs, n_sweeps, specs, rng))
    _insert(store, RunSymbol, ({"symbol": _symbol(i), "run_id": f"{i:016x}"} for i in range(n_runs)))
    _insert(store, SweepRun, _kept(n_runs, n_sweeps))
    _insert(store, JobRow, _jobs())
    opened = [keep_drawn(store, _opened(i, specs, n_sessions)).id for i in range(N_OPENED)]
    sweep = _large_sweep(store, n_configs) if n_configs else None
    store.close()
    return {"runs": opened, "spec": specs[-1]["hash"], "sweep": sweep}


def _large_sweep(store: Store, n_configs: int) -> str:
    from tests.fixtures.sweeps import draw_sweep

    return str(draw_sweep(store, n_configs).id)


def _insert(store: Store, table: type, rows: Iterator[dict[str, Any]]) -> None:
    """Rows in few statements; every row names the same columns."""
    with write(store) as session:
        # A gigabyte: the run table has 25 indexes, whose pages would be written again and again.
        session.connection().exec_driver_sql("PRAGMA cache_size = -1000000")
        while chunk := [row for _, row in zip(range(CHUNK), rows, strict=False)]:
            session.execute(insert(table), chunk)


def _specs() -> list[dict[str, Any]]:
    """Versions of a dozen strategies, each a valid spec."""
    base = canonical(load_spec(ROOT / "specs" / "sma_crossover.json"))
    rows = []
    for i in range(len(STRATEGIES) * VERSIONS_EACH):
        name, version = STRATEGIES[i % len(STRATEGIES)], i // len(STRATEGIES)
        spec = _varied(base, name, version, i)
        rows.append(
            {
                "hash": spec_hash(spec),
                "canonical": canonical_json(spec),
                "name": name,
                "slug": _slug(name),
                "idea_family": _slug(name),
                "created_at": FIRST + timedelta(hours=i),
            }
        )
    return rows


def _varied(base: dict[str, Any], name: str, version: int, i: int) -> Any:
    from engine.core.spec import StrategySpec

    tree = json.loads(json.dumps(base))
    tree |= {"name": name, "slug": _slug(name), "idea_family": _slug(name), "universe": [_symbol(i)]}
    for part in ("entry", "risk_exits"):
        tree[part]["signal_logic"][0]["params"]["length"] = 5 + version
        tree[part]["signal_logic"][0]["target"]["params"]["length"] = 60 + i % 40
    return StrategySpec.model_validate(tree)


def _sweeps(n: int, specs: list[dict[str, Any]], rng: random.Random) -> Iterator[dict[str, Any]]:
    axes = [
        {
            "name": "fast",
            "paths": ["entry.signal_logic.0.params.length", "risk_exits.signal_logic.0.params.length"],
            "values": list(range(5, 65, 5)),
        }
    ]
    for i in range(n):
        at = FIRST + timedelta(hours=2 * i)
        yield {
            "id": _sweep_id(i),
            "spec_hash": specs[i % len(specs)]["hash"],
            "grid": {"axes": axes, "where": []},
            "pack_hash": f"{i % 50:064x}",
            "engine": "native",
            "engine_version": "0.1.0",
            "settings": {},
            "seed": 0,
            "n_configs": 12,
            "n_done": 12,
            "status": "done",
            "seconds": rng.uniform(1, 90),
            "results": f"sweeps/{_sweep_id(i)}/results.parquet",
            "best": None,
            "created_at": at,
            "finished_at": at + timedelta(minutes=2),
        }


def _runs(n: int, n_sweeps: int, specs: list[dict[str, Any]], rng: random.Random) -> Iterator[dict[str, Any]]:
    for i in range(n):
        spec, source = specs[i * 7 % len(specs)], SOURCES[i % len(SOURCES)]
        metrics = _metrics(rng)
        yield {
            "id": f"{i:016x}",
            "spec_hash": spec["hash"],
            "name": spec["name"],
            "slug": spec["slug"],
            "idea_family": spec["idea_family"],
            "pack_hash": f"{i % 50:064x}",
            "engine": "reference" if i % 40 == 0 else "vectorbt" if i % 25 == 0 else "native",
            "engine_version": "0.1.0",
            "settings": {"initial_cash": 100_000.0, "source": source},
            "seed": i,
            "symbols": [_symbol(i)],
            "timeframe": ("1D", "1h", "15m", "5m")[i % 4],
            "window_start": "2015-01-02",
            "window_end": "2024-12-31",
            "source": source,
            "marks": ["SYNTHETIC"] if source == "SYNTHETIC" else [],
            "metrics": metrics,
            "artifacts": f"runs/{i:016x}",
            "manifest_sha256": "0" * 64,
            "sweep_id": _swept_by(i, n_sweeps),
            "status": "ruined" if i % 300 == 0 else "done",
            "created_at": FIRST + timedelta(minutes=3 * i),
        } | metrics


def _kept(n: int, n_sweeps: int) -> Iterator[dict[str, Any]]:
    """Every run by the sweep that made it; every tenth by a second one too."""
    for i in range(n):
        made_by = _swept_by(i, n_sweeps)
        for sweep in {made_by, _sweep_id(i % n_sweeps) if i % 10 == 0 else None} - {None}:
            yield {"sweep_id": sweep, "run_id": f"{i:016x}", "rank": None}


def _swept_by(i: int, n_sweeps: int) -> str | None:
    return _sweep_id(i // 2 % n_sweeps) if i % 2 else None


def _metrics(rng: random.Random) -> dict[str, float | int | None]:
    """Figures that belong together: return, volatility, Sharpe; every fiftieth run made no trade."""
    if rng.random() < 0.02:
        return dict.fromkeys(METRIC_NAMES) | {
            "total_return": 0.0,
            "cagr": 0.0,
            "n_trades": 0,
            "max_drawdown": 0.0,
        }
    volatility, sharpe = rng.uniform(0.05, 0.35), rng.gauss(0.4, 0.6)
    cagr = volatility * sharpe
    drawdown = -min(0.95, volatility * rng.uniform(0.8, 3.0))
    n_trades = int(rng.lognormvariate(4.5, 1.0)) + 1
    return {
        "total_return": (1 + max(cagr, -0.5)) ** 10 - 1,
        "cagr": cagr,
        "sharpe": sharpe,
        "sortino": sharpe * 1.4,
        "calmar": cagr / -drawdown,
        "max_drawdown": drawdown,
        "volatility": volatility,
        "win_rate": rng.betavariate(8, 8),
        "profit_factor": max(0.1, 1 + 0.5 * sharpe + rng.gauss(0, 0.1)),
        "n_trades": n_trades,
        "avg_trade": cagr * 10 / n_trades,
        "exposure": rng.random(),
        "fees": n_trades * 2.0,
        "slippage": n_trades * 3.0,
    }


def _jobs(n: int = 40) -> Iterator[dict[str, Any]]:
    statuses = ("done", "done", "done", "failed", "cancelled")
    for i in range(n):
        at, status = FIRST + timedelta(days=i), statuses[i % len(statuses)]
        yield {
            "kind": ("sweep", "run", "import")[i % 3],
            "title": f"{STRATEGIES[i % len(STRATEGIES)]}, {_symbol(i)}",
            "payload": {"n": i},
            "status": status,
            "attempt": 1,
            "error": "SPY: no bars in 2031. Import them on the Data page." if status == "failed" else None,
            "created_at": at,
            "not_before": at,
            "started_at": at,
            "finished_at": at + timedelta(minutes=4),
        }


def _opened(i: int, specs: list[dict[str, Any]], n_sessions: int) -> Drawn:
    spec = json.loads(specs[i]["canonical"])
    return Drawn(
        name=spec["name"], symbol=SYMBOLS[0], source="SYNTHETIC" if i == N_OPENED - 1 else "lean", seed=i,
        n_sessions=n_sessions, n_trades=min(400, n_sessions // 2),
        spec={key: value for key, value in spec.items() if key not in ("name", "universe", "timeframe")},
    )  # fmt: skip


def _slug(name: str) -> str:
    return name.lower().replace(" ", "_")


def _symbol(i: int) -> str:
    return SYMBOLS[i * 13 % len(SYMBOLS)]


def _sweep_id(i: int) -> str:
    return f"5{i:015x}"
