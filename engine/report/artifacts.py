"""The files of one run. The same inputs give the same bytes: no clock, path or host name in them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.durable import sync_folder, write_atomically
from engine.metrics.names import METRICS
from engine.report import summary, tearsheet
from engine.report.exports import csv_bytes
from engine.report.notes import notes_of
from engine.sim.result import SimResult

MANIFEST = "manifest.json"


def write_artifacts(
    folder: Path,
    spec_json: Mapping[str, Any],
    settings_json: Mapping[str, Any],
    result: SimResult,
    benchmark: pl.DataFrame | None = None,
    label: str = "",
) -> list[Path]:
    """Write a run's artifacts into `folder` (made if needed) and return their paths, manifest.json last.

    spec_json, settings_json : JSON objects without NaN; settings may name `source`, `benchmark`,
    `periods_per_year` and `cash_rate`.
    benchmark : session, close of the benchmark (see summary.benchmark_curve), or None.
    label : what was traded, in a few words, for the head of the pages.

    Each file is written beside its place, synced and renamed, the manifest after all others: a folder
    without a manifest is a run that was cut off. The manifest holds the sha256 of every file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = artifact_bytes(spec_json, settings_json, result, benchmark, label)
    contents[MANIFEST] = _manifest(result, contents)
    paths = [write_atomically(folder / name, content) for name, content in contents.items()]
    sync_folder(folder)
    return paths


def artifact_bytes(
    spec_json: Mapping[str, Any],
    settings_json: Mapping[str, Any],
    result: SimResult,
    benchmark: pl.DataFrame | None,
    label: str,
) -> dict[str, bytes]:
    """Content of every artifact by file name, the manifest excepted."""
    sheet = tearsheet.tearsheet_html(spec_json, settings_json, result, benchmark, label)
    trades_page = tearsheet.trades_html(spec_json, settings_json, result, label)
    of_some = {"legs": result.legs, "positions": result.positions, "position_marks": result.position_marks,
               "position_greeks": result.position_greeks, "logic": result.logic, "calls": result.calls}  # fmt: skip
    calls = {} if result.calls is None else {"calls.csv": csv_bytes(result.calls)}
    return {
        "settings.json": json_bytes(settings_json),
        "strategy_spec.json": json_bytes(spec_json),
        "tearsheet.html": sheet.encode(),
        "tearsheet.csv": csv_bytes(metrics_frame(settings_json, result, benchmark)),
        "trades.csv": csv_bytes(result.trades),
        "trades.html": trades_page.encode(),
        "stats.csv": csv_bytes(stats_frame(result, benchmark)),
        "trades.parquet": parquet_bytes(result.trades),
        "fills.parquet": parquet_bytes(result.fills),
        "equity.parquet": parquet_bytes(result.equity),
        "skipped.parquet": parquet_bytes(result.skipped),
        **{f"{name}.parquet": parquet_bytes(table) for name, table in of_some.items() if table is not None},
        **calls,
        "notes.json": json_bytes({**notes_of(result)._asdict(), "marks": list(result.marks)}),
    }


def metrics_frame(
    settings: Mapping[str, Any], result: SimResult, benchmark: pl.DataFrame | None
) -> pl.DataFrame:
    """metric, label, unit, value, benchmark: the figures of tearsheet.csv; undefined is NaN."""
    beside = tearsheet.benchmark_metrics(settings, result, benchmark)
    nan = float("nan")
    return pl.DataFrame(
        [
            (m.name, m.label, m.unit, float(result.metrics.get(m.name, nan)), beside.get(m.name, nan))
            for m in METRICS
        ],
        schema={
            "metric": pl.String,
            "label": pl.String,
            "unit": pl.String,
            "value": pl.Float64,
            "benchmark": pl.Float64,
        },
        orient="row",
    )


def stats_frame(result: SimResult, benchmark: pl.DataFrame | None) -> pl.DataFrame:
    """session, equity, cash, drawdown, exposure, return_frac, benchmark_equity (null without one)."""
    returns = summary.daily_returns(result.equity, result.initial_cash)
    held = summary.benchmark_curve(result.equity, benchmark, result.initial_cash)
    beside = pl.lit(None, pl.Float64) if held is None else held["equity"]
    return result.equity.with_columns(returns["return_frac"], beside.alias("benchmark_equity"))


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """JSON for people and machines: two spaces, keys as they came, no NaN, a newline at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as parquet."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", compression_level=3, statistics=True)
    return buffer.getvalue()


def _manifest(result: SimResult, contents: Mapping[str, bytes]) -> bytes:
    files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    return json_bytes(
        {
            "manifest": 1,
            "spec_hash": result.spec_hash,
            "pack_hash": result.pack_hash,
            "engine": result.engine,
            "seed": result.seed,
            "files": files,
        }
    )
