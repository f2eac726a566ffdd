"""How far a source's bars reach, by its catalogue, against figures worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.core.errors import DataError
from engine.data.catalog import Series
from engine.data.extents import bars_about, chain_serving, rows_about, serving


def series(timeframe: str = "1min", n_rows: int = 3900, **fields) -> Series:
    """Ten sessions from Monday 4 to Friday 15 March 2024, twelve calendar days."""
    first, last = (
        dt.datetime(2024, 3, 4, 14, 30, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 15, 19, 59, tzinfo=dt.UTC),
    )
    given = {"source": "mine", "symbol": "SPY", "kind": "equity"} | fields
    return Series(timeframe=timeframe, first=first, last=last, n_rows=n_rows, n_sessions=10, **given)


def test_native_bars_go_before_finer_ones_and_coarser_ones_cannot_serve():
    held = [
        series("1min"),
        series("1h", 70),
        series("1D", 10),
        series("1h", 70, quotes=True),
        series("1h", 70, kind="cfd"),
    ]
    assert serving(held, "mine", "SPY", "1h", "equity").timeframe == "1h"
    assert serving(held, "mine", "SPY", "30min", "equity").timeframe == "1min"
    with pytest.raises(DataError, match="source mine has no bars that could give 5min"):
        serving([series("1D", 10)], "mine", "SPY", "5min", "equity")


@pytest.mark.parametrize(
    ("one", "timeframe", "start", "end", "n"),
    [
        (series(), "1min", None, None, 3900),
        (series(), "5min", None, None, 780),
        (series(), "1D", None, None, 10),
        (series(), "1min", dt.date(2024, 3, 10), None, 1950),  # six of twelve days
        (series(), "1min", dt.date(2024, 4, 1), None, 0),
        (series(), "1min", dt.date(2020, 1, 1), dt.date(2030, 1, 1), 3900),
        # three contracts' rows are counted, one is traded: 10 sessions of 23 hours
        (series(n_rows=3 * 13_800, kind="future"), "1h", None, None, 230),
    ],
)
def test_about_how_many_bars_a_window_has(one, timeframe, start, end, n):
    assert bars_about(one, timeframe, start, end) == pytest.approx(n)


def test_a_chain_is_served_by_rows_of_its_length_else_by_the_finest_quotes_before_trades():
    held = [
        series("1D", kind="option"), series("1min", kind="option"), series("1min", kind="option", quotes=True),
        series("1h", kind="option"),
    ]  # fmt: skip
    assert chain_serving(held, "mine", "SPY", "1h").timeframe == "1h"
    finest = chain_serving(held, "mine", "SPY", "30min")
    assert (finest.timeframe, finest.quotes) == ("1min", True)
    with pytest.raises(DataError, match="options of QQQ: source mine has none"):
        chain_serving(held, "mine", "QQQ", "1h")


def test_rows_between_two_dates_are_taken_as_spread_evenly():
    # 3,900 rows over twelve calendar days, three of which are inside
    assert rows_about(series(), dt.date(2024, 3, 4), dt.date(2024, 3, 6)) == pytest.approx(975)
    assert rows_about(series(), None, None) == 3900
