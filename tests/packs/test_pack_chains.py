"""Chains in packs: their hash, their files, how they are built, cut off and checked."""

import datetime as dt
import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.core.chains import PM
from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import read_chain
from engine.packs.alter import changed_after, cut_after
from engine.packs.build import build_pack
from engine.packs.chains import ROW_ARRAYS, arrays_of
from engine.packs.disk import load_pack, save_pack
from engine.packs.pack import ChainRequest, canonical_json, pack_from_series
from engine.packs.verify import check_pack, verify_pack
from tests.fixtures.bars import make_sessions, random_series
from tests.fixtures.chain_rows import option_rows, random_chain, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.vendor_files import bring, real_data

SESSIONS = make_sessions(4)


def bars(seed=1):
    return random_series(np.random.default_rng(seed), n_sessions=4, timeframe="1h", symbol="AAA")


def pack_of(chain=None, series=None):
    series = series or bars()
    dates = series.sessions.date
    return pack_from_series([series], day_of(dates[0]), day_of(dates[-1]), chains=[chain] if chain else [])


def same_chains(one, two):
    assert (one.symbol, one.timeframe, one.source, list(one.by_session)) == (
        two.symbol, two.timeframe, two.source, list(two.by_session)
    )  # fmt: skip
    for i, session in one.by_session.items():
        other = two.by_session[i]
        assert session.contracts.root == other.contracts.root
        for name, values in vars(session.contracts).items():
            if isinstance(values, np.ndarray):
                assert values.dtype == getattr(other.contracts, name).dtype
                assert np.array_equal(values, getattr(other.contracts, name)), name
        for name in ("start", *ROW_ARRAYS, "open_interest", "underlying"):
            left, right = getattr(session, name), getattr(other, name)
            assert (left is None) == (right is None)
            if left is not None:
                assert left.dtype == right.dtype
                assert right.flags.writeable
                assert type(right) is np.ndarray
                assert np.array_equal(left, right, equal_nan=True), name


# ---------------------------------------------------------------- hash


def test_a_pack_without_chains_keeps_the_hash_it_had_before_there_were_chains():
    # computed with the code of before (commit 491bcfc), for the same bars
    assert pack_of().hash == "b6d9653bd99025ac5c14f01aaa020b35a98f9808945f141b51ab04efac95021f"


def test_the_bytes_of_a_chain_follow_those_of_the_bars_in_the_order_that_is_written_down():
    sessions = make_sessions(1)
    chain = random_chain(3, sessions, timeframe="1D", strikes=[100.0])
    pack = pack_from_series([], day_of(sessions.date[0]), day_of(sessions.date[0]), chains=[chain])
    one = chain.by_session[0]
    header = {
        "format": "argus-pack-1", "source": "TEST", "window": ["2021-03-08", "2021-03-08"], "series": [],
        "dividends": [], "rolls": [],
        "chains": [{
            "symbol": "AAA", "timeframe": "1D", "calendar": sessions.calendar, "timezone": "America/New_York",
            "sessions": 1, "arrays": ["open_bid", "open_ask", "close_bid", "close_ask", "open_interest"],
            "shapes": [[0, 2, 1]],
        }],
    }  # fmt: skip
    expiry = (dt.date(2021, 3, 15) - dt.date(1970, 1, 1)).days
    closes = (
        int(dt.datetime(2021, 3, 15, 20, tzinfo=dt.UTC).timestamp()) * 10**9
    )  # 16:00 New York, summer time
    packed = canonical_json(header)
    packed += struct.pack(
        "<iqq?", int(sessions.date[0]), int(sessions.open_ns[0]), int(sessions.close_ns[0]), False
    )
    packed += struct.pack("<q", int(sessions.open_ns[0]))
    packed += struct.pack(
        "<2i2d2?2b2q2d2?",
        expiry,
        expiry,
        100.0,
        100.0,
        False,
        True,
        0,
        0,
        closes,
        closes,
        100.0,
        100.0,
        False,
        False,
    )
    packed += b"AAA\nAAA\n"
    for name in ("open_bid", "open_ask", "close_bid", "close_ask", "open_interest"):
        values = getattr(one, name).reshape(-1)
        packed += b"".join(
            struct.pack("<I", 0x7FC00000) if np.isnan(v) else struct.pack("<f", v) for v in values
        )
    assert pack.hash == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("name", ["open_bid", "close_ask", "open_interest"])
