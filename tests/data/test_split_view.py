"""A chain's moment as a split leaves its contracts."""

import datetime as dt
import math

import numpy as np
import pytest

from engine.core.chains import PM, ChainSession, Contracts
from engine.core.sessions import day_number, schedule
from engine.core.settings import Settings
from engine.data.adjust import factor_table, splits
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import read_chain
from engine.data.split_view import after_split, split_ahead, words
from engine.options.moment import moment_of
from tests.fixtures.vendor_files import bring, real_data

DAY, EVE = dt.date(2014, 6, 2), dt.date(2014, 6, 6)  # the split is in force from Monday the 9th
SEVEN = (EVE, 7.0)


def moment():
    """Two calls of 645, one that ends on the split's eve and one a week later, at 14.00 to 14.70 and 12 traded."""
    expiry = np.array([day_number(EVE), day_number(dt.date(2014, 6, 13))], dtype=np.int32)
    ends = expiry.astype(np.int64) * 86_400 * 10**9 + 20 * 3_600 * 10**9
    contracts = Contracts(
        expiry, np.array([645.0, 645.0]), np.array([True, True]), np.full(2, PM, np.int8), ends,
        np.array([100.0, 100.0]), np.zeros(2, np.bool_), ("AAPL", "AAPL"),
    )  # fmt: skip
    quoted = {
        name: np.full((2, 1), price, np.float32)
        for name, price in (("open_bid", 14.0), ("open_ask", 14.7), ("close_bid", 14.0), ("close_ask", 14.7))
    }
    start = schedule(sessions_of("XNYS", DAY, DAY), "1D").start
    session = ChainSession(0, start, contracts, **quoted, volume=np.full((2, 1), 12.0, np.float32),
                           open_interest=np.array([30.0, 30.0], np.float32))  # fmt: skip
    now = day_number(DAY) * 86_400 * 10**9 + 20 * 3_600 * 10**9
    return moment_of(session, 0, now, 0.0, spot=644.0)


def test_seven_for_one_divides_strikes_and_prices_and_multiplies_what_is_counted():
    one = moment()
    found, before = after_split(one, SEVEN)
    # 645 / 7 = 92.142857, listed as 92.14; 14.00 / 7 = 2.00, 14.70 / 7 = 2.10; 12 and 30 contracts become 84 and 210
    assert (found.contracts.strike.tolist(), before.tolist()) == ([92.14], [645.0])
    assert found.contracts.multiplier.tolist() == [100.0]
    assert (found.bid[0], found.ask[0], found.spot) == pytest.approx((2.0, 2.1, 92.0))
    assert (found.volume[0], found.open_interest[0]) == (84.0, 210.0)
    assert (found.volatility[0], found.delta[0]) == (one.volatility[1], one.delta[1])
    assert found.volatility[0] > 0.0


@pytest.mark.parametrize(
    ("ratio", "strike", "multiplier", "bid", "spot", "n_traded"),
    [
        (1.5, 430.0, 150.0, 14.0 / 1.5, 644.0 / 1.5, 12.0),  # 3:2: one contract of 150 shares
        (0.1, 645.0, 10.0, 14.0, 644.0, 12.0),  # 1:10: one of 10 shares, the strike in old ones
    ],
)
def test_other_splits_change_what_a_contract_delivers(ratio, strike, multiplier, bid, spot, n_traded):
    found, _ = after_split(moment(), (EVE, ratio))
    assert (found.contracts.strike.tolist(), found.contracts.multiplier.tolist()) == ([strike], [multiplier])
    assert (found.bid[0], found.spot) == pytest.approx((bid, spot))
    assert found.volume.tolist() == [n_traded]


def test_the_split_ahead_is_the_next_one_that_a_contract_lives_to_see():
    later = (dt.date(2014, 6, 13), 2.0)  # the eve is the longer call's last day
    assert split_ahead(moment(), DAY, [(dt.date(2012, 1, 3), 2.0), later, SEVEN]) == SEVEN
    assert split_ahead(moment(), EVE, [SEVEN]) == SEVEN, "the eve still trades in old terms"
    assert split_ahead(moment(), dt.date(2014, 6, 9), [SEVEN]) is None
    assert split_ahead(moment(), DAY, [later]) is None
    assert split_ahead(moment(), DAY, []) is None


def test_a_split_is_named_by_new_shares_for_old():
    assert [words((EVE, ratio)) for ratio in (7.0, 1.5, 0.1)] == ["7:1", "3:2", "1:10"]


def test_the_real_chain_of_aapl_is_carried_to_the_strikes_of_the_day_after(tmp_path):
    """Trades of 6 June 2014, the eve of 7:1, beside what LEAN's universe lists on Monday the 9th."""
    bring(tmp_path, "lean", real_data() / "lean/option", symbols=["AAPL"])
    settings = Settings(tmp_path)
    table = sessions_of("XNYS", EVE, EVE)
    served = read_chain(settings, "lean", "AAPL", "1min", table)
    one = moment_of(served.series.by_session[0], 389, int(table.close_ns[0]), 1.0, math.nan)
    split = split_ahead(one, EVE, splits(factor_table(settings, "lean", "AAPL")))
    assert split == SEVEN
    found, before = after_split(one, split)
    # its lines after the underlying's: 20140613,70.71,C,... ; 495 / 7 = 70.714
    lines = (real_data() / "lean/option/usa/universes/aapl/20140609.csv").read_text().splitlines()[2:]
    listed = {float(line.split(",")[1]) for line in lines if line.startswith("20140613")}
    week = found.contracts.expiry == day_number(dt.date(2014, 6, 13))
    assert week.sum() > 40
    assert set(found.contracts.strike[week].tolist()) <= listed
    assert found.contracts.expiry.min() > day_number(EVE), "what ended on the eve is left out"
    assert np.nansum(found.volume) == 7.0 * np.nansum(one.volume[one.contracts.expiry > day_number(EVE)])
    assert np.abs(before / 7.0 - found.contracts.strike).max() <= 0.005 + 1e-9
