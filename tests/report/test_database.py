"""One DuckDB file of everything, opened the way an analyst opens it."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import polars as pl
import pytest

from engine import cli
from engine.core.errors import ArgusError, BadInput
from engine.core.settings import Settings
from engine.data import catalog, partitions, readers
from engine.packs.synthetic import make_demo
from engine.report import database
from engine.store import sweeps
from engine.store.db import open_store
from tests.fixtures.chain_rows import option_rows, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.runs import Drawn, keep_drawn, workspace
from tests.fixtures.vendor_files import bring

HOUR = 3_600_000_000_000
SUNDAY_EVENING = 1_615_154_400_000_000_000  # 2021-03-07 22:00 UTC, 17:00 in New York: Monday's session


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The demo market, a pair of currencies, runs of two sources, and a sweep that is done."""
    settings = workspace(tmp_path_factory.mktemp("home"))
    make_demo(settings, quick=True, options=False)
    rows = flat_rows([SUNDAY_EVENING + i * HOUR for i in range(3)], symbol="EURUSD")
    store_rows(settings, "mine", "forex", "1h", rows.with_columns(bid_close=pl.col("close") - 0.5))
    opened = open_store(settings)
    run = keep_drawn(opened, Drawn())
    keep_drawn(opened, Drawn(name="Made up", source="SYNTHETIC", symbol="BBB", seed=2))
    keep_drawn(opened, Drawn(name="Idle", symbol="CCC", n_trades=0, seed=3))
    sweep = sweeps.create_sweep(
        opened, spec_hash=run.spec_hash, grid={"axes": []}, pack_hash=run.pack_hash, engine="native",
        engine_version="1", settings={}, seed=1, n_configs=2,
    )  # fmt: skip
    path = settings.sweeps / sweep.id / "results.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame(
        {
            "config": [0, 1],
            "param.fast": [5, 10],
            "param.Fast": [0.5, 1.5],
            "param.we\"ird'": ["a", "b"],
            "metric.sharpe": [1.25, float("nan")],
        }
    ).write_parquet(path)
    sweeps.finish(opened, sweep.id, seconds=1.0, results=f"sweeps/{sweep.id}/results.parquet")
    keep_drawn(opened, Drawn(sweep_id=sweep.id))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def exported(store, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "argus.duckdb"
    return database.export(store, path)


@pytest.fixture
def ask(exported):
    with duckdb.connect(str(exported.path), read_only=True) as db:
        yield lambda query: db.execute(query).fetchall()


def test_all_bars_are_there_with_their_source(ask, store):
    stored = {(s.source, s.symbol, s.timeframe): s.n_rows for s in catalog.series(store.settings)}
    found = ask("SELECT source, symbol, timeframe, count(*) FROM bars GROUP BY ALL")
    assert {(a, b, c): n for a, b, c, n in found} == stored
    assert ask("SELECT count(*) FROM series") == [(len(stored),)]


def test_bars_have_the_values_and_instants_of_the_store(ask, store):
    (one,) = [
        s for s in catalog.series(store.settings, "SYNTHETIC") if (s.symbol, s.timeframe) == ("SPY", "1min")
    ]
    rows = readers.read_rows(
        store.settings, "SYNTHETIC", "SPY", "equity", "1min", one.first.date(), one.last.date()
    )
    found = ask("SELECT start, close FROM bars WHERE symbol = 'SPY' AND timeframe = '1min' ORDER BY start")
    assert [at for at, _ in found] == rows["start"].dt.replace_time_zone(None).to_list()
    assert np.array_equal([close for _, close in found], rows["close"])


def test_bars_are_filed_under_the_sessions_of_the_store(ask, store):
    root = partitions.source_root(store.settings, "SYNTHETIC")
    keys = [key for key, _ in partitions.parts(root, "equities_min")]
    days = ask(
        "SELECT DISTINCT session_date FROM bars WHERE kind = 'equity' AND timeframe = '1min' ORDER BY 1"
    )
    assert [str(day) for (day,) in days] == keys
    # Sunday evening in New York belongs to Monday
    evening = ask(
        "SELECT DISTINCT session_date::VARCHAR FROM bars WHERE source = 'mine' AND symbol = 'EURUSD'"
    )
    assert evening == [("2021-03-08",)]


def test_a_run_made_by_hand_is_among_those_of_the_sweep_that_keeps_it(ask):
    kept = "SELECT runs.name, runs.sweep_id, rank FROM sweep_runs JOIN runs ON runs.id = run_id"
    assert ask(kept) == [("SMA crossover", None, None)]
    assert ask("SELECT rank_by FROM sweeps JOIN sweep_runs ON sweeps.id = sweep_id") == [("sharpe",)]


def chained(home):
    """A store with two contracts of SPX in days, and prints and quotes of one of AAA in minutes."""
    settings = Settings(home)
    day = [1_519_828_200_000_000_000]  # 2018-02-28 14:30 UTC, the open
    sides = {"bid_close": [1.0], "ask_close": [1.5], "open_interest": [7.0], "delta": [-0.25]}
    for root, expiry in (("SPX", "2018-03-16"), ("SPXW", "2018-03-02")):
        rows = option_rows((expiry, 2500.0, "P"), day, symbol="SPX", root=root, **sides)
        store_options(settings, "mine", "1D", rows)
    listed = ("2014-03-22", 16.9, "C")  # a Saturday, as monthlies were dated then
    starts = [1_394_802_000_000_000_000 + i * HOUR // 60 for i in range(2)]  # 2014-03-14 13:00 UTC on
    prices = {name: [2.0, 2.5] for name in ("open", "high", "low", "close")}
    store_options(settings, "mine", "1min", option_rows(listed, starts, **prices))
    quoted = option_rows(listed, starts, bid_open=[1.0, None], bid_close=[1.0, None], ask_open=[3.0, 3.0])
    store_options(settings, "mine", "1min", quoted, quotes=True)
    return settings


def test_chains_are_tables_of_rows_and_contracts(tmp_path):
    opened = open_store(chained(tmp_path / "home"))
    found = database.export(opened, tmp_path / "argus.duckdb")
    opened.close()
    assert (found.n_rows["option_rows"], found.n_rows["contracts"], found.n_rows["bars"]) == (6, 3, 0)
    with duckdb.connect(str(found.path), read_only=True) as db:
        told = db.execute(
            "SELECT ticker, symbol, last_day::VARCHAR, settlement, multiplier FROM contracts ORDER BY 1"
        )
        assert told.fetchall() == [
            ("AAA140322C00016900", "AAA", "2014-03-21", "pm", 100.0),
            ("SPX180316P02500000", "SPX", "2018-03-16", "am", 100.0),
            ("SPXW180302P02500000", "SPX", "2018-03-02", "pm", 100.0),
        ]
        rows = "SELECT quotes, count(*), count(close), count(bid_close), sum(open_interest) FROM option_rows "
        assert db.execute(rows + "WHERE symbol = 'AAA' GROUP BY 1 ORDER BY 1").fetchall() == [
            (False, 2, 2, 0, None), (True, 2, 0, 1, None),
        ]  # fmt: skip
        assert db.execute(rows + "WHERE symbol = 'SPX' GROUP BY 1").fetchall() == [(False, 2, 0, 2, 14.0)]
        day = db.execute(
            "SELECT start::VARCHAR, session_date::VARCHAR FROM option_rows WHERE symbol = 'SPX' LIMIT 1"
        )
        assert day.fetchall() == [("2018-02-28 14:30:00", "2018-02-28")]


def test_chains_can_be_narrowed_and_left_out(tmp_path):
    opened = open_store(chained(tmp_path / "home"))
    some = database.export(opened, tmp_path / "a.duckdb", symbols=["AAA"])
    none = database.export(opened, tmp_path / "b.duckdb", with_options=False)
    opened.close()
    assert (some.n_rows["option_rows"], some.n_rows["contracts"]) == (4, 1)
    assert (none.n_rows["option_rows"], none.n_rows["contracts"]) == (0, 0)


def test_interest_rates_are_there_in_percent(tmp_path):
    path = tmp_path / "interest-rate.csv"
    path.write_text("DATE,PCREDIT8\n2013-06-01,0.75\n2014-06-06,1.00\n")
    bring(tmp_path / "home", "lean", path)
    opened = open_store(Settings(tmp_path / "home"))
    found = database.export(opened, tmp_path / "argus.duckdb")
    opened.close()
    with duckdb.connect(str(found.path), read_only=True) as db:
        assert db.execute("SELECT source, name, day::VARCHAR, percent FROM rates").fetchall() == [
            ("lean", "PCREDIT8", "2013-06-01", 0.75), ("lean", "PCREDIT8", "2014-06-06", 1.0),
        ]  # fmt: skip


def test_what_a_kind_does_not_have_is_null(ask):
    counts = "SELECT count(bid_close), count(ask_close), count(contract) FROM bars"
    assert ask(f"{counts} WHERE source = 'mine' OR kind = 'equity'") == [(3, 0, 0)]


def test_runs_have_their_metrics_trades_and_equity(ask, store):
    joined = "runs r LEFT JOIN trades t ON t.run_id = r.id GROUP BY ALL ORDER BY ALL"
    sums = ask(f"SELECT r.name, r.source, r.n_trades, count(t.trade_id) FROM {joined}")
    # the last trade of each is open, and not counted in n_trades
    assert sums == [
        ("Idle", "TEST", 0.0, 0), ("Made up", "SYNTHETIC", 39.0, 40), ("SMA crossover", "TEST", 39.0, 40),
    ]  # fmt: skip
    assert ask("SELECT DISTINCT source FROM trades ORDER BY 1") == [("SYNTHETIC",), ("TEST",)]
    assert ask("SELECT run_id, count(*) FROM equity GROUP BY 1 HAVING count(*) <> 60") == []
    assert ask("SELECT symbols FROM runs WHERE name = 'Idle'") == [(["CCC"],)]


def test_undefined_metrics_are_null_and_not_zero(ask):
    assert ask("SELECT win_rate FROM runs WHERE name = 'Idle'") == [(None,)]
    assert ask("SELECT config, sharpe FROM sweep_results ORDER BY config") == [(0, 1.25), (1, None)]


def test_parameters_of_a_sweep_are_one_object_whatever_their_names(ask):
    (text,) = ask("SELECT params FROM sweep_results WHERE config = 1")[0]
    assert json.loads(text) == {"fast": 10, "Fast": 1.5, "we\"ird'": "b"}
    assert ask("SELECT params->>'fast' FROM sweep_results ORDER BY config") == [("5",), ("10",)]
    assert ask("SELECT DISTINCT source FROM sweep_results") == [("TEST",)]


def test_specs_are_there_as_they_were_hashed(ask):
    found = ask("SELECT s.spec->>'name' FROM runs r JOIN spec_versions s ON s.hash = r.spec_hash ORDER BY 1")
    assert found == [("Idle",), ("Made up",), ("SMA crossover",)]


def test_the_file_stands_alone(exported, tmp_path):
    moved = tmp_path / "elsewhere.duckdb"
    moved.write_bytes(exported.path.read_bytes())
    with duckdb.connect(str(moved), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)
        assert db.execute("SELECT value FROM about WHERE key = 'SYNTHETIC'").fetchone()
    assert [path.name for path in exported.path.parent.iterdir()] == ["argus.duckdb"]
    assert exported.n_rows["runs"] == 3


def test_bars_can_be_narrowed_and_left_out(store, tmp_path):
    some = database.export(store, tmp_path / "a.duckdb", source="SYNTHETIC", symbols=["SPY"])
    with duckdb.connect(str(some.path), read_only=True) as db:
        assert db.execute("SELECT DISTINCT source, symbol FROM bars").fetchall() == [("SYNTHETIC", "SPY")]
    none = database.export(store, tmp_path / "b.duckdb", with_bars=False)
    assert (none.n_rows["bars"], none.n_rows["runs"]) == (0, 3)
    with pytest.raises(BadInput, match="NONE: not in the store"):
        database.export(store, tmp_path / "c.duckdb", symbols=["NONE"])
    assert not (tmp_path / "c.duckdb").exists()


def test_a_file_that_exists_is_only_overwritten_by_force(store, tmp_path):
    path = tmp_path / "argus.duckdb"
    path.write_text("precious")
    with pytest.raises(BadInput, match=r"exists already.*--force"):
        database.export(store, path)
    assert path.read_text() == "precious"
    database.export(store, path, force=True, with_bars=False)
    with duckdb.connect(str(path), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (3,)


@pytest.mark.parametrize("name", ["nowhere/argus.duckdb", "."])
def test_a_place_that_cannot_be_written_is_one_line(store, tmp_path, name):
    with pytest.raises(BadInput):
        database.export(store, tmp_path / name)


@pytest.mark.parametrize("at", ["spec", "runs", "sweep", "trades", "bars", "writing"])
def test_an_export_that_is_broken_off_leaves_what_was_there(store, tmp_path, at):
    path = tmp_path / "argus.duckdb"
    path.write_text("before")

    def interrupt(line):
        if line.startswith(at):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.export(store, path, force=True, progress=interrupt)
    assert [one.name for one in tmp_path.iterdir()] == ["argus.duckdb"]
    assert path.read_text() == "before"


def test_what_a_killed_export_left_is_swept_up(store, tmp_path):
    (tmp_path / ".argus.duckdb.part").write_text("half")
    database.export(store, tmp_path / "argus.duckdb", with_bars=False)
    assert [one.name for one in tmp_path.iterdir()] == ["argus.duckdb"]


def test_two_exports_into_one_file_do_not_meet(store, tmp_path):
    path = tmp_path / "argus.duckdb"
    refused = []

    def second(line):
        if not refused:
            with pytest.raises(ArgusError, match="another export is writing it") as error:
                database.export(store, path)
            refused.append(error)

    database.export(store, path, with_bars=False, progress=second)
    assert refused


def test_a_damaged_partition_is_one_line_and_leaves_nothing(tmp_path):
    settings = Settings(tmp_path / "home")
    make_demo(settings, quick=True, options=False)
    victim = next((settings.market / "SYNTHETIC" / "equities_min").rglob("*.parquet"))
    victim.write_bytes(b"PAR1" + b"\0" * (victim.stat().st_size - 4))
    opened = open_store(settings)
    with pytest.raises(ArgusError) as error:
        database.export(opened, tmp_path / "argus.duckdb")
    opened.close()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "argus.duckdb").exists()


def test_a_run_without_its_files_is_told(tmp_path):
    opened = open_store(workspace(tmp_path / "home"))
    run = keep_drawn(opened, Drawn())
    (opened.settings.home / run.artifacts / "trades.parquet").unlink()
    found = database.export(opened, tmp_path / "argus.duckdb")
    opened.close()
    assert found.notes == ["trades: the files of 1 of 1 runs are missing"]
    assert found.n_rows["equity"] == 60


def test_the_command_line_says_what_went_in(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))
    make_demo(Settings(tmp_path / "home"), quick=True, options=False)
    path = tmp_path / "argus.duckdb"
    assert cli.main(["data", "export", "duckdb", str(path), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["path"] == str(path)
    # three stocks and a VIX x (days, and 10 sessions of 390 minutes); 10 sessions of 24 and of 23 hours by bid and ask
    assert told["n_rows"]["bars"] == 4 * (310 + 3900) + 10 * 60 * (24 + 23)
    assert cli.main(["data", "export", "duckdb", str(path)]) == 2
    assert "--force" in capfd.readouterr().err
    assert cli.main(["data", "export", "excel", str(path)]) == 2