def test_one_changed_quote_changes_the_hash(name):
    chain = random_chain(1, SESSIONS)
    one = chain.by_session[2]
    values = getattr(one, name).copy()
    at = np.flatnonzero(np.isfinite(values.reshape(-1)))[0]
    values.reshape(-1)[at] += np.float32(0.01)
    other = replace(chain, by_session={**chain.by_session, 2: replace(one, **{name: values})})
    assert len({pack_of().hash, pack_of(chain).hash, pack_of(other).hash}) == 3


def test_a_chain_of_another_source_is_refused():
    with pytest.raises(DataError, match="a pack holds one source"):
        pack_of(replace(random_chain(1, SESSIONS), source="OTHER"))


def test_a_chain_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"options of BBB: not in pack .* chains there: AAA"):
        pack_of(random_chain(1, SESSIONS)).chain("BBB")


# ---------------------------------------------------------------- disk


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), timeframe=st.sampled_from(["1min", "1h", "1D"]))
def test_what_is_saved_comes_back(tmp_path_factory, seed, timeframe):
    home = Settings(tmp_path_factory.mktemp("home"))
    pack = pack_of(random_chain(seed, SESSIONS, timeframe=timeframe))
    save_pack(home, pack)
    loaded = load_pack(home, pack.hash)
    same_chains(pack.chains["AAA"], loaded.chains["AAA"])
    assert verify_pack(home, pack.hash).is_sound


def test_changes_to_a_loaded_chain_stay_in_memory(tmp_path):
    home = Settings(tmp_path)
    pack = pack_of(random_chain(1, SESSIONS))
    save_pack(home, pack)
    load_pack(home, pack.hash).chains["AAA"].by_session[0].open_bid[:] = 7.0
    assert verify_pack(home, pack.hash).is_sound


@pytest.mark.parametrize("file", ["01_AAA_options.close_bid.npy", "01_AAA_options.contracts.parquet"])
@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_damaged_file_of_a_chain_is_an_error_that_names_it(tmp_path, file, damage):
    home = Settings(tmp_path)
    path = save_pack(home, pack_of(random_chain(1, SESSIONS))) / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-400] if damage == "cut" else b"x" * 64)
    with pytest.raises(DataError, match=rf"{file}: damaged pack"):
        load_pack(home, path.parent.name)
    assert not verify_pack(home, path.parent.name).is_sound


def test_a_quote_that_changed_on_the_disk_is_found(tmp_path):
    home = Settings(tmp_path)
    path = save_pack(home, pack_of(random_chain(1, SESSIONS))) / "01_AAA_options.close_bid.npy"
    raw = bytearray(path.read_bytes())
    raw[-4:] = struct.pack("<f", 1.25)
    path.write_bytes(bytes(raw))
    assert "values hash to" in verify_pack(home, path.parent.name).problems[0]


def test_problems_of_chains_are_found():
    chain = random_chain(1, SESSIONS)
    one = chain.by_session[0]
    bid = one.open_bid.copy()
    bid[0, 0] = -1.0
    listed = one.contracts
    upside_down = replace(listed, strike=listed.strike[::-1].copy())
    broken = replace(one, open_bid=bid, start=one.start + 1, contracts=upside_down)
    problems = " ".join(check_pack(pack_of(replace(chain, by_session={0: broken}))))
    for part in ("not the calendar's schedule", "open_bid below zero", "contracts out of order"):
        assert part in problems
    assert not check_pack(pack_of(chain))


# ---------------------------------------------------------------- the future


def test_a_chain_cut_off_knows_the_quotes_at_the_start_of_a_bar_and_not_at_its_end():
    pack = pack_of(random_chain(1, SESSIONS))
    chain = pack.chains["AAA"]
    at = int(chain.by_session[2].start[3])
    cut = cut_after(pack, at).chains["AAA"]
    assert list(cut.by_session) == [0, 2]
    opened, was = cut.by_session[2], chain.by_session[2]
    assert np.array_equal(opened.open_bid[:, :4], was.open_bid[:, :4], equal_nan=True)
    assert np.isnan(opened.open_bid[:, 4:]).all()
    assert np.array_equal(opened.close_ask[:, :3], was.close_ask[:, :3], equal_nan=True)
    assert np.isnan(opened.close_ask[:, 3:]).all()


def test_a_snapshot_is_known_at_the_close_of_its_session():
    pack = pack_of(random_chain(1, SESSIONS, timeframe="1D"))
    at = int(SESSIONS.close_ns[2])
    assert np.isnan(cut_after(pack, at - 1).chains["AAA"].by_session[2].open_bid).all()
    kept = cut_after(pack, at).chains["AAA"].by_session[2]
    assert np.array_equal(kept.open_bid, pack.chains["AAA"].by_session[2].open_bid, equal_nan=True)


