"""Trade calls in a pack: part of its hash, kept on disk, known from their own time on."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from engine.core.calls import CALL_ARRAYS
from engine.core.errors import DataError, NotFound
from engine.core.sessions import day_of, schedule
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.data.calendars import sessions as sessions_of
from engine.data.calls import save_calls
from engine.data.importers.calls import CallOptions, read_calls
from engine.packs.alter import changed_after, cut_after
from engine.packs.disk import load_pack, save_pack
from engine.packs.pack import pack_from_series
from engine.packs.verify import verify_pack
from engine.sim.calls import calls_for
from engine.sim.inputs import pack_for
from tests.fixtures.bars import make_sessions, random_series
from tests.fixtures.calls import at_ns, drawn_calls
from tests.fixtures.market import flat_rows, store_rows

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def series():
    made = random_series(np.random.default_rng(1), sessions=make_sessions(3), timeframe="5min")
    return replace(made, calls=drawn_calls(np.random.default_rng(2), made, 20))


def pack_of(series):
    dates = series.sessions.date
    return pack_from_series([series], day_of(dates[0]), day_of(dates[-1]))


def test_one_changed_value_of_a_call_changes_the_hash_and_a_pack_without_calls_keeps_its_own(series):
    hashes = {pack_of(series).hash, pack_of(replace(series, calls=None)).hash}
    for name in CALL_ARRAYS:
        values = getattr(series.calls, name).copy()
        values.flat[0] = values.flat[0] + 1 if values.dtype.kind == "i" else 123.0
        hashes.add(pack_of(replace(series, calls=replace(series.calls, **{name: values}))).hash)
    hashes.add(pack_of(replace(series, calls=replace(series.calls, name="other"))).hash)
    assert len(hashes) == 3 + len(CALL_ARRAYS)


def test_calls_come_back_from_disk_value_for_value(series, tmp_path):
    settings, pack = Settings(tmp_path), pack_of(series)
    save_pack(settings, pack)
    back = load_pack(settings, pack.hash).series["AAA", "5min"].calls
    assert (back.name, back.symbol) == (series.calls.name, series.calls.symbol)
    for name in CALL_ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(series.calls, name))
        assert getattr(back, name).dtype == getattr(series.calls, name).dtype
    assert verify_pack(settings, pack.hash).is_sound


def test_a_pack_that_is_cut_knows_no_later_call_and_a_changed_one_has_others(series):
    pack, calls = pack_of(series), series.calls
    at = int(calls.at[10])
    cut = cut_after(pack, at).series["AAA", "5min"].calls
    assert cut.row.tolist() == calls.row[:11].tolist()
    other = changed_after(pack, at, np.random.default_rng(3)).series["AAA", "5min"].calls
    np.testing.assert_array_equal(other.at[:11], calls.at[:11])
    np.testing.assert_array_equal(other.stop[:11], calls.stop[:11])
    assert (np.diff(other.at) >= 0).all() and (other.at[11:] > at).all()
    assert other.at[11:].tolist() != calls.at[11:].tolist()


@pytest.fixture
def store(tmp_path):
    """AAA and CCC on one day of minutes, and a set of calls on them and on others."""
    settings = Settings(tmp_path / "home")
    day = dt.date(2024, 3, 4)
    starts = schedule(sessions_of("XNYS", day, day), "1min").start
    for symbol in ("AAA", "CCC"):
        store_rows(settings, "mine", "equity", "1min", flat_rows(starts, symbol=symbol))
    path = tmp_path / "calls.csv"
    lines = ["2024-03-01 15:00,AAA,BUY", "2024-03-04 15:00,AAA,BUY", "2024-03-04 15:05,AAA.cash,CLOSE",
             "2024-03-04 15:10,BBB,BUY", "2024-03-04 15:10,CCC,WAIT"]  # fmt: skip
    path.write_text("\n".join(["time,symbol,action", *lines]) + "\n", "utf-8")
    save_calls(settings, "vip", read_calls(path, CallOptions(tz="UTC")), "UTC", NOW)
    return settings


SPEC = {
    "name": "s", "slug": "s", "universe": ["AAA", "CCC"], "timeframe": "1min", "direction": "both",
    "entry": {"logic": "signals_csv", "logic_params": {"calls": "vip"}},
}  # fmt: skip


def test_the_pack_of_a_spec_carries_the_calls_of_its_set_and_window_and_notes_the_others(store):
    pack = pack_for(store, build_spec(SPEC))
    assert pack.series["AAA", "1min"].calls.at.tolist() == [
        at_ns("2024-03-04T15:00"),
        at_ns("2024-03-04T15:05"),
    ]
    assert len(pack.series["CCC", "1min"].calls) == 0
    said = "\n".join(pack.notes)
    assert "calls vip: 5 rows, 3 taken, 1 repaired, 1 refused" in said
    assert "row 4 repaired: AAA.cash read as AAA" in said and "row 6 refused: action 'WAIT'" in said
    assert "1 on BBB not traded: it is not in the universe" in said
    assert "1 on AAA outside of the window, rows 2" in said


def test_a_later_import_under_the_same_name_leaves_earlier_packs_as_they_were(store, tmp_path):
    before = pack_for(store, build_spec(SPEC))
    path = tmp_path / "again.csv"
    path.write_text("time,symbol,action\n2024-03-04 16:00,AAA,SELL\n", "utf-8")
    save_calls(store, "vip", read_calls(path, CallOptions(tz="UTC")), "UTC", NOW)
    after = pack_for(store, build_spec(SPEC))
    assert after.hash != before.hash
    assert load_pack(store, before.hash).series["AAA", "1min"].calls.row.tolist() == [3, 4]


def test_calls_on_a_future_are_traded_in_the_size_of_the_account_and_the_notes_say_so(store, tmp_path):
    path = tmp_path / "futures.csv"
    path.write_text("time,symbol,action\n2024-03-04 15:00,NQ,BUY\n2024-03-04 16:00,MNQ1!,CLOSE\n", "utf-8")
    save_calls(store, "nq", read_calls(path, CallOptions(tz="UTC")), "UTC", NOW)
    tree = SPEC | {
        "universe": ["MNQ", "NQ"],
        "entry": {"logic": "signals_csv", "logic_params": {"calls": "nq"}},
    }
    for cash, traded, other in ((50_000.0, "MNQ", "NQ"), (100_000.0, "NQ", "MNQ")):
        asked = calls_for(store, build_spec(tree | {"backtest": {"cash": cash}}), "mine")
        assert {symbol: len(calls) for symbol, calls in asked.by_symbol.items()} == {traded: 2, other: 0}
        assert f"calls nq: 1 on {other} traded as {traded}, the size for this account" in asked.notes


def test_calls_of_the_demo_market_are_refused_on_prices_that_are_not(store):
    tree = SPEC | {"entry": {"logic": "signals_csv", "logic_params": {"calls": "synthetic"}}}
    with pytest.raises(DataError, match=r"calls synthetic: made up .* of mine. Set data.source to SYNTHETIC"):
        pack_for(store, build_spec(tree))
    with pytest.raises(NotFound, match="It comes with the demo market: `data demo`"):
        calls_for(store, build_spec(tree), "SYNTHETIC")
