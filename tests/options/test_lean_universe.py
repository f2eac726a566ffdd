"""LEAN's option universe file for AAPL: its Greeks and volatilities recomputed; what differs is told in
docs/results/options-pricing.md."""

import csv

import numpy as np
import pytest

from engine.core.sessions import day_number
from engine.options import iv, pricing
from engine.options.rates import read_rates
from tests.fixtures.market import REAL_DATA, needs_real_data

pytestmark = needs_real_data

SPOT = 93.70  # close of 2014-06-09 in equity/usa/daily/aapl.zip; the 92.72 of the file's own row is no close
AS_OF = np.datetime64(
    "2014-06-10"
)  # the file holds 2014-06-09 and counts days from the midnight that ended it
HALF_DIGIT = 0.7e-7  # the file holds seven decimals


@pytest.fixture(scope="module")
def rows():
    with (REAL_DATA / "lean/option/usa/universes/aapl/20140609.csv").open() as file:
        table = [row for row in csv.DictReader(file) if row["strike"]]
    days = {row["#expiry"]: (np.datetime64(iso(row["#expiry"])) - AS_OF).astype(int) for row in table}
    names = (
        "strike",
        "close",
        "open_interest",
        "implied_volatility",
        "delta",
        "gamma",
        "vega",
        "theta",
        "rho",
    )
    columns = {name: np.array([float(row[name] or "nan") for row in table]) for name in names}
    columns["is_call"] = np.array([row["right"] == "C" for row in table])
    columns["years"] = np.array([days[row["#expiry"]] for row in table]) / 365.0
    columns["expiry"] = np.array([row["#expiry"] for row in table])
    return columns


def iso(text):
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


@pytest.fixture(scope="module")
def carry(rows):
    """(rate, yield) that LEAN used: the primary credit rate as it is, the yield read off deltas without volatility."""
    rates = read_rates(REAL_DATA / "lean/alternative/interest-rate/usa/interest-rate.csv")
    rate = float(np.expm1(rates.on(day_number(np.datetime64("2014-06-09").item()))))
    assert rate == pytest.approx(0.0075)
    bare = (
        rows["is_call"] & (rows["implied_volatility"] == 0.0) & (rows["delta"] > 0.0) & (rows["years"] > 1.0)
    )
    yields = -np.log(rows["delta"][bare]) / rows["years"][bare]
    assert np.ptp(yields) < 1e-6
    return rate, float(np.median(yields))


def with_volatility(rows):
    keep = rows["implied_volatility"] > 0.0
    return {name: column[keep] for name, column in rows.items()}


def test_the_greeks_are_equal_within_the_files_rounding(rows, carry):
    rate, dividend_yield = carry
    of = with_volatility(rows)
    assert len(of["strike"]) == 924
    greeks = pricing.bsm_greeks(
        of["is_call"], SPOT, of["strike"], of["years"], rate, dividend_yield, of["implied_volatility"]
    )
    for name in ("delta", "vega", "theta", "rho"):
        np.testing.assert_allclose(getattr(greeks, name), of[name], rtol=0, atol=2 * HALF_DIGIT, err_msg=name)
    # LEAN's gamma leaves out exp(-qT)
    bare = greeks.gamma * np.exp(dividend_yield * of["years"])
    np.testing.assert_allclose(bare, of["gamma"], rtol=0, atol=2 * HALF_DIGIT)


def test_every_volatility_is_that_of_a_price_or_of_an_open_interest(rows, carry):
    """A pair has one volatility: of the close of its put or call, or of the open interest, taken for a price."""
    rate, dividend_yield = carry
    of = with_volatility(rows)
    at = {key: i for i, key in enumerate(zip(rows["expiry"], rows["strike"], rows["is_call"], strict=True))}
    met = {}
    for name in ("close", "open_interest"):
        met[name] = np.zeros(len(of["strike"]), dtype=bool)
        for is_call in (True, False):
            partner = [
                at[key] for key in zip(of["expiry"], of["strike"], [is_call] * len(met[name]), strict=True)
            ]
            model = pricing.bsm_price(
                is_call, SPOT, of["strike"], of["years"], rate, dividend_yield, of["implied_volatility"]
            )
            told = rows[name][partner]
            met[name] |= np.abs(model - told) <= 5e-4 * np.maximum(1.0, told)  # LEAN's search stops early
    assert (
        met["close"] | met["open_interest"]
    ).sum() == 922  # the one pair left was solved for 17.70, no price of it
    assert met["close"].sum() == 372
    assert (met["open_interest"] & ~met["close"]).sum() == 550


def test_our_volatility_of_the_same_price_is_the_files(rows, carry):
    rate, dividend_yield = carry
    of = with_volatility(rows)
    found = iv.implied_volatility(
        of["close"], of["is_call"], SPOT, of["strike"], of["years"], rate, dividend_yield
    )
    gap = np.abs(found.volatility - of["implied_volatility"])
    vega = pricing.bsm_greeks(
        of["is_call"], SPOT, of["strike"], of["years"], rate, dividend_yield, of["implied_volatility"]
    ).vega
    same = gap * 100.0 * vega <= 1.5e-4 * np.maximum(1.0, of["close"])
    assert same.sum() == 184  # the option of the pair whose price was used, where it was a price
    assert np.median(gap[same]) < 5e-6