def test_a_changed_future_leaves_the_past_alone():
    pack = pack_of(random_chain(1, SESSIONS))
    chain = pack.chains["AAA"]
    at = int(chain.by_session[2].start[3])
    changed = changed_after(pack, at, np.random.default_rng(1)).chains["AAA"]
    same, other = changed.by_session[2], chain.by_session[2]
    assert np.array_equal(same.close_bid[:, :3], other.close_bid[:, :3], equal_nan=True)
    assert not np.array_equal(same.close_bid[:, 3:], other.close_bid[:, 3:], equal_nan=True)
    assert np.array_equal(changed.by_session[0].close_bid, chain.by_session[0].close_bid, equal_nan=True)


# ---------------------------------------------------------------- built from the store

DAYS = [dt.date(2023, 11, 21), dt.date(2023, 11, 22), dt.date(2023, 11, 24)]  # the 23rd is Thanksgiving


def ns(day, clock):
    """UTC ns of a New York winter clock reading."""
    return int(dt.datetime.fromisoformat(f"{day} {clock}-05:00").timestamp()) * 10**9


@pytest.fixture
def store(tmp_path):
    """AAA trades at 100 on three days; its chain has a near and a far strike, a near and a far expiration."""
    home = Settings(tmp_path)
    for day in DAYS:
        store_rows(home, "mine", "equity", "1D", flat_rows([ns(day, "09:30")]))
        for contract in (("2023-11-24", 100.0, "C"), ("2023-11-24", 130.0, "C"), ("2024-06-21", 100.0, "P")):
            if day == DAYS[2] and contract[1] == 130.0:
                continue
            starts = [ns(day, "09:30"), ns(day, "12:59"), ns(day, "16:00")]
            quotes = {
                "bid_open": [1.0, 1.5, 9.0],
                "bid_close": [1.25, None, 9.0],
                "ask_open": [2.0, None, 9.0],
            }
            rows = option_rows(contract, starts, **quotes)
            store_options(home, "mine", "1min", rows, quotes=True)
    interest = option_rows(("2023-11-24", 100.0, "C"), [ns(DAYS[0], "09:30")], open_interest=[42.0])
    store_options(home, "mine", "1D", interest)
    return home


def built(store, **limits):
    pack = build_pack(
        store, source="mine", requests=[("AAA", "1D")], window_start=DAYS[0], window_end=DAYS[2],
        chains=[ChainRequest("AAA", "5min", **limits)],
    )  # fmt: skip
    return pack.chains["AAA"]


def test_rows_lie_on_their_minutes_and_nothing_is_carried(store):
    chain = built(store)
    assert chain.timeframe == "1min"  # decisions of 5 minutes ask for the minute's quotes
    one = chain.by_session[0]
    assert one.open_bid.shape == (3, 390)
    assert one.open_bid[0, [0, 1, 209]].tolist() == pytest.approx([1.0, np.nan, 1.5], nan_ok=True)
    assert one.close_bid[0, [0, 209]].tolist() == pytest.approx([1.25, np.nan], nan_ok=True)
    assert np.isnan(one.close_ask).all()
    assert one.open_interest.tolist() == pytest.approx([42.0, np.nan, np.nan], nan_ok=True)
    assert chain.by_session[2].open_bid.shape == (2, 210)  # the Friday after Thanksgiving closes at 13:00


def test_time_value_ends_with_the_session_early_closes_included(store):
    one = built(store).by_session[0].contracts
    assert one.expiry.tolist()[:2] == [(DAYS[2] - dt.date(1970, 1, 1)).days] * 2
    assert one.expires_at.tolist()[0] == ns(DAYS[2], "13:00")
    assert one.strike.tolist() == [100.0, 130.0, 100.0]
    assert one.is_call.tolist() == [True, True, False]


def test_limits_keep_near_strikes_and_days(store):
    assert [len(s.contracts) for s in built(store, max_days=30).by_session.values()] == [2, 2, 1]
    assert [len(s.contracts) for s in built(store, width_frac=0.1).by_session.values()] == [2, 2, 2]


