"""The demo market's chains: same bytes, the quick ones first, and believable."""

import datetime as dt
import hashlib

import numpy as np
import polars as pl
import pytest

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.chain_coverage import chain_coverage, chains_of
from engine.data.coverage import coverage
from engine.data.readers import read_bars, read_rows
from engine.options.iv import implied_volatility_of_quotes
from engine.packs import synthetic
from engine.packs.build import build_pack
from engine.packs.pack import ChainRequest
from engine.packs.synthetic import make_demo
from engine.packs.synthetic_listing import Listing, expiration_kinds, listings
from engine.packs.synthetic_options import RATE
from engine.packs.verify import check_pack

FIRST, LAST = dt.date(2023, 8, 1), dt.date(2023, 8, 14)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("demo"))
    return settings, make_demo(settings, quick=True)


@pytest.fixture(scope="module")
def pack(demo):
    return build_pack(
        demo[0], source="SYNTHETIC", requests=[(symbol, "1min") for symbol in ("SPY", "QQQ", "AMD")],
        window_start=FIRST, window_end=LAST, chains=[ChainRequest(symbol) for symbol in ("SPY", "QQQ", "AMD")],
    )  # fmt: skip


def digest(settings, pattern="**/*.parquet"):
    files = sorted(settings.market.glob(pattern))
    return hashlib.sha256(b"".join(str(f.name).encode() + f.read_bytes() for f in files)).hexdigest()


def test_made_again_no_byte_changes_and_elsewhere_all_are_the_same(demo, tmp_path):
    before = digest(demo[0])
    make_demo(demo[0], quick=True)
    other = Settings(tmp_path)
    make_demo(other, quick=True)
    assert digest(demo[0]) == digest(other) == before


def test_the_chains_of_a_shorter_market_are_the_beginning_of_a_longer_one(tmp_path, monkeypatch):
    short, long = Settings(tmp_path / "short"), Settings(tmp_path / "long")
    for settings, n_sessions in ((short, 2), (long, 4)):
        monkeypatch.setattr(synthetic, "QUICK_SESSIONS", n_sessions)
        make_demo(settings, quick=True)
    for dataset in ("options_min", "options_quotes_min", "options_daily"):
        one, two = (
            {p.name: p for p in s.market.glob(f"SYNTHETIC/{dataset}/**/*.parquet")} for s in (short, long)
        )
        assert (len(one), len(two)) == (2, 4)
        assert all(path.read_bytes() == two[name].read_bytes() for name, path in one.items())


def test_chains_leave_the_bars_as_they_were(demo, tmp_path):
    without = Settings(tmp_path)
    made = make_demo(without, quick=True, options=False)
    assert (made.n_quotes, demo[1].n_quotes > 1_000_000) == (0, True)
    for dataset in ("equities_min", "equities_daily", "indices_min", "indices_daily"):
        pattern = f"SYNTHETIC/{dataset}/**/*.parquet"
        assert digest(without, pattern) == digest(demo[0], pattern)


def test_every_session_of_every_underlying_has_quotes_trades_and_days(demo):
    held = {
        (s.symbol, s.timeframe, s.quotes): s.n_sessions for s in catalog.series(demo[0]) if s.kind == "option"
    }
    kinds = (("1min", True), ("1min", False), ("1D", False))
    assert held == {(symbol, *kind): 10 for symbol in ("SPY", "QQQ", "AMD") for kind in kinds}
    for one in chains_of(demo[0]):
        found = chain_coverage(demo[0], one)
        assert found.bars.tolist() == found.expected.tolist()
        assert found.standing_share > 0.99  # every quote is sent again within four minutes
        assert found.flags["crossed"].sum() == found.flags["empty"].sum() == 0
        assert 0 < found.flags["zero_bid"].sum() < 0.3 * found.quotes.sum()


def test_the_index_is_there_for_every_bar(demo):
    for timeframe in ("1min", "1D"):
        assert coverage(demo[0], "SYNTHETIC", "VIX", timeframe).share == 1.0
    closes = read_bars(demo[0], "SYNTHETIC", "VIX", "1D", dt.date(2022, 6, 1), LAST)["close"]
    assert 9 < closes.min() < closes.max() < 80


def test_the_index_rises_when_prices_fall(demo):
    vix, spy = (
        np.diff(np.log(read_bars(demo[0], "SYNTHETIC", symbol, "1min", FIRST, LAST)["close"].to_numpy()))
        for symbol in ("VIX", "SPY")
    )
    assert np.corrcoef(vix, spy)[0, 1] < -0.6


def test_packs_of_chains_are_sound(pack):
    assert check_pack(pack) == ()
    assert pack.is_synthetic


def test_expirations_are_daily_weekly_and_monthly_to_45_days(pack):
    for symbol, has_dailies in (("SPY", True), ("AMD", False)):
        first = pack.chains[symbol].by_session[0].contracts
        days = [day_of(number) for number in np.unique(first.expiry)]
        assert all(0 <= (day - FIRST).days <= 45 for day in days)
        assert (FIRST in days, dt.date(2023, 8, 2) in days) == (has_dailies, has_dailies)
        assert {dt.date(2023, 8, 4), dt.date(2023, 8, 11), dt.date(2023, 8, 18), dt.date(2023, 9, 15)} <= set(
            days
        )


