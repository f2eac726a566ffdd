"""What a spec needs is told by the series that it trades and reads."""

from pathlib import Path

import pytest

from engine.core.spec_needs import OF_DAYS, needs
from engine.core.spec_text import load_spec, with_overrides
from engine.signals.logic import logic_operands
from engine.signals.talib_names import TREND_BIAS
from engine.signals.volatility_names import NAMES, SPELLINGS

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sma_crossover", ("SPY 1-hour bars",)),
        ("zrce_second_chance", ("SPY 1-minute bars",)),
        ("vrp_credit_spread", ("SPY 1-minute bars", "SPY daily bars", "option quotes of SPY")),
        (
            "otm_put_credit_spread",
            ("SPY 1-minute bars", "VIX daily bars", "SPY daily bars", "option quotes of SPY"),
        ),
        (
            "ghetto_spread",
            (
                "AMD 1-minute bars",
                "AMD daily bars",
                "option quotes of AMD with open interest, volume and a year of volatilities",
            ),
        ),
    ],
)
def test_a_shipped_spec_says_what_it_needs(name, expected):
    spec = load_spec(SPECS / f"{name}.json")
    assert needs(spec, logic_operands(spec)) == expected


def test_what_is_waived_is_not_needed():
    spec = with_overrides(
        load_spec(SPECS / "ghetto_spread.json"), {"data.waive": ["open_interest", "volume", "iv_percentile"]}
    )
    assert needs(spec)[-1] == "option quotes of AMD"


def test_the_names_that_read_daily_bars_are_those_of_the_signals():
    assert set(OF_DAYS) == {TREND_BIAS, *NAMES, *SPELLINGS}