def test_a_contract_that_was_inside_the_limits_stays_until_it_expires(tmp_path):
    home = Settings(tmp_path)
    for day, price in zip(DAYS, (100.0, 150.0, 150.0), strict=True):
        store_rows(home, "mine", "equity", "1D", flat_rows([ns(day, "09:30")], price))
        for strike in (100.0, 101.0, 150.0):
            if strike != 101.0 or day != DAYS[0]:
                rows = option_rows(("2024-06-21", strike, "C"), [ns(day, "09:30")], bid_open=[1.0])
                store_options(home, "mine", "1min", rows, quotes=True)
    strikes = [s.contracts.strike.tolist() for s in built(home, width_frac=0.1).by_session.values()]
    assert strikes == [[100.0], [100.0, 150.0], [100.0, 150.0]]


def test_a_request_without_a_chain_says_what_there_is(store):
    with pytest.raises(DataError, match=r"options of SPX: source mine has none\. Import some"):
        build_pack(store, source="mine", requests=[("AAA", "1D")], window_start=DAYS[0], window_end=DAYS[2],
                   chains=[ChainRequest("SPX")])  # fmt: skip
    store_rows(store, "mine", "equity", "1D", flat_rows([ns(dt.date(2023, 12, 1), "09:30")]))
    with pytest.raises(DataError, match=r"no quotes or trades for 2023-12-01.*It has 1D 2023-11-21"):
        build_pack(store, source="mine", requests=[("AAA", "1D")], window_start=dt.date(2023, 12, 1),
                   window_end=dt.date(2023, 12, 1), chains=[ChainRequest("AAA")])  # fmt: skip


