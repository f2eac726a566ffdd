"""Merging into the store: a property over random imports, and names."""

import datetime as dt
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import catalog, merge, partitions
from engine.data.partitions import parts, read_part, session_date, source_root
from engine.data.schemas import conform, dataset_name, parse_dataset, schema_of
from engine.data.staging import ensure_published, source_lock, staging
from tests.fixtures.vendor_files import state_of

UTC = pl.Datetime("ns", "UTC")
BEGIN = int(dt.datetime(2013, 10, 4, 19, 0, tzinfo=dt.UTC).timestamp()) * 10**9

bars = st.dictionaries(
    st.tuples(st.sampled_from(["AA", "B", "SPY"]), st.integers(0, 30)), st.integers(1, 5), max_size=25
)


def frame_of(chosen):
    """Rows of {(symbol, quarter of an hour): price}: about eight hours over two session dates."""
    rows = [(s, BEGIN + i * 15 * 60 * 10**9, *[float(p)] * 4, 1.0) for (s, i), p in sorted(chosen.items())]
    names = {
        "symbol": pl.String,
        "start": pl.Int64,
        **dict.fromkeys(["open", "high", "low", "close", "volume"], pl.Float64),
    }
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("start").cast(UTC))


def put(where, chosen, at_once=3):
    """Stage and publish; several flushes."""
    with staging(where, "test") as stage:
        items = sorted(chosen.items())
        for i in range(0, len(items), at_once):
            stage.add("equities_min", conform(frame_of(dict(items[i : i + at_once])), "equity"))
            stage.flush()
        with source_lock(where, "test"):
            tallies = merge.merge(stage, lambda _: None)
            catalog.stage_update(stage, tallies, [])
            stage.publish()
    return tallies


def stored(where):
    root = source_root(where, "test")
    found = [read_part(path, "equities_min") for _, path in parts(root, "equities_min")]
    return {
        (r["symbol"], (int(r["start"].timestamp()) * 10**9 - BEGIN) // (900 * 10**9)): r["close"]
        for f in found
        for r in f.iter_rows(named=True)
    }


@given(st.lists(bars, min_size=1, max_size=4), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_the_store_is_the_union_of_all_imports_and_the_last_one_wins(tmp_path_factory, imports, rows_at_once):
    where = Settings(tmp_path_factory.mktemp("home"))
    expected, original = {}, merge.ROWS_AT_ONCE
    merge.ROWS_AT_ONCE = rows_at_once  # many ranges of symbols
    try:
        for chosen in imports:
            tallies = put(where, chosen)
            n_new = len(chosen.keys() - expected.keys())
            n_replaced = sum(expected.get(key, price) != price for key, price in chosen.items())
            expected |= chosen
            assert sum(t.n_new for t in tallies.values()) == n_new
            assert sum(t.n_replaced for t in tallies.values()) == n_replaced
    finally:
        merge.ROWS_AT_ONCE = original
    assert stored(where) == expected
    root = source_root(where, "test")
    for key, path in parts(root, "equities_min"):
        rows = read_part(path, "equities_min")
        assert rows.select("symbol", "start").equals(
            rows.select("symbol", "start").unique().sort("symbol", "start")
        )
        assert set(rows.select(session_date("equity").cast(pl.String)).to_series()) == {key}
    if expected:
        kept = pl.read_parquet(root / "catalog.parquet")
        assert kept.equals(catalog.scan(root))
    before = state_of(where.market)
    put(where, imports[-1])
    assert state_of(where.market) == before


@given(bars.filter(bool))
@settings(max_examples=10, deadline=None)
def test_the_same_rows_give_the_same_bytes_however_they_came(tmp_path_factory, chosen):
    one, two = Settings(tmp_path_factory.mktemp("one")), Settings(tmp_path_factory.mktemp("two"))
    put(one, chosen, at_once=100)
    half = dict(sorted(chosen.items())[::2])
    put(two, half, at_once=1)
    put(two, chosen, at_once=2)

    def content(where):
        return {name: raw for name, (_, raw) in state_of(where.market / "test" / "equities_min").items()}

    assert content(one) == content(two)


def test_a_committed_import_whose_process_died_is_carried_through_by_the_next_reader(tmp_path):
    where = Settings(tmp_path)
    with staging(where, "test") as stage:
        stage.add("equities_min", conform(frame_of({("SPY", 0): 1, ("SPY", 30): 2}), "equity"))
        stage.flush()
        with source_lock(where, "test"):
            catalog.stage_update(stage, merge.merge(stage, lambda _: None), [])
            names = [p.relative_to(stage.ready).as_posix() for p in stage.ready.rglob("*") if p.is_file()]
            # as `publish` does, and dies after its first rename
            (stage.folder / "commit.json").write_text(json.dumps({"source": "test", "files": names}))
            partitions.move_into_place(stage.ready / names[0], stage.root / names[0])
    assert len(catalog.series(where, "test")) == 1
    assert stored(where) == {("SPY", 0): 1.0, ("SPY", 30): 2.0}
    ensure_published(where, "test")
    assert [p for p in (where.market / ".staging").iterdir() if p.is_dir()] == []


def test_twenty_four_hour_sessions_agree_with_the_calendars(tmp_path):
    from engine.data.calendars import sessions

    for calendar, kind in (("FOREX", "forex"), ("METALS", "cfd"), ("CMES", "future"), ("XNYS", "equity")):
        table = sessions(calendar, dt.date(2012, 1, 1), dt.date(2021, 12, 31))
        dates = pl.Series(table.date).cast(pl.Date)
        for instants in (table.open_ns, table.close_ns - 60 * 10**9):
            starts = pl.DataFrame({"start": pl.Series(instants).cast(UTC)})
            assert starts.select(session_date(kind)).to_series().equals(dates), calendar


# ---------------------------------------------------------------- names


def test_datasets_are_named_as_the_example_specs_name_them():
    assert [
        dataset_name("equity", "1min"),
        dataset_name("equity", "5min"),
        dataset_name("option", "1min"),
    ] == [
        "equities_min",
        "equities_5min",
        "options_min",
    ]
    assert parse_dataset("futures_hour") == ("future", "1h", False)
    assert "contract" in schema_of("futures_min").names
    with pytest.raises(DataError, match="not a dataset"):
        parse_dataset("equities_2min")
