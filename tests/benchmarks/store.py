"""How fast the store charges a million trials and filters a million runs.

    python tests/benchmarks/store.py [--rows 1000000] [--home DIR]

Not a test: it takes a few minutes. Figures are wall seconds of one process on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.core.settings import Settings
from engine.metrics.names import METRIC_NAMES
from engine.store import ledger, runs
from engine.store.db import Store, open_store, to_json, write
from engine.store.models import RunRow
from engine.store.runs import RunFilter

SYMBOLS = [f"S{i:03d}" for i in range(500)]
QUERIES: dict[str, Callable[[Store], object]] = {
    "newest 100": lambda s: runs.list_runs(s),
    "best 100 by sharpe": lambda s: runs.list_runs(s, order="sharpe"),
    "worst 100 by drawdown": lambda s: runs.list_runs(s, order="max_drawdown", descending=False),
    "best 100, common engine": lambda s: runs.list_runs(s, RunFilter(engines=["native"]), order="sharpe"),
    "best 100, rare engine": lambda s: runs.list_runs(s, RunFilter(engines=["lumibot"]), order="sharpe"),
    "best 100 of a symbol": lambda s: runs.list_runs(s, RunFilter(symbols=["S007"]), order="sharpe"),
    "best 100 of a sweep": lambda s: runs.list_runs(s, RunFilter(sweep_ids=["s5"]), order="sharpe"),
    "best 100, symbol, engine, source, KPIs": lambda s: runs.list_runs(
        s,
        RunFilter(
            symbols=["S007", "S008"],
            engines=["native"],
            sources=["lean"],
            at_least={"sharpe": 0.8, "n_trades": 100, "win_rate": 0.55, "max_drawdown": -0.2},
        ),
        order="sharpe",
    ),
    "best 100 by cagr, KPIs": lambda s: runs.list_runs(
        s, RunFilter(at_least={"sharpe": 0.8, "n_trades": 100, "win_rate": 0.55}), order="cagr"
    ),
    "page 50 of a family": lambda s: runs.list_runs(s, RunFilter(idea_families=["f3"]), offset=5000),
    "count all, to 10,000": lambda s: runs.count_runs(s),
    "count a symbol": lambda s: runs.count_runs(s, RunFilter(symbols=["S007"])),
    "count KPIs, to 10,000": lambda s: runs.count_runs(
        s, RunFilter(at_least={"sharpe": 0.8, "n_trades": 100})
    ),
    "distinct symbols": lambda s: runs.distinct(s, "symbol"),
    "distinct engines": lambda s: runs.distinct(s, "engine"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = open_store(Settings(args.home or Path(scratch)))
        figures: dict[str, Any] = {"rows": args.rows} | _ledger(store, args.rows) | _queries(store, args.rows)
        store.close()
    print(json.dumps(figures, indent=1))


def _ledger(store: Store, n_rows: int) -> dict[str, Any]:
    rng = random.Random(1)
    hashes = [rng.randbytes(32) for _ in range(n_rows)]
    before = _megabytes(store)
    first = _seconds(lambda: ledger.charge(store, "sma", "p" * 64, hashes, "sweep", "s"))
    megabytes = _megabytes(store) - before
    again = _seconds(lambda: ledger.charge(store, "sma", "p" * 64, hashes, "sweep", "s"))
    return {"charge_s": first, "charge_again_s": again, "ledger_mb": round(megabytes, 1)}


def _queries(store: Store, n_rows: int) -> dict[str, Any]:
    with write(store) as session:
        if session.get(RunRow, f"{0:016x}") is None:
            raw = session.connection().connection.cursor()
            raw.execute("PRAGMA cache_size = -1500000")  # 1.5 GB: a million rows with 25 indexes in one go
            raw.execute("INSERT INTO spec_version VALUES ('h', '{}', 'n', 's', 'f', '')")
            raw.execute("PRAGMA defer_foreign_keys = ON")
            columns = list(RunRow.model_fields)
            marks = ",".join("?" * len(columns))
            raw.executemany(f"INSERT INTO run ({','.join(columns)}) VALUES ({marks})", _rows(n_rows, columns))
            raw.executemany("INSERT INTO run_symbol VALUES (?, ?)", _run_symbols(n_rows))
            raw.executemany(
                "INSERT INTO sweep VALUES (?,'h','{}','p','native','1','{}',0,1,1,'done',1.0,'','{}','','','sharpe',5)",
                [(f"s{i}",) for i in range(1000)],
            )
            raw.execute("INSERT INTO sweep_run (sweep_id, run_id) SELECT sweep_id, id FROM run")
    return {name: _median_ms(lambda query=query: query(store)) for name, query in QUERIES.items()}  # type: ignore[misc]


def _rows(n_rows: int, columns: list[str]) -> Iterator[list[Any]]:
    rng = random.Random(2)
    settings = to_json({"initial_cash": 10_000, "costs": {"fee_per_share": 0.005}})
    for i in range(n_rows):
        metrics: dict[str, Any] = {name: rng.gauss(0, 1) for name in METRIC_NAMES}
        metrics |= {"n_trades": rng.randrange(400), "win_rate": rng.random(), "max_drawdown": -rng.random()}
        row = {
            "id": f"{i:016x}",
            "spec_hash": "h",
            "name": "n",
            "slug": f"s{i % 300}",
            "idea_family": f"f{i % 50}",
            "pack_hash": f"p{i % 100}",
            "engine": "lumibot" if i % 50_000 == 7 else "reference" if i % 10 == 0 else "native",
            "engine_version": "1",
            "settings": settings,
            "seed": i,
            "symbols": to_json([SYMBOLS[i % 500]]),
            "timeframe": "1h" if i % 3 else "1D",
            "window_start": "2020-01-01",
            "window_end": "2020-12-31",
            "source": "lean" if i % 4 else "SYNTHETIC",
            "marks": "[]",
            "metrics": to_json(metrics),
            "artifacts": f"runs/{i:016x}",
            "manifest_sha256": "0" * 64,
            "sweep_id": f"s{i % 1000}",
            "status": "done",
            "created_at": f"2024-01-01T00:00:00.{i:06d}+00:00"
            if i < 10**6
            else "2024-01-02T00:00:00.000000+00:00",
        } | metrics
        yield [row[name] for name in columns]


def _run_symbols(n_rows: int) -> Iterator[tuple[str, str]]:
    return ((SYMBOLS[i % 500], f"{i:016x}") for i in range(n_rows))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def _median_ms(query: Callable[[], object], n_times: int = 5) -> str:
    query()
    return f"{1e3 * statistics.median(_seconds_exact(query) for _ in range(n_times)):.1f} ms"


def _seconds_exact(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _megabytes(store: Store) -> float:
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return float(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one() / 1e6)


if __name__ == "__main__":
    main()
