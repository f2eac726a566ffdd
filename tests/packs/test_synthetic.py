import datetime as dt
import hashlib

import numpy as np
import polars as pl
import pytest

from engine.core.sessions import day_number, schedule
from engine.core.settings import CHECKOUT, Settings
from engine.core.spec_text import load_spec, with_overrides
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.calls import call_rows, find_set
from engine.data.coverage import coverage
from engine.data.readers import read_bars
from engine.packs.build import build_pack
from engine.packs.synthetic import SEED, ensure_demo, make_demo
from engine.packs.synthetic_calls import call_file
from engine.sim.inputs import pack_for
from tests.fixtures.market import flat_rows, store_rows

FIRST, LAST = dt.date(2023, 8, 1), dt.date(2024, 1, 22)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("demo"))
    made = make_demo(settings, options=False)
    return settings, made


@pytest.fixture(scope="module")
def minutes(whole):
    return {
        symbol: read_bars(whole[0], "SYNTHETIC", symbol, "1min", FIRST, LAST)
        for symbol in ("SPY", "QQQ", "AMD")
    }


@pytest.fixture(scope="module")
def quoted(whole):
    return {
        symbol: read_bars(whole[0], "SYNTHETIC", symbol, "1min", FIRST, LAST)
        for symbol in ("EURUSD", "XAUUSD")
    }


def digest(settings):
    files = sorted([*settings.market.rglob("*.parquet"), *settings.calls.glob("*.parquet")])
    return hashlib.sha256(b"".join(str(f.name).encode() + f.read_bytes() for f in files)).hexdigest()


def test_the_demo_lies_inside_the_windows_of_the_example_specs(whole):
    _, made = whole
    assert (made.first, made.last, made.n_sessions) == (FIRST, LAST, 120)  # specs: 2023-03-01..2024-02-08
    assert made.n_days == 3 * 420


def test_every_scheduled_bar_is_there_early_close_included(whole):
    settings, _ = whole
    for one in catalog.series(settings):
        found = coverage(settings, "SYNTHETIC", one.symbol, one.timeframe)
        assert (found.share, found.outside_rows) == (1.0, 0)
    found = coverage(settings, "SYNTHETIC", "SPY", "1min")
    assert found.expected[found.date == day_number(dt.date(2023, 11, 24))].tolist() == [210]
    found = coverage(
        settings, "SYNTHETIC", "XAUUSD", "1min"
    )  # Thanksgiving, on which stocks rest; 18:00 to 17:00
    assert found.expected[found.date == day_number(dt.date(2023, 11, 23))].tolist() == [23 * 60]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, two, three = (Settings(tmp_path / name) for name in "abc")
    make_demo(one, quick=True, options=False)
    make_demo(two, quick=True, options=False)
    make_demo(three, quick=True, options=False, seed=7)
    assert digest(one) == digest(two) != digest(three)
    make_demo(one, quick=True, options=False)
    assert digest(one) == digest(two)


def test_the_quick_market_is_the_beginning_of_the_whole(tmp_path, whole, minutes, quoted):
    quick = Settings(tmp_path)
    made = make_demo(quick, quick=True, options=False)
    assert made.n_sessions == 10
    for symbol, of_whole in {**minutes, **quoted}.items():
        found = read_bars(quick, "SYNTHETIC", symbol, "1min", FIRST, made.last)
        assert len(found) > 3_000 and found.equals(of_whole.head(len(found)))
    calls = call_rows(quick, "synthetic")
    assert 0 < len(calls) == made.n_calls and calls.equals(call_rows(whole[0], "synthetic").head(len(calls)))


def test_the_quick_market_over_the_whole_one_changes_nothing(whole):
    settings, made = whole
    before = digest(settings)
    assert make_demo(settings, quick=True, options=False).n_calls == made.n_calls
    assert digest(settings) == before


def test_prices_are_on_the_tick_and_bars_hold_together(minutes):
    for bars in minutes.values():
        opens, high, low, close = (bars[name].to_numpy() for name in ("open", "high", "low", "close"))
        for prices in (opens, high, low, close):
            assert np.array_equal(prices, np.round(prices, 2))
        assert np.all(low > 0)
        assert np.all(high >= np.maximum(opens, close))
        assert np.all(low <= np.minimum(opens, close))


