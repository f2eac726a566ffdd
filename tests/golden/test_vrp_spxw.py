"""VRP Credit Spread on end-of-day chains of SPXW, January and February 2018: five trades by hand, and why it was out.

The chain's lines are `underlying, last, exchange, root, , type, expiration, quote date, strike, last, bid, ask, ...`;
it decides and fills on one snapshot, sells at the bid and buys at the ask. Realised volatility and stress are SPY's,
worked out here with `math` from the closes of LEAN's daily file (dollars x 10,000).
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
from dataclasses import dataclass

import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.core.spec_text import load_spec, with_overrides
from engine.data.importers import import_path
from engine.sim.inputs import pack_for
from engine.sim.lookahead import look_ahead
from engine.sim.simulate import simulate
from tests.fixtures.market import REAL_DATA
from tests.golden import dow_by_hand

CHAIN = REAL_DATA / "eod_options" / "spxw_2018-01_2018-02.csv.gz"
SPY = REAL_DATA / "lean" / "equity" / "usa" / "daily" / "spy.zip"
OVERRIDES = {
    "universe": ["SPX"], "asset_class": "index_options", "timeframe": "1D", "data.source": "vendors",
    "entry.day_rules": {}, "entry.logic_params.days_of": "SPY", "legs.1.width": 25, "backtest.cash": 1_000_000,
    "backtest.start": "2018-01-02", "backtest.end": "2018-02-28",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(spec, pack)"""
    if not CHAIN.is_file():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    settings = Settings(tmp_path_factory.mktemp("vrp"))
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(settings, "eod-options", CHAIN, source="vendors", now=now)
    import_path(settings, "lean", SPY, source="vendors", now=now)
    spec = with_overrides(load_spec(CHECKOUT / "specs" / "vrp_credit_spread.json"), OVERRIDES)
    return spec, pack_for(settings, spec)


@pytest.fixture(scope="module")
def result(run):
    return simulate(*run, "reference")


@pytest.fixture(scope="module")
def quotes(result):
    """(bid, ask) by (quote date, strike) of the puts that expire on 31 January."""
    with gzip.open(CHAIN) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig"), skipinitialspace=True)
        return {
            (row["quotedate"], float(row["strike"])): (float(row["bid"]), float(row["ask"]))
            for row in rows
            if row["type"] == "put" and row["expiration"] == "01/31/2018"
        }


@pytest.fixture(scope="module")
def past(result):
    """By date: realised volatility of 20 sessions in points (ddof 1), and whether the market is stressed."""
    rows = [row for row in dow_by_hand.daily_rows(SPY) if row.date < dt.date(2018, 3, 1)]
    close = [float(row.close) for row in rows]
    returns = [math.nan] + [math.log(b / a) for a, b in zip(close, close[1:], strict=False)]
    vols = [dow_by_hand.deviation(returns[i - 19 : i + 1]) if i >= 20 else math.nan for i in range(len(rows))]
    found = {}
    for i in range(len(rows) - 60, len(rows)):
        before = vols[i - 120 : i]
        limit = math.fsum(before) / 120 + dow_by_hand.deviation(before)
        realised = 100 * math.sqrt(252) * vols[i] * math.sqrt(20 / 19)
        found[rows[i].date] = (realised, vols[i] > limit)
    return found


@dataclass(frozen=True)
class Quoted:
    """One spread of 8 units: strikes of the sold and the bought put, and their quotes (bid, ask) at entry and exit."""

    number: int
    entry: str
    exit: str
    sold: tuple[float, tuple[float, float], tuple[float, float]]
    bought: tuple[float, tuple[float, float], tuple[float, float]]
    net: float