def test_a_contract_once_listed_stays_until_it_expires(pack):
    for chain in pack.chains.values():
        before = set()
        for i, session in sorted(chain.by_session.items()):
            one = session.contracts
            now = set(zip(one.expiry.tolist(), one.strike.tolist(), one.is_call.tolist(), strict=True))
            assert {key for key in before if key[0] >= chain.sessions.date[i]} <= now
            before = now


def test_strikes_of_an_early_week_follow_a_price_that_runs_away():
    calendar = sessions_of("XNYS", dt.date(2023, 1, 3), dt.date(2023, 12, 29))
    closes = np.where(np.arange(len(calendar)) < 60, 100.0, 150.0)
    found = dict(listings(Listing(0.2, 5.0, 2.5, True), calendar, closes, 50, 80))
    strikes = [set(found[i].strike) for i in (60, 62)]
    assert 150.0 not in strikes[0] and 150.0 in strikes[1] and 100.0 in strikes[1]


def test_good_friday_moves_its_expiration_to_thursday():
    calendar = sessions_of("XNYS", dt.date(2023, 4, 3), dt.date(2023, 4, 28))
    kinds = {
        day_of(number): int(kind)
        for number, kind in zip(calendar.date, expiration_kinds(calendar), strict=True)
    }
    assert (kinds[dt.date(2023, 4, 6)], kinds[dt.date(2023, 4, 21)], kinds[dt.date(2023, 4, 20)]) == (1, 2, 0)


def at_noon(pack, symbol, days):
    """(contracts, mid, implied volatility, spot) of the first session at 12:00 of the first expiry from `days` on."""
    chain, bars = pack.chains[symbol], pack.series[symbol, "1min"]
    one, minute = chain.by_session[0], 150

    def standing(values):
        return values[:, minute - 4 : minute + 1]

    last = [
        np.array([row[np.isfinite(row)][-1] for row in standing(side)])
        for side in (one.close_bid, one.close_ask)
    ]
    listed, spot = one.contracts, float(bars.close[minute])
    expiry = next(e for e in np.unique(listed.expiry) if e - chain.sessions.date[0] >= days)
    of = listed.expiry == expiry
    years = (listed.expires_at[of] - int(bars.end[minute])) / (365 * 86_400e9)
    bid, ask = (side[of] for side in last)
    found = implied_volatility_of_quotes(
        bid, ask, listed.is_call[of], spot, listed.strike[of], years, RATE, 0.014
    )
    return listed.strike[of], listed.is_call[of], (bid + ask) / 2, found.volatility, spot


def test_the_surface_is_skewed_and_calls_and_puts_agree(pack):
    strike, is_call, mid, volatility, spot = at_noon(pack, "SPY", 30)
    puts = {k: v for k, v, c in zip(strike, volatility, is_call, strict=True) if not c}
    low, middle = min(puts), min(puts, key=lambda k: abs(k - spot))
    assert puts[low] > puts[middle] + 0.01
    calls = {k: m for k, m, c in zip(strike, mid, is_call, strict=True) if c}
    forwards = [
        k + calls[k] - m for k, m, c in zip(strike, mid, is_call, strict=True) if not c and abs(k - spot) < 20
    ]
    assert np.ptp(forwards) < 0.3  # put-call parity within the spread
    assert np.median(forwards) == pytest.approx(spot, abs=2.0)


def test_prices_of_calls_fall_and_those_of_puts_rise_with_the_strike(pack):
    for symbol in ("SPY", "QQQ", "AMD"):
        strike, is_call, mid, _, _ = at_noon(pack, symbol, 14)
        assert np.all(np.diff(mid[is_call]) < 0.02)
        assert np.all(np.diff(mid[~is_call]) > -0.02)
        assert np.all(np.diff(strike[is_call]) > 0)


def test_quotes_are_on_the_tick_and_prints_inside_them(demo):
    quotes = read_rows(demo[0], "SYNTHETIC", "AMD", "option", "1min", FIRST, FIRST, quotes=True)
    for name in ("bid_open", "bid_close", "ask_open", "ask_close"):
        prices = quotes[name].drop_nulls().to_numpy()
        assert np.array_equal(prices, np.round(prices, 2))
        dear = prices[prices > 3.5]  # AMD's tick is 0.05 where the fair price is 3 or more
        assert len(dear) > 500 and np.allclose(dear, np.round(dear * 20) / 20, atol=1e-9)
    trades = read_rows(demo[0], "SYNTHETIC", "AMD", "option", "1min", FIRST, FIRST)
    both = trades.join(quotes, on=["expiry", "strike", "is_call", "start"]).drop_nulls(
        ["bid_open", "ask_open"]
    )
    assert len(both) > 500
    inside = pl.col("open").is_between(pl.col("bid_open") - 1e-9, pl.col("ask_open") + 1e-9)
    assert both.filter(~inside).filter(pl.col("open") > 0.01).is_empty()


def test_a_day_tells_open_interest_volume_and_a_volatility(demo):
    days = read_rows(demo[0], "SYNTHETIC", "SPY", "option", "1D", FIRST, LAST)
    trades = read_rows(demo[0], "SYNTHETIC", "SPY", "option", "1min", FIRST, LAST)
    assert days["volume"].sum() == trades["volume"].sum()
    assert (days["open_interest"] >= 0).all()
    assert days["implied_volatility"].is_between(0.03, 1.5).all()
    assert days.filter(pl.col("start").dt.date() == FIRST)["underlying"].n_unique() == 1