def test_daily_bars_are_their_minutes(whole, minutes):
    days = read_bars(whole[0], "SYNTHETIC", "QQQ", "1D", FIRST, LAST)
    built = (
        minutes["QQQ"]
        .group_by("session_date", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
    )
    assert days.select(built.columns).equals(built)


def test_both_ends_of_a_session_are_lively(minutes):
    spy = minutes["SPY"].filter(pl.col("session_date") != dt.date(2023, 11, 24))
    size = (spy["high"] - spy["low"]).to_numpy().reshape(-1, 390).mean(axis=0)
    shares = spy["volume"].to_numpy().reshape(-1, 390).mean(axis=0)
    for shape in (size, shares):
        assert shape[:15].mean() > 1.5 * shape[150:240].mean()
        assert shape[-15:].mean() > 1.2 * shape[150:240].mean()


def test_the_market_has_the_habits_of_a_real_one(minutes):
    returns = {symbol: np.diff(np.log(bars["close"].to_numpy())) for symbol, bars in minutes.items()}
    volatility = {symbol: r.std() * np.sqrt(252 * 390) for symbol, r in returns.items()}
    assert 0.08 < volatility["SPY"] < 0.4
    assert volatility["SPY"] < volatility["QQQ"] < volatility["AMD"]
    assert np.corrcoef(returns["SPY"], returns["QQQ"])[0, 1] > 0.8
    assert 0.3 < np.corrcoef(returns["SPY"], returns["AMD"])[0, 1] < 0.95
    spy = returns["SPY"]
    assert np.mean((spy / spy.std()) ** 4) > 6  # normal: 3
    blocks = np.abs(spy[: len(spy) // 30 * 30]).reshape(-1, 30).mean(axis=1)
    assert np.corrcoef(blocks[:-13], blocks[13:])[0, 1] > 0.2  # the same half hour of the next day


def test_a_demo_is_made_only_where_there_is_no_market_data(tmp_path):
    settings = Settings(tmp_path)
    starts = schedule(sessions_of("XNYS", FIRST, FIRST), "1min").start
    store_rows(settings, "mine", "equity", "1min", flat_rows(starts))
    assert ensure_demo(settings) is None
    assert [one.source for one in catalog.series(settings)] == ["mine"]


def test_packs_of_the_demo_are_labelled(whole):
    pack = build_pack(
        whole[0],
        source="SYNTHETIC",
        requests=[("SPY", "5min"), ("SPY", "1D")],
        window_start=dt.date(2023, 11, 20),
        window_end=dt.date(2023, 11, 27),
        warmup_bars={("SPY", "1D"): 200},
    )
    assert pack.is_synthetic
    assert pack.series["SPY", "1D"].has_row.all()
    assert len(pack.series["SPY", "1D"]) == 205  # 20, 21, 22, 24 and 27 November
    assert pack.notes == ("SPY 5min: built from 1min rows", "SPY 1D: native rows")


def test_quotes_are_on_the_tick_and_bars_of_them_hold_together(quoted):
    for symbol, digits, usual in (("EURUSD", 5, 0.00011), ("XAUUSD", 3, 0.28)):
        side = {name: quoted[symbol].select(f"^{name}_.*$").to_numpy() for name in ("bid", "ask")}
        for prices in side.values():
            assert np.array_equal(prices, np.round(prices, digits))
            opens, high, low, close = prices.T
            assert np.all(high >= np.maximum(opens, close)) and np.all(low <= np.minimum(opens, close))
        spread = side["ask"] - side["bid"]
        assert np.all(spread > 0) and np.median(spread) == pytest.approx(usual, rel=0.1)
        mid = quoted[symbol].select("open", "high", "low", "close").to_numpy()
        assert np.array_equal(mid, (side["bid"] + side["ask"]) / 2)


def test_pairs_have_the_habits_of_real_ones(quoted):
    euro, gold = (quoted[symbol].select("start", "session_date", "close") for symbol in ("EURUSD", "XAUUSD"))
    both = euro.join(gold, on="start").sort("start")
    returns = [np.diff(np.log(both[name].to_numpy())) for name in ("close", "close_right")]
    volatility = [r.std() * np.sqrt(260 * 1380) for r in returns]
    assert 0.05 < volatility[0] < 0.11 < volatility[1] < 0.2
    assert 0.2 < np.corrcoef(returns)[0, 1] < 0.6
    hours = both["start"].dt.convert_time_zone("America/New_York").dt.hour().to_numpy()[1:]
    size = [np.abs(returns[0])[hours == hour].mean() for hour in (3, 9, 19)]  # London, New York, Asia
    assert min(size[:2]) > 1.4 * size[2]
    wide = quoted["EURUSD"].select((pl.col("ask_close") - pl.col("bid_close")).alias("spread"), "start")
    local = wide["start"].dt.convert_time_zone("America/New_York").dt.hour()
    assert wide["spread"].filter(local == 17).median() > 1.5 * wide["spread"].filter(local == 10).median()


def test_every_made_up_call_is_taken_and_of_what_was_known_when_it_was_sent(whole, quoted):
    made = find_set(whole[0], "synthetic")
    assert made.is_synthetic and (made.n_taken, made.n_refused, made.n_repaired) == (made.n_rows, 0, 0)
    assert 50 <= made.n_rows <= 120 and made.symbols == ("EURUSD", "XAUUSD")
    calls = call_rows(whole[0], "synthetic")
    assert set(calls["action"]) == {
        "buy", "sell", "buy limit", "sell limit", "buy stop", "sell stop", "close"
    }  # fmt: skip
    assert calls["target_5"].is_not_null().any() and calls["expires_at"].is_not_null().any()
    for one in calls.filter(pl.col("action").is_in(["buy", "sell"])).iter_rows(named=True):
        bars = quoted[one["symbol"]]
        known = bars.filter(pl.col("end") <= one["at"])["close"][-1]
        step = {"EURUSD": 0.0001, "XAUUSD": 0.5}[one["symbol"]]
        assert min(abs(one[name] - known) for name in ("low", "high")) <= step / 2 + 1e-9


def test_calls_do_not_know_what_comes_after_them(quoted):
    cut = pl.lit(dt.datetime(2023, 10, 2, 12, tzinfo=dt.UTC))
    prices = pl.col("high", "low", "close")
    other = {
        symbol: bars.with_columns(pl.when(pl.col("start") < cut).then(prices).otherwise(prices * 1.1))
        for symbol, bars in quoted.items()
    }
    one, two = (call_file(bars, SEED).splitlines()[1:] for bars in (quoted, other))
    before = [line for line in one if line < "2023-10-02 12:00"]
    assert len(before) > 10 and two[: len(before)] == before
    assert two[-1] != one[-1]


def test_signals_run_on_them_over_every_session_of_both(whole):
    spec = load_spec(CHECKOUT / "specs" / "signals.json")
    pack = pack_for(whole[0], with_overrides(spec, {"entry.logic_params.calls": "synthetic"}))
    assert pack.is_synthetic and (pack.window_start, pack.window_end) == (FIRST, LAST)
    assert not [note for note in pack.notes if "sessions of the window" in note]
    held = sum(len(one.calls) for one in pack.series.values())
    assert held == find_set(whole[0], "synthetic").n_rows
