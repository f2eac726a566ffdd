"""What a worker does for imports, packs and the demo market, seen through a Work that only listens."""

from __future__ import annotations

import pytest

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import catalog, inbox
from engine.data.calls import call_sets
from engine.loop.work import Cancelled, Work, calls, demo, export, import_, pack
from engine.loop.work import sweep as sweep_work
from engine.packs.disk import find_pack, load_pack
from engine.store.db import Store, open_store
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import Progress
from tests.data.test_import_interrupted import flat_file
from tests.fixtures.vendor_files import lean_minutes, write
from tests.sweep.conftest import sma, small_pack

BARS = "time,open,high,low,close,volume\n2024-03-04 14:30,1,2,0.5,1.5,10\n"
MINE = {"format": "csv", "tz": "UTC", "symbol": "ACME", "source": "mine"}


class Heard(Work):
    """Keeps what is reported, and is told to stop at a chosen moment."""

    def __init__(self, store: Store, payload: dict, stop_when=lambda stage: False) -> None:
        object.__setattr__(self, "store", store)
        object.__setattr__(self, "payload", payload)
        object.__setattr__(self, "reports", [])
        object.__setattr__(self, "bests", [])
        object.__setattr__(self, "stop_when", stop_when)

    def report(self, stage, n_done=0, n_total=None, rate=None, left_s=None, best=None):
        self.reports.append((stage, n_done, n_total))
        self.bests.append(best)

    def should_stop(self):
        return any(self.stop_when(stage) for stage, *_ in self.reports)

    def check(self):
        if self.should_stop():
            raise Cancelled


@pytest.fixture
def store(tmp_path):
    opened = open_store(Settings(tmp_path / "home"))
    yield opened
    opened.close()


def test_an_import_brings_the_series_and_says_which(store, tmp_path):
    path = write(tmp_path / "bars.csv", BARS)
    told = import_.work(Heard(store, MINE | {"path": str(path), "symbols": None}))
    assert (told["source"], told["n_files"], told["n_rows"], told["n_new"], told["n_series"]) == (
        "mine",
        1,
        1,
        1,
        1,
    )
    assert told["series"][0]["first"] == "2024-03-04T14:30:00+00:00"
    (one,) = catalog.series(store.settings)
    assert (one.source, one.symbol) == ("mine", "ACME")


def test_an_import_tells_files_while_it_reads_and_days_while_it_merges(store, tmp_path, monkeypatch):
    monkeypatch.setattr(import_, "REPORT_SECONDS", 0.0)
    for day in ("20131003", "20131004"):
        lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n", day=day)
    job = Heard(store, {"format": "lean", "path": str(tmp_path / "lean")})
    import_.work(job)
    files = [(done, total) for stage, done, total in job.reports if stage.startswith("reading files")]
    assert files[0] == (0, 2)
    assert files == sorted(files)
    assert files[-1] == (1, 2)  # the end of the last file is the beginning of merging
    days = [(stage, done, total) for stage, done, total in job.reports if stage.startswith("merging")]
    assert days[0] == ("merging equities_min 2013-10-03", 1, 2)
    assert days[-1] == ("merging equities_min 2013-10-04", 2, 2)


@pytest.mark.parametrize("stage", ["looking", "reading", "merging", "publishing"])
def test_a_cancelled_import_was_never_there(store, tmp_path, monkeypatch, stage):
    monkeypatch.setattr(import_, "REPORT_SECONDS", 0.0)
    path = flat_file(tmp_path / "day.csv.gz", 50)
    payload = {"format": "polygon", "path": str(path)}
    with pytest.raises(Cancelled):
        import_.work(Heard(store, payload, lambda told: told.startswith(stage) or f": {stage}" in told))
    assert catalog.series(store.settings) == []
    assert not list(store.settings.market.rglob("*.parquet"))
    assert import_.work(Heard(store, payload))["n_rows"] == 45_000


def test_a_failed_import_is_one_line(store, tmp_path):
    path = write(tmp_path / "bars.csv", BARS + "2024-03-04 14:30,1,2,0.5,1.5,10\n")
    with pytest.raises(DataError, match="row 3: duplicate bar"):
        import_.work(Heard(store, MINE | {"path": str(path)}))
    assert catalog.series(store.settings) == []


def test_a_dropped_file_is_gone_once_it_was_imported_and_stays_if_it_failed(store):
    bad = inbox.keep(store.settings, "bad.csv", BARS.replace("1.5", "-1").encode())
    with pytest.raises(DataError):
        import_.work(Heard(store, MINE | {"path": str(bad)}))
    assert bad.exists()
    good = inbox.keep(store.settings, "good.csv", BARS.encode())
    import_.work(Heard(store, MINE | {"path": str(good)}))
    assert not good.exists()


