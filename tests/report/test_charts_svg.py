"""Marks of axes, thinning of curves, and formats."""

import datetime as dt
import math

import numpy as np
import pytest

from engine.report import formats
from engine.report.charts_svg import Line, line_chart, thinned
from engine.report.ticks import date_ticks, log_ticks, nice_ticks


@pytest.mark.parametrize(
    ("low", "high", "n", "marks"),
    [
        (0.0, 10.0, 5, [0, 2, 4, 6, 8, 10]),
        (-0.31, 0.12, 4, [-0.2, 0.0]),
        (93_000, 108_000, 3, [95_000, 100_000, 105_000]),
        (1.0, 1.0, 4, []),
    ],
)
def test_marks_are_round_numbers_inside_the_range(low, high, n, marks):
    assert nice_ticks(low, high, n) == pytest.approx(marks)


def test_logarithmic_marks_are_one_two_and_five():
    assert log_ticks(90.0, 1200.0, 5) == pytest.approx([100, 200, 500, 1000])
    assert log_ticks(1.0, 1e6, 3) == pytest.approx([10.0**k for k in range(7)])


@pytest.mark.parametrize("n_sessions", [1, 2, 7, 40, 300, 2600, 7800, 20_000])
@pytest.mark.parametrize("n", [3, 12])
def test_date_marks_fit_and_are_in_order(n_sessions, n):
    days = [dt.date(1998, 1, 2) + dt.timedelta(days=i * 7 // 5) for i in range(n_sessions)]
    marks = date_ticks(days, n)
    positions = [position for position, _ in marks]
    assert 1 <= len(marks) <= n or n_sessions == 0
    assert positions == sorted(set(positions))


def test_thinning_keeps_the_extremes_and_both_ends():
    values = np.random.default_rng(1).normal(size=20_000)
    kept = thinned(values, 500)
    assert len(kept) <= 504
    assert {0, 19_999, int(values.argmin()), int(values.argmax())} <= set(kept)


@pytest.mark.parametrize("values", [[100.0], [100.0, 100.0], [0.0, 0.0], [-5.0, 3.0], [1.0, 1000.0]])
@pytest.mark.parametrize("fill_to", [None, 0.0])
def test_curves_of_any_shape_draw_finite_numbers(values, fill_to):
    days = [dt.date(2013, 1, 1) + dt.timedelta(days=i) for i in range(len(values))]
    line = Line("x", "strategy", np.array(values))
    svg = line_chart(
        "x", days, [line], formats.number, formats.number, width=300, height=200, fill_to=fill_to
    )
    assert "nan" not in svg and "inf" not in svg


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.percent(math.nan), "–"),
        (formats.percent(None), "–"),
        (formats.percent(-0.1234), "−12.3\u00a0%"),
        (formats.signed_percent(0.05), "+5.0\u00a0%"),
        (formats.signed_percent(-0.00001), "0.0\u00a0%"),
        (formats.number(-1234.5), "−1,234.50"),
        (formats.number(-0.001), "0.00"),
        (formats.number(math.inf), "∞"),
        (formats.price(1.0834), "1.0834"),
        (formats.price(102.5), "102.50"),
        (formats.quantity(0.1), "0.1"),
        (formats.quantity(1200.0), "1,200"),
        (formats.count(math.nan), "–"),
        (formats.metric(0.00123, "fraction"), "0.12\u00a0%"),
        (formats.instant(None), "–"),
    ],
)
def test_formats(text, expected):
    assert text == expected
