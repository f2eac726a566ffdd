"""Dow Regime Timing on SPY days, 2 January 1998 to 31 March 2021: five trades by hand, and all of them.

Lines are `date, open, high, low, close, volume` of the vendor's file, dollars x 10,000. A state that three days in a
row agree on is acted on at the next open. `dow_by_hand` works all scores and trades out again without any code of the
engine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

import pytest

from engine.core.settings import CHECKOUT
from engine.core.spec_text import load_spec, with_overrides
from engine.sim.inputs import pack_for
from engine.sim.lookahead import look_ahead
from engine.sim.simulate import simulate
from tests.fixtures.market import REAL_DATA
from tests.golden import by_hand, dow_by_hand
from tests.golden.quoted import canonical, canonical_by_hand

LEAN = REAL_DATA / "lean" / "equity" / "usa"
WINDOW = {"backtest.start": "1998-01-02", "backtest.end": "2021-03-31"}


@pytest.fixture(scope="module")
def rows():
    if not LEAN.is_dir():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    return dow_by_hand.daily_rows(LEAN / "daily" / "spy.zip")


@pytest.fixture(scope="module")
def scores(rows):
    return dow_by_hand.scores(rows)


@pytest.fixture(scope="module")
def hand(rows):
    return dow_by_hand.trades_of(rows, dict(by_hand.dividends(LEAN / "factor_files" / "spy.csv")))


@pytest.fixture(scope="module")
def run(real_store):
    spec = with_overrides(load_spec(CHECKOUT / "specs" / "dow_regime_timing.json"), WINDOW)
    pack = pack_for(real_store, spec)
    return lambda engine: simulate(spec, pack, engine)


@pytest.fixture(scope="module")
def result(run):
    return run("native")


@dataclass(frozen=True)
class Quoted:
    """One trade, written down. trends, volatilities: of the three days that agree, the last one the signal's."""

    number: int
    signal: str
    entry: str
    trends: tuple[float, float, float]
    volatilities: tuple[float, float, float]
    exit_signal: str
    exit: str
    exit_trends: tuple[float, float, float]
    exit_volatilities: tuple[float, float, float]
    quantity: int
    dividends: str
    net: str


QUOTED = (
    # The first signal after 1998's stress: bought at 122.72, left in September 1999 when the trend had turned down.
    # 814 x (127.94 - 122.72) - 8.14 - 814 x (122.72 + 127.94) / 10,000 + 893.0394 = 5,113.575676.
    Quoted(0, "19981228 00:00,1232500,1233100,1220000,1226300,4031000",
           "19981229 00:00,1227200,1244400,1221300,1243100,3747300",
           (0.5723, 0.7855, 0.7522), (-0.1665, -0.1695, -0.1782),
           "19990927 00:00,1287500,1297500,1282800,1282800,6797200",
           "19990928 00:00,1279400,1288100,1255600,1281900,11184900",
           (-0.5322, -0.3737, -0.4762), (0.622, 0.4977, 0.4662),
           814, "893.0394", "5113.575676"),
    # On 16 April 2004 the trend is strong and volatility 0.86 above its mean: no entry. Calm from the 19th on.
    # 1,037 x (111.57 - 112.48) - 10.37 - 23.233985 + 429.318 = -547.955985.
    Quoted(5, "20040421 00:00,1122000,1129500,1118700,1128100,50401500",
           "20040422 00:00,1124800,1146700,1122400,1144400,58743900",
           (1.277, 0.8298, 0.873), (0.1933, 0.3375, 0.3932),
           "20040715 00:00,1117400,1119100,1110100,1110400,33439800",
           "20040716 00:00,1115700,1119400,1104400,1105300,35916600",
           (-0.4544, -0.4513, -0.4801), (-1.9545, -2.1657, -2.1216),
           1037, "429.318", "-547.955985"),
    # 27 February 2007 takes SPY down by 3.9 %: the trend is still 0.88 times noise, but volatility jumps 10.6
    # deviations above its mean, and three such days leave.
    # 843 x (140.05 - 134.85) - 8.43 - 23.17407 + 668.1618 = 5,020.15773.
    Quoted(9, "20061006 00:00,1349600,1350900,1344100,1350300,64091700",
           "20061009 00:00,1348500,1353000,1346400,1350900,37472800",
           (0.5835, 0.5799, 0.5801), (-1.1366, -1.2589, -1.2218),
           "20070301 00:00,1393500,1412500,1380500,1405900,184864096",
           "20070302 00:00,1400500,1406500,1389000,1389800,136190700",
           (0.8778, 0.9398, 0.7161), (10.5892, 7.6284, 5.9712),
           843, "668.1618", "5020.15773"),
    # Out on 3 August 2011, two days before the fall of that August: the trend had been below -0.25 since 29 July.
    # 1,327 x (125.66 - 118.27) - 13.27 - 32.369511 + 2,433.718 = 12,194.608489.
    Quoted(12, "20101014 00:00,1178100,1180100,1167200,1175500,176271612",
           "20101015 00:00,1182700,1183500,1167600,1177200,202366646",
           (0.6705, 0.6243, 0.7037), (-1.4105, -1.4051, -1.4075),
           "20110802 00:00,1277700,1285000,1254900,1254900,277202501",
           "20110803 00:00,1256600,1263100,1235300,1262100,330037238",
           (-0.3116, -0.3272, -0.396), (1.0648, 0.6237, 1.3943),
           1327, "2433.718", "12194.608489"),
    # February 2020: three stressed days and out at 288.62 on the 28th; the low of March was 218.
    # 953 x (288.62 - 298.71) - 9.53 - 55.972549 + 1,496.21 = -8,185.062549.
    Quoted(21, "20191017 00:00,2997000,3002400,2985200,2992800,42407689",
           "20191018 00:00,2987100,2994000,2970000,2979700,52953828",
           (0.627, 0.5848, 0.7225), (0.2137, 0.2022, 0.2008),
           "20200227 00:00,3054500,3096400,2975100,2975100,253785330",
           "20200228 00:00,2886200,2962600,2855400,2962600,346777226",
           (0.8248, 1.0349, 0.2728), (2.4935, 2.3813, 3.6935),
           953, "1496.21", "-8185.062549"),
)  # fmt: skip