def test_the_demo_market_is_made_and_a_pack_of_it(store):
    told = demo.work(Heard(store, {"quick": True}))
    assert (told["source"], told["n_sessions"]) == ("SYNTHETIC", 10)
    job = Heard(
        store, {"symbols": ["SPY", "QQQ"], "timeframes": ["1min"], "start": "2023-08-01", "end": "2023-08-04"}
    )
    made = pack.work(job)
    # two symbols, four sessions of 390 minutes
    assert (made["source"], made["n_bars"]) == ("SYNTHETIC", 2 * 4 * 390)
    assert find_pack(store.settings, made["pack_hash"]).is_dir()
    assert job.reports[0] == ("pack: QQQ 1min (1 of 2)", 0, 2)

    with_chain = {"symbols": ["SPY"], "timeframes": ["30min"], "start": "2023-08-01", "end": "2023-08-02"}
    with_chain |= {"chains": {"symbols": ["SPY"], "max_days": 2, "width_pct": 1}}
    made = pack.work(Heard(store, with_chain))
    assert made["chains"] == ["SPY"]
    chain = load_pack(store.settings, made["pack_hash"]).chain("SPY")
    ahead = max(
        int((one.contracts.expiry - chain.sessions.date[i]).max()) for i, one in chain.by_session.items()
    )
    assert 0 < ahead <= 3  # a day more than asked, for those that are dated on a Saturday


def test_cancelled_demo_and_pack_leave_nothing(store):
    with pytest.raises(Cancelled):
        demo.work(Heard(store, {"quick": True}, lambda told: True))
    assert catalog.series(store.settings) == []
    demo.work(Heard(store, {"quick": True}))
    wanted = {"symbols": ["SPY", "QQQ"], "start": "2023-08-01", "end": "2023-08-04"}
    with pytest.raises(Cancelled):
        pack.work(Heard(store, wanted, lambda told: "1 of 2" in told))
    assert not list(store.settings.packs.glob("*"))


def test_a_pack_of_dates_that_are_none_is_one_line(store):
    demo.work(Heard(store, {"quick": True}))
    with pytest.raises(DataError, match="is not a date"):
        pack.work(Heard(store, {"symbols": ["SPY"], "start": "soon", "end": "2023-08-04"}))


def test_an_export_takes_the_place_of_the_one_before(store, tmp_path):
    path = write(tmp_path / "bars.csv", BARS)
    import_.work(Heard(store, MINE | {"path": str(path), "symbols": None}))
    told = export.work(Heard(store, {}))
    assert told["path"] == str(store.settings.exports / "argus.duckdb")
    assert (told["n_rows"]["bars"], told["notes"]) == (1, [])
    assert export.work(Heard(store, {"with_bars": False}))["n_rows"]["bars"] == 0
    assert [one.name for one in store.settings.exports.iterdir()] == ["argus.duckdb"]


def test_a_cancelled_export_leaves_what_was_there(store, tmp_path):
    path = write(tmp_path / "bars.csv", BARS)
    import_.work(Heard(store, MINE | {"path": str(path), "symbols": None}))
    before = export.work(Heard(store, {}))
    with pytest.raises(Cancelled):
        export.work(Heard(store, {}, stop_when=lambda stage: stage.startswith("bars")))
    path = store.settings.exports / "argus.duckdb"
    assert path.stat().st_size == before["n_bytes"]
    assert [one.name for one in store.settings.exports.iterdir()] == ["argus.duckdb"]


def test_trade_calls_are_kept_as_a_set_and_told(store, tmp_path):
    path = write(
        tmp_path / "vip.csv", "time,symbol,action\n2024-03-04 15:00,GOLD,BUY\n2024-03-04 15:00,GOLD,WAIT\n"
    )
    told = calls.work(
        Heard(store, {"path": str(path), "name": "vip", "tz": "UTC", "map": {}, "time_format": None})
    )
    assert (told["n_rows"], told["n_repaired"], told["n_refused"]) == (2, 1, 1)
    assert [one.name for one in call_sets(store.settings)] == ["vip"]


def test_the_best_so_far_of_a_sweep_says_whether_its_prices_are_made_up(store):
    heard, plan, made = Heard(store, {}), SweepPlan.of(sma()), small_pack()
    tell = sweep_work._options(heard, plan, made, "sharpe", 5).on_progress
    assert tell is not None
    tell(Progress(1, 10, 1.0, 9.0, (0, {"sharpe": float("nan")})))
    assert heard.bests[-1] == {
        "config": plan.grid.params(0), "metrics": {"sharpe": None}, "index": 0, "is_synthetic": made.is_synthetic,
    }  # fmt: skip
