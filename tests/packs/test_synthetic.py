import datetime as dt
import hashlib

import numpy as np
import polars as pl
import pytest

from engine.core.sessions import day_number, schedule
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.coverage import coverage
from engine.data.readers import read_bars
from engine.packs.build import build_pack
from engine.packs.synthetic import ensure_demo, make_demo
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


def digest(settings):
    files = sorted(settings.market.rglob("*.parquet"))
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


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, two, three = (Settings(tmp_path / name) for name in "abc")
    make_demo(one, quick=True, options=False)
    make_demo(two, quick=True, options=False)
    make_demo(three, quick=True, options=False, seed=7)
    assert digest(one) == digest(two) != digest(three)
    make_demo(one, quick=True, options=False)
    assert digest(one) == digest(two)


def test_the_quick_market_is_the_beginning_of_the_whole(tmp_path, whole, minutes):
    quick = Settings(tmp_path)
    made = make_demo(quick, quick=True, options=False)
    assert made.n_sessions == 10
    found = read_bars(quick, "SYNTHETIC", "AMD", "1min", FIRST, made.last)
    assert found.equals(minutes["AMD"].head(len(found)))


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