@pytest.mark.parametrize("quoted", QUOTED, ids=lambda quoted: f"trade {quoted.number}")
def test_a_trade_is_the_one_on_the_quoted_lines(quoted, rows, scores, result):
    at, d = {row.line: i for i, row in enumerate(rows)}, Decimal
    for line, trends, volatilities in (
        (quoted.signal, quoted.trends, quoted.volatilities),
        (quoted.exit_signal, quoted.exit_trends, quoted.exit_volatilities),
    ):
        for k, trend, volatility in zip((-2, -1, 0), trends, volatilities, strict=True):
            found = scores[at[line] + k]
            assert (round(found.trend, 4), round(found.volatility, 4)) == (trend, volatility)
    assert all(t >= 0.5 for t in quoted.trends) and all(v <= 0.5 for v in quoted.volatilities)
    assert all(t < -0.25 for t in quoted.exit_trends) or all(v > 2 for v in quoted.exit_volatilities)
    assert at[quoted.entry] == at[quoted.signal] + 1 and at[quoted.exit] == at[quoted.exit_signal] + 1

    bought, sold, q = rows[at[quoted.entry]].buys, rows[at[quoted.exit]].sells, d(quoted.quantity)
    slippage = (bought + sold) / 10_000 * q
    assert (sold - bought) * q - q * d("0.01") - slippage + d(quoted.dividends) == d(quoted.net)
    (trade,) = result.trades.filter(result.trades["trade_id"] == quoted.number).rows(named=True)
    assert (trade["entry_at"], trade["exit_at"]) == (rows[at[quoted.entry]].at, rows[at[quoted.exit]].at)
    assert (trade["side"], trade["quantity"], trade["exit_reason"]) == ("long", quoted.quantity, "signal")
    assert trade["dividends"] == pytest.approx(float(quoted.dividends), abs=1e-6)
    assert trade["net_pnl"] == pytest.approx(float(quoted.net), abs=1e-6)
    shown = dict(
        result.logic.filter(result.logic["trade_id"] == quoted.number).select("name", "value").rows()
    )
    now = scores[at[quoted.signal]]
    assert shown["trend_score"] == pytest.approx(now.trend, abs=1e-9)
    assert shown["volatility_score"] == pytest.approx(now.volatility, abs=1e-6)


def test_every_trade_is_the_one_worked_out_by_hand(hand, run, result):
    trades, _ = hand
    text = canonical_by_hand(trades)
    assert canonical(result.trades.filter(~result.trades["is_open"]).rows(named=True)) == text
    other = run("reference").trades
    assert canonical(other.filter(~other["is_open"]).rows(named=True)) == text
    assert len(trades) == 22
    assert hashlib.sha256(text.encode()).hexdigest().startswith("b6c51510b2ee")


def test_the_account_ends_with_its_trades_and_the_open_one(hand, result):
    # 834 shares bought on 6 August 2020 at 331.52 x 1.0001 for a fee of 4.17, marked at 396.33, 3,500.298 of dividends.
    final = float(hand[1]) + 834 * (396.33 - 331.553152) - 4.17 + 3_500.298
    assert result.equity["equity"][-1] == pytest.approx(final, abs=1e-4)


def test_nothing_looks_ahead(real_store, rows):
    """At a few moments of the run, its future cut off and changed."""
    spec = with_overrides(load_spec(CHECKOUT / "specs" / "dow_regime_timing.json"), WINDOW)
    assert look_ahead(spec, pack_for(real_store, spec), quick=True).verdict == "clean"
