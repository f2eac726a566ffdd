"""Imports that are cancelled or killed leave nothing or all; large files need bounded memory."""

import subprocess
import sys
import textwrap
import threading
import time

import polars as pl
import psutil
import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.data import catalog
from engine.data.importers import ImportCancelled
from tests.fixtures.vendor_files import POLYGON_HEADER, bring, lean_minutes, state_of, write

BEGIN = 1380844800 * 10**9  # 2013-10-04 00:00 UTC


def flat_file(path, n_tickers, n_minutes=900):
    """A flat file of n_tickers x n_minutes rows, prices random enough to compress as real ones do."""
    frame = pl.DataFrame({"i": range(n_tickers * n_minutes)})
    price = (pl.col("i").hash(1) % 100_000 + 10_000) / 10_000
    text = frame.select(
        ("T" + (pl.col("i") // n_minutes).cast(pl.String).str.zfill(5)).alias("ticker"),
        (pl.col("i").hash(2) % 100_000).alias("volume"),
        price.alias("open"),
        price.alias("close"),
        (price + 0.01).round(4).alias("high"),
        (price - 0.01).round(4).alias("low"),
        (BEGIN + (pl.col("i") % n_minutes).cast(pl.Int64) * 60_000_000_000).alias("window_start"),
        pl.lit(1).alias("transactions"),
    ).write_csv(include_header=False)
    return write(path, POLYGON_HEADER + text)


def test_cancel_is_asked_often_and_leaves_nothing(tmp_path):
    path = flat_file(tmp_path / "day.csv.gz", 400)
    asked = []

    def cancelled():
        asked.append(time.monotonic())
        return len(asked) > 12

    with pytest.raises(ImportCancelled):
        bring(tmp_path / "home", "polygon", path, cancelled=cancelled)
    assert max(b - a for a, b in zip(asked, asked[1:], strict=False)) < 1.0
    assert [p for p in (tmp_path / "home/market").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("at", ["reading", "merging", "publishing"])
def test_an_import_can_be_cancelled_at_every_stage(tmp_path, at):
    lean_minutes(tmp_path / "first", "34200000,10000,10000,10000,10000,5\n", day="20131003")
    bring(tmp_path / "home", "lean", tmp_path / "first")
    before = state_of(tmp_path / "home/market")
    lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n")
    notes = []

    def cancelled():
        stage = "reading" if notes and notes[-1].startswith("SPY") else notes[-1].split()[0] if notes else ""
        return stage == at

    with pytest.raises(ImportCancelled):
        bring(
            tmp_path / "home",
            "lean",
            tmp_path / "lean",
            cancelled=cancelled,
            progress=lambda meter: notes.append(meter.note),
        )
    assert state_of(tmp_path / "home/market") == before


def test_progress_runs_from_nothing_to_all_bytes(tmp_path):
    path = flat_file(tmp_path / "day.csv.gz", 100)
    told = []
    bring(tmp_path / "home", "polygon", path, progress=lambda meter: told.append((meter.done, meter.total)))
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


# The child stops for a moment at a named step, so that the kill falls there.
CHILD = textwrap.dedent(
    """
    import sys, time, datetime as dt
    from pathlib import Path
    from engine.core.settings import Settings
    from engine.data import partitions, staging
    from engine.data.importers import import_path
    home, path, stop_at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    def stop():
        print("stopped", flush=True)
        time.sleep(60)
    if stop_at.isdecimal():  # within the publication, after so many renames
        moved, real = [0], partitions.move_into_place
        def counting(temporary, final):
            real(temporary, final)
            moved[0] += 1
            if moved[0] == int(stop_at):
                stop()
        partitions.move_into_place = counting
    def progress(meter):
        if meter.note.split()[0] == stop_at or (stop_at == "reading" and meter.done):
            stop()
    import_path(Settings(home), "polygon", path, progress=progress, now=dt.datetime.now(dt.UTC))
    """
)


@pytest.mark.parametrize("stop_at", ["reading", "merging", "publishing", "1", "2", "3"])
def test_a_killed_import_leaves_nothing_or_all(tmp_path, stop_at):
    rows = "".join(
        f"SPY,5,1,1,1,1,{BEGIN + day * 86_400_000_000_000 + 14 * 3_600_000_000_000},3\n" for day in range(3)
    )
    path = write(tmp_path / "days.csv.gz", POLYGON_HEADER + rows)
    home = tmp_path / "home"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(path), stop_at], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"stopped\n"
    child.kill()
    child.wait()
    child.stdout.close()
    committed = stop_at.isdecimal()  # the first rename is commit.json's own
    series = catalog.series(Settings(home), "polygon")
    assert [one.n_rows for one in series] == ([3] if committed else [])
    stored = list((home / "market").rglob("2013-10-*.parquet"))
    assert len([p for p in stored if ".staging" not in p.parts]) == (3 if committed else 0)
    report = bring(home, "polygon", path)
    assert report.n_new == (0 if committed else 3)
    assert list((home / "market/.staging").iterdir()) == []
    assert [one.n_rows for one in catalog.series(Settings(home), "polygon")] == [3]


def test_two_imports_into_one_source_at_once_lose_nothing(tmp_path):
    paths = [flat_file(tmp_path / f"{i}.csv", 20, 50) for i in range(2)]
    second = paths[1].read_text().replace("T000", "U000")
    paths[1].write_text(second)
    threads = [threading.Thread(target=bring, args=(tmp_path / "home", "polygon", p)) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = catalog.series(Settings(tmp_path / "home"), "polygon")
    assert (len(found), sum(one.n_rows for one in found)) == (40, 2000)
    assert len(catalog.import_records(Settings(tmp_path / "home"), "polygon")) == 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    """Peaks of two imports, three times apart in size, each in a process of its own."""
    peaks = []
    for n_tickers in (700, 2_100):  # 40 MB and 120 MB of text
        path = flat_file(tmp_path / f"{n_tickers}.csv", n_tickers)
        code = CHILD.replace(
            'meter.note.split()[0] == stop_at or (stop_at == "reading" and meter.done)', "False"
        )
        child = psutil.Popen(
            [sys.executable, "-c", code, str(tmp_path / f"home{n_tickers}"), str(path), "never"], cwd=CHECKOUT
        )
        peak = 0
        while child.poll() is None:
            try:
                peak = max(peak, child.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
        assert child.wait() == 0
        peaks.append(peak / 1e6)
    assert peaks[1] < 1_000
    assert peaks[1] < peaks[0] * 1.8


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path, monkeypatch):
    from engine.core.errors import ArgusError
    from engine.data.partitions import PartWriter

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n")
    monkeypatch.setattr(PartWriter, "write", full)
    with pytest.raises(ArgusError, match="No space left on device"):
        bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert [p for p in (tmp_path / "home/market").rglob("*") if p.is_file()] == []