# Sold at the bid and bought at the ask, then bought back at the ask and sold at the bid; 8 x 100 a point; each of the
# four fills pays 8 x 0.65 = 5.20. What a spread may lose, 2 % of a million, is 2,500 less the credit a unit: 8.
QUOTED = (
    # 8.5 - 6.6 = 1.9 received, 3.3 - 2.35 = 0.95 paid: 0.95 x 800 - 20.80 = 739.20.
    Quoted(
        0, "01/02/2018", "01/05/2018", (2635, (8.5, 8.8), (3.1, 3.3)), (2610, (6.3, 6.6), (2.35, 2.55)), 739.2
    ),
    # 7.1 - 5.1 = 2.0, 2.6 - 1.8 = 0.8: 1.2 x 800 - 20.80.
    Quoted(
        2, "01/04/2018", "01/11/2018", (2670, (7.1, 7.3), (2.4, 2.6)), (2645, (4.9, 5.1), (1.8, 1.95)), 939.2
    ),
    # 6.1 - 3.9 = 2.2, 1.55 - 0.9 = 0.65: 1.55 x 800 - 20.80.
    Quoted(
        5, "01/12/2018", "01/22/2018", (2740, (6.1, 6.4), (1.4, 1.55)), (2715, (3.7, 3.9), (0.9, 1.0)), 1219.2
    ),
    # 4.8 - 2.8 = 2.0, 0.6 - 0.35 = 0.25: 1.75 x 800 - 20.80.
    Quoted(
        8, "01/22/2018", "01/26/2018", (2795, (4.8, 5.1), (0.5, 0.6)), (2770, (2.6, 2.8), (0.35, 0.4)), 1379.2
    ),
    # 4.5 - 2.4 = 2.1, 0.7 - 0.35 = 0.35: the same 1.75.
    Quoted(
        10,
        "01/24/2018",
        "01/26/2018",
        (2800, (4.5, 4.8), (0.55, 0.7)),
        (2775, (2.2, 2.4), (0.35, 0.45)),
        1379.2,
    ),
)


@pytest.mark.parametrize("quoted", QUOTED, ids=lambda quoted: f"trade {quoted.number}")
def test_a_trade_is_the_one_on_the_quoted_lines(quoted, quotes, past, result):
    (sold, sold_in, sold_out), (bought, bought_in, bought_out) = quoted.sold, quoted.bought
    assert quotes[quoted.entry, sold] == sold_in and quotes[quoted.exit, sold] == sold_out
    assert quotes[quoted.entry, bought] == bought_in and quotes[quoted.exit, bought] == bought_out
    assert sold - bought == 25
    received, paid = sold_in[0] - bought_in[1], sold_out[1] - bought_out[0]
    assert (received - paid) * 800 - 4 * 5.2 == pytest.approx(quoted.net, abs=1e-6)

    (trade,) = result.trades.filter(result.trades["trade_id"] == quoted.number).rows(named=True)
    assert (trade["entry_at"].strftime("%m/%d/%Y"), trade["exit_at"].strftime("%m/%d/%Y")) == (
        quoted.entry, quoted.exit,
    )  # fmt: skip
    assert (trade["quantity"], trade["exit_reason"]) == (8, "take_profit")
    assert trade["net_pnl"] == pytest.approx(quoted.net, abs=1e-6)
    # By the mids of the exit's snapshot half of the credit is earned.
    assert sum(sold_out) / 2 - sum(bought_out) / 2 <= received / 2

    shown = dict(
        result.logic.filter(result.logic["trade_id"] == quoted.number).select("name", "value").rows()
    )
    realised, stressed = past[trade["entry_at"].date()]
    assert shown["realised"] == pytest.approx(realised, rel=1e-9)
    assert shown["premium"] == pytest.approx(shown["implied"] - realised, rel=1e-9) and shown["premium"] >= 2
    assert not stressed


def test_the_storm_of_february_finds_it_out_of_the_market(past, result):
    # SPY falls by 1.1 % on 30 January: the volatility of its last 20 days is then above the mean of the 120 values
    # before by more than their deviation, and stays there. 5 February (VIX from 17 to 37) finds nothing open.
    stressed = [day for day, (_, is_stressed) in past.items() if is_stressed]
    assert stressed[0] == dt.date(2018, 1, 30) and len(stressed) == 21  # every session to 28 February
    assert len(result.trades) == 11 and not result.trades["is_open"].any()
    assert max(at.date() for at in result.trades["exit_at"]) == dt.date(2018, 1, 26)
    assert result.trades["net_pnl"].sum() == pytest.approx(11_211.20, abs=1e-6)


def test_nothing_looks_ahead(run):
    """At a few moments of the run, its future cut off and changed."""
    assert look_ahead(*run, quick=True).verdict == "clean"
