import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.sessions import day_of
from engine.data import adjust
from engine.data.calendars import sessions as sessions_of
from tests.fixtures.bars import first_bars, make_sessions, random_series, series_of

DATE = dt.date.fromisoformat


def factors(*rows):
    names = ["date", "price_factor", "split_factor", "reference_price"]
    return pl.DataFrame([(DATE(day), *rest) for day, *rest in rows], schema=names, orient="row")


# some rows of LEAN's aapl.csv; years between them are left out
AAPL = factors(
    ("2000-06-20", 0.8613657, 0.00892857, 101.0),
    ("2005-02-25", 0.8613657, 0.01785710, 88.97),
    ("2012-08-08", 0.8613657, 0.03571430, 619.86),
    ("2012-11-06", 0.8650639, 0.03571430, 582.86),
    ("2014-06-06", 0.9011818, 0.03571430, 645.57),
    ("2020-08-28", 0.9967882, 0.25, 499.23),
    ("2050-12-31", 1.0, 1.0, 0.0),
)


def test_splits_of_apple_are_whole_numbers_though_factors_have_seven_digits():
    # 2:1 on 2000-06-21, 2:1 on 2005-02-28, 7:1 on 2014-06-09, 4:1 on 2020-08-31
    found = dict(adjust.splits(AAPL))
    assert found == {
        DATE("2000-06-20"): 2.0,
        DATE("2005-02-25"): 2.0,
        DATE("2014-06-06"): 7.0,
        DATE("2020-08-28"): 4.0,
    }


def test_a_split_acts_on_the_next_session_and_only_forward():
    sessions = sessions_of("XNYS", DATE("2014-06-05"), DATE("2014-06-10"))
    days = series_of([647.35, 645.57, 93.70, 94.25], sessions=sessions, timeframe="1D")
    assert adjust.with_splits(days, AAPL).split.tolist() == [1.0, 1.0, 7.0, 7.0]


def test_a_split_before_the_series_does_not_touch_it():
    sessions = sessions_of("XNYS", DATE("2014-06-09"), DATE("2014-06-10"))
    days = series_of([93.70, 94.25], sessions=sessions, timeframe="1D")
    assert adjust.with_splits(days, AAPL).split.tolist() == [1.0, 1.0]


def test_a_reverse_split_has_a_ratio_below_one():
    assert adjust.splits(factors(("2021-03-08", 1.0, 10.0, 5.0), ("2050-12-31", 1.0, 1.0, 0.0))) == [
        (DATE("2021-03-08"), 0.1)
    ]


def test_a_dividend_is_solved_from_the_factors():
    # Apple paid 2.65 a share with ex-date 2012-08-09: 619.86 x (1 - 0.8613657 / 0.8650639) = 2.6499
    sessions = sessions_of("XNYS", DATE("2012-08-06"), DATE("2012-08-10"))
    assert adjust.dividends(AAPL, sessions) == [(DATE("2012-08-09"), pytest.approx(2.65, abs=2e-4))]


def test_a_dividend_outside_the_sessions_is_left_out():
    assert adjust.dividends(AAPL, sessions_of("XNYS", DATE("2012-08-09"), DATE("2012-08-10"))) == []


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(3, 9))
def test_new_data_never_changes_what_signals_saw(seed, cut):
    rng = np.random.default_rng(seed)
    sessions = make_sessions(10)
    days = random_series(rng, sessions=sessions, timeframe="1D")
    dates = [str(day_of(number)) for number in sessions.date]
    factor = np.cumprod(rng.choice([1.0, 2.0, 0.5, 7.0], len(dates)))
    gaps = rng.normal(0, 5, len(dates))

    def seen(n):
        """What signals saw when session n was the last; the factor table then ended with its factor."""
        table = [(day, 1.0, float(f), 10.0) for day, f in zip(dates[:n], factor[:n], strict=True)]
        known = factors(*table, ("2050-12-31", 1.0, float(factor[n - 1]), 0.0))
        split = adjust.with_splits(first_bars(days, n), known)
        return adjust.with_rolls(
            split, {int(sessions.date[i]): float(gaps[i]) for i in range(1, n)}
        ).signal_view()

    whole, part = seen(10), seen(cut)
    assert np.allclose(part.close, whole.close[:cut], rtol=1e-12)
    assert np.allclose(part.volume, whole.volume[:cut], rtol=1e-12)


def test_a_roll_shifts_what_follows_by_its_gap():
    sessions = make_sessions(3)
    days = series_of([1700.0, 1693.5, 1690.0], sessions=sessions, timeframe="1D")
    rolled = adjust.with_rolls(days, {int(sessions.date[1]): -6.5, int(sessions.date[2]): -4.0})
    assert rolled.roll.tolist() == [0.0, 6.5, 10.5]


def test_roll_prices_are_of_the_last_bar_that_both_contracts_have():
    rows = pl.DataFrame(
        {
            "start": [1, 1, 2, 2, 3, 5, 5],
            "contract": ["ESZ13", "ESH14", "ESZ13", "ESH14", "ESZ13", "ESZ13", "ESH14"],
            "close": [1700.0, 1693.0, 1701.0, 1694.5, 1702.0, 1710.0, 1700.0],
        }
    ).with_columns(pl.col("start").cast(pl.Datetime("ns", "UTC")))
    assert adjust.roll_prices(rows, "ESZ13", "ESH14", 5) == (1701.0, 1694.5)  # not the bar of the roll itself
    assert adjust.roll_prices(rows, "ESZ13", "ESM14", 5) is None


def test_the_front_month_changes_at_the_roll_session():
    sessions = sessions_of("CMES", DATE("2013-12-12"), DATE("2013-12-17"))
    front = adjust.front_numbers("ES", sessions)
    assert adjust.roll_sessions(front) == [2]  # Thursday, Friday, then Monday the 16th
    assert adjust.contract_names("ES", front, 2) == ("ESZ13", "ESH14")