def test_a_pack_with_chains_is_built_shown_and_verified_from_the_command_line(store, capsys, monkeypatch):
    monkeypatch.setenv("ARGUS_HOME", str(store.home))
    asked = ["--symbols", "AAA", "--timeframes", "1D", "--start", str(DAYS[0]), "--end", str(DAYS[2])]
    assert (
        main(
            [
                "pack",
                "build",
                *asked,
                "--source",
                "mine",
                "--chains",
                "--max-days",
                "30",
                "--width",
                "10",
                "--json",
            ]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["chains"] == [{
        "symbol": "AAA", "timeframe": "1min", "sessions": 3, "sessions_with_chains": 3, "contracts": 3,
        "has_quotes": True,
    }]  # fmt: skip
    assert main(["pack", "verify", told["hash"]]) == 0
    assert main(["pack", "build", *asked, "--width", "10"]) == 2
    assert "Add --chains" in capsys.readouterr().err


# ---------------------------------------------------------------- real chains


def test_real_minute_quotes_of_twx(tmp_path):
    bring(tmp_path, "lean", real_data() / "lean", symbols=["TWX"])
    pack = build_pack(
        Settings(tmp_path), source="lean", requests=[("TWX", "1min")], window_start=dt.date(2014, 6, 5),
        window_end=dt.date(2014, 6, 6), chains=[ChainRequest("TWX")],
    )  # fmt: skip
    chain = pack.chains["TWX"]
    one = chain.by_session[1]
    listed = one.contracts
    assert len(listed) == 184
    # listed to Saturday 2014-06-21: the last day is Friday the 20th, its close 16:00 New York (UTC-4)
    at = position(listed, "2014-06-20", 70.0, True)
    assert listed.expires_at[at] == int(dt.datetime(2014, 6, 20, 20, tzinfo=dt.UTC).timestamp()) * 10**9
    # 20140606_twx_minute_quote_american_call_700000_20140621.csv, line 1 (09:30):
    # 34200000,16900,17500,16000,17300,61,19400,24800,19000,19200,159
    first = [one.open_bid[at, 0], one.close_bid[at, 0], one.open_ask[at, 0], one.close_ask[at, 0]]
    assert [round(float(v), 4) for v in first] == [1.69, 1.73, 1.94, 1.92]
    # docs/facts: both sides are there in 22 % of the minutes of the two days
    both = [np.isfinite(s.close_bid) & np.isfinite(s.close_ask) for s in chain.by_session.values()]
    assert np.mean(both) == pytest.approx(0.22, abs=0.01)
    assert (
        next(note for note in pack.notes if note.startswith("TWX options"))
        == "TWX options 1min: 2 of 2 sessions, 184 contracts each; 221 rows outside sessions left out"
    )


def position(contracts, expiry, strike, is_call):
    """Index of a contract by its last day."""
    day = (dt.date.fromisoformat(expiry) - dt.date(1970, 1, 1)).days
    found = np.flatnonzero(
        (contracts.expiry == day) & (contracts.strike == strike) & (contracts.is_call == is_call)
    )
    assert len(found) == 1
    return int(found[0])


def test_real_snapshots_of_spxw_are_settled_on_the_close_and_tell_their_underlying(tmp_path):
    bring(tmp_path, "eod-options", real_data() / "eod_options", symbols=["SPX"])
    pack = build_pack(
        Settings(tmp_path), source="eod-options", requests=[], window_start=dt.date(2018, 1, 2),
        window_end=dt.date(2018, 2, 28), chains=[ChainRequest("SPX", "1D")],
    )  # fmt: skip
    chain = pack.chain("SPX")
    assert (chain.is_snapshot, len(chain.by_session)) == (True, 40)
    # SPXW,2648.98,W,SPXW180228P02500000,,put,02/28/2018,02/05/2018,2500,42.5,45.1,55,12046,12350,...
    one = next(
        s for i, s in chain.by_session.items() if day_of(chain.sessions.date[i]) == dt.date(2018, 2, 5)
    )
    at = position(one.contracts, "2018-02-28", 2500.0, False)
    told = [
        one.open_bid[at, 0],
        one.close_ask[at, 0],
        one.last_trade[at, 0],
        one.volume[at, 0],
        one.open_interest[at],
    ]
    assert [round(float(v), 4) for v in told] == [45.1, 55.0, 42.5, 12046, 12350]
    assert one.underlying.tolist() == [2648.98]
    assert (one.contracts.root[at], one.contracts.settlement[at]) == ("SPXW", PM)
    closes = (
        int(dt.datetime(2018, 2, 28, 21, tzinfo=dt.UTC).timestamp()) * 10**9
    )  # 16:00 New York, winter time
    assert one.contracts.expires_at[at] == closes


def test_real_snapshots_of_spy(tmp_path):
    bring(tmp_path, "eod-options", real_data() / "eod_options", symbols=["SPY"])
    pack = build_pack(
        Settings(tmp_path), source="eod-options", requests=[("SPY", "1D")], window_start=dt.date(2021, 12, 1),
        window_end=dt.date(2021, 12, 31), chains=[ChainRequest("SPY", "1D")],
    )  # fmt: skip
    spy = pack.chains["SPY"]
    # SPY,474.96,SPY220331C00500000,call,2022-03-31,2021-12-31,500.0,3.32,3.28,3.33,9510,1556,...
    last = spy.by_session[21]
    at = position(last.contracts, "2022-03-31", 500.0, True)
    told = [last.open_bid[at, 0], last.close_ask[at, 0], last.last_trade[at, 0], last.open_interest[at]]
    assert [round(float(v), 4) for v in told] == [3.28, 3.33, 3.32, 1556]
    assert last.underlying.tolist() == [474.96]
    assert arrays_of(spy) == [*ROW_ARRAYS, "open_interest", "underlying"]


# ---------------------------------------------------------------- after the close of stocks


@pytest.mark.parametrize(("symbol", "outside", "late"), [("SPY", 2, 2), ("AAA", 4, 0)])
def test_rows_of_the_quarter_hour_after_the_close_are_told_apart_and_left_out(
    tmp_path, symbol, outside, late
):
    day = dt.date(2023, 8, 3)  # closes at 20:00 UTC
    close = int(dt.datetime(2023, 8, 3, 20, tzinfo=dt.UTC).timestamp()) * 10**9
    starts = [close + n * 60 * 10**9 for n in (-391, -1, 0, 14, 15)]  # 09:29, 15:59, 16:00, 16:14, 16:15
    quotes = {name: [1.0] * 5 for name in ("bid_open", "bid_close", "ask_open", "ask_close")}
    rows = option_rows(("2023-08-18", 450.0, "C"), starts, symbol=symbol, **quotes)
    store_options(Settings(tmp_path), "mine", "1min", rows, quotes=True)
    served = read_chain(Settings(tmp_path), "mine", symbol, "1min", sessions_of("XNYS", day, day))
    assert (served.outside_rows, served.late_rows) == (outside, late)
    assert np.isfinite(served.series.by_session[0].close_bid).sum() == 1
    assert ("2 rows of the 15 minutes after the close left out" in served.note) == bool(late)


def test_minutes_after_the_close_are_known_in_real_quotes_of_spy(tmp_path):
    bring(tmp_path, "lean", real_data() / "lean/option/usa/minute/spy")
    day = dt.date(2023, 8, 3)
    served = read_chain(Settings(tmp_path), "lean", "SPY", "1min", sessions_of("XNYS", day, day))
    assert (served.outside_rows, served.late_rows) == (0, 67)
