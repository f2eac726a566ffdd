"""The files of one run."""

import datetime as dt
import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engine.metrics.names import METRIC_NAMES
from engine.report.artifacts import artifact_bytes, write_artifacts
from engine.sim.result import TRADES_SCHEMA

NAMES = {
    "settings.json",
    "strategy_spec.json",
    "tearsheet.html",
    "tearsheet.csv",
    "trades.csv",
    "trades.html",
    "stats.csv",
    "trades.parquet",
    "fills.parquet",
    "equity.parquet",
    "skipped.parquet",
    "notes.json",
    "manifest.json",
}
SPEC = {"name": "=HYPERLINK(1)", "universe": ["SPY"]}
SETTINGS = {"source": "lean", "benchmark": "SPY"}


def test_every_artifact_is_written_and_the_manifest_holds_their_hashes(tmp_path, make_result):
    paths = write_artifacts(tmp_path / "run", SPEC, SETTINGS, make_result(), None, "SPY")
    assert {path.name for path in paths} == NAMES == {path.name for path in (tmp_path / "run").iterdir()}
    assert paths[-1].name == "manifest.json"
    manifest = json.loads(paths[-1].read_text())
    assert set(manifest["files"]) == NAMES - {"manifest.json"}
    for name, digest in manifest["files"].items():
        assert digest == hashlib.sha256((tmp_path / "run" / name).read_bytes()).hexdigest()


def test_the_same_inputs_give_the_same_bytes(tmp_path, make_result):
    first, second = (
        write_artifacts(tmp_path / name, SPEC, SETTINGS, make_result(n_open=1), None, "SPY")
        for name in ("a", "b")
    )
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_another_process_gives_the_same_bytes(tmp_path, make_result):
    write_artifacts(tmp_path, SPEC, SETTINGS, make_result(), None, "SPY")
    frames = {name: tmp_path / f"{name}.parquet" for name in ("trades", "fills", "equity")}
    code = (
        "import sys, hashlib, polars as pl\n"
        "from engine.report.artifacts import parquet_bytes\n"
        "for p in sys.argv[1:]: print(hashlib.sha256(parquet_bytes(pl.read_parquet(p))).hexdigest())"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77", "POLARS_MAX_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, frames.values())],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env=env,
    )
    assert done.stdout.split() == [hashlib.sha256(p.read_bytes()).hexdigest() for p in frames.values()]


def test_no_file_tells_where_when_or_by_whom_it_was_made(tmp_path, make_result):
    told = [str(tmp_path).encode(), socket.gethostname().encode(), str(Path.cwd()).encode()]
    told += [dt.date.today().isoformat().encode()]
    for path in write_artifacts(tmp_path / "run", SPEC, SETTINGS, make_result(), None, "SPY"):
        content = path.read_bytes()
        assert not [word for word in told if len(word) > 3 and word in content], path.name


def test_frames_come_back_as_they_were(tmp_path, make_result):
    result = make_result(n_open=1)
    write_artifacts(tmp_path, SPEC, SETTINGS, result, None, "SPY")
    back = pl.read_parquet(tmp_path / "trades.parquet")
    assert back.schema == TRADES_SCHEMA
    assert back.equals(result.trades)


def test_formulas_are_neutralised_in_every_csv(make_result):
    result = make_result(symbol="=1+1", reason="@SUM(A1)", notes=("+x",))
    contents = artifact_bytes(SPEC, SETTINGS, result, None, "SPY")
    for name in ("tearsheet.csv", "trades.csv", "stats.csv"):
        for line in contents[name].decode().splitlines():
            assert not any(cell.lstrip('"')[:1] in ("=", "@") for cell in line.split(",")), (name, line)


def test_tearsheet_csv_holds_every_metric_with_undefined_ones_empty(make_result):
    contents = artifact_bytes(SPEC, SETTINGS, make_result([], curve=[100_000.0] * 5), None, "SPY")
    frame = pl.read_csv(contents["tearsheet.csv"])
    assert tuple(frame["metric"]) == METRIC_NAMES
    values = dict(zip(frame["metric"], frame["value"], strict=True))
    assert values["total_return"] == 0.0
    assert values["sharpe"] is None


def test_stats_csv_is_a_row_a_session_with_the_benchmark(make_result):
    result = make_result()
    benchmark = result.equity.select("session", pl.col("equity").alias("close"))
    frame = pl.read_csv(artifact_bytes(SPEC, SETTINGS, result, benchmark, "SPY")["stats.csv"])
    assert frame.columns == [
        "session", "equity", "cash", "drawdown", "exposure", "return_frac", "benchmark_equity",
    ]  # fmt: skip
    assert len(frame) == len(result.equity)
    assert frame["return_frac"][0] == pytest.approx(0.004)
    assert frame["benchmark_equity"][0] == pytest.approx(100_000.0)


def test_settings_that_are_not_json_are_refused(tmp_path, make_result):
    with pytest.raises(ValueError, match="JSON"):
        write_artifacts(tmp_path, SPEC, {"x": float("nan")}, make_result(), None, "SPY")
    assert not list(tmp_path.iterdir())
