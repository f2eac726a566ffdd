"""Indicators against hand calculations and against pandas and polars."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine.core.conditions import Operand
from engine.core.errors import SpecError
from engine.signals import means
from engine.signals.indicators import indicator, indicator_column, lookback
from tests.fixtures.bars import random_series

NAN = np.nan


def column(name, fields, **params):
    """The indicator over columns given by name; a single array is the close."""
    fields = fields if isinstance(fields, dict) else {"close": np.asarray(fields, dtype=float)}
    return indicator_column(indicator(Operand(name=name, params=params)), fields.__getitem__)


@pytest.fixture(scope="module")
def walk():
    series = random_series(np.random.default_rng(2), n_sessions=3)
    return {name: getattr(series, name) for name in ("open", "high", "low", "close", "volume")}


def test_sma_by_hand():
    # (1 + 2 + 6) / 3 = 3, (2 + 6 + 1) / 3 = 3, (6 + 1 + 5) / 3 = 4
    np.testing.assert_array_equal(column("SMA", [1, 2, 6, 1, 5], length=3), [NAN, NAN, 3.0, 3.0, 4.0])


def test_ema_by_hand():
    # TA-Lib starts with the mean of the first three, then k = 2 / (3 + 1): 2, 2 + (6 - 2) / 2 = 4, 4 + (1 - 4) / 2
    np.testing.assert_allclose(column("EMA", [1, 2, 3, 6, 1], length=3), [NAN, NAN, 2.0, 4.0, 2.5])


def test_rsi_by_hand():
    # Wilder (1978): gains 2 and losses 1 over two changes: mean gain 1, mean loss 0.5: 100 * 1 / 1.5
    # then a gain of 3: mean gain (1 + 3) / 2 = 2, mean loss 0.25: 100 * 2 / 2.25
    np.testing.assert_allclose(
        column("RSI", [10, 12, 11, 14], length=2), [NAN, NAN, 66.6666666667, 88.8888888889]
    )


def test_sma_matches_pandas_and_polars(walk):
    got = column("SMA", walk, length=37)
    np.testing.assert_allclose(got, pd.Series(walk["close"]).rolling(37).mean(), rtol=1e-12)
    np.testing.assert_allclose(got, pl.Series(walk["close"]).rolling_mean(37).to_numpy(), rtol=1e-12)


def test_bollinger_bands_match_pandas(walk):
    rolling = pd.Series(walk["close"]).rolling(20)
    upper = rolling.mean() + 2.5 * rolling.std(ddof=0)
    np.testing.assert_allclose(column("BBANDS_UPPER", walk, length=20, nbdevup=2.5), upper, rtol=1e-7)


def test_rsi_matches_wilders_smoothing_in_pandas(walk):
    change = pd.Series(walk["close"]).diff()
    gain, loss = change.clip(lower=0), -change.clip(upper=0)

    def wilder(x):
        start = pd.concat([pd.Series([x[1:15].mean()]), x[15:]])
        return start.ewm(alpha=1 / 14, adjust=False).mean().to_numpy()

    up, down = wilder(gain), wilder(loss)
    np.testing.assert_allclose(column("RSI", walk)[14:], 100 * up / (up + down), rtol=1e-9)


def test_atr_and_highest_high_match_pandas(walk):
    frame = pd.DataFrame(walk)
    before = frame["close"].shift()
    spans = [frame["high"] - frame["low"], (frame["high"] - before).abs(), (frame["low"] - before).abs()]
    true_range = pd.concat(spans, axis=1).max(axis=1)[1:]
    start = pd.concat([pd.Series([true_range[:14].mean()]), true_range[14:]])
    expected = start.ewm(alpha=1 / 14, adjust=False).mean()
    np.testing.assert_allclose(column("ATR", walk)[14:], expected, rtol=1e-9)
    highest = frame["high"].rolling(10).max()
    np.testing.assert_array_equal(column("MAX", walk, length=10, source="high"), highest)


def test_obv_takes_volume():
    # On balance volume starts with the first volume: 10, up +20, down -30
    fields = {"close": np.array([1.0, 2.0, 1.0]), "volume": np.array([10.0, 20.0, 30.0])}
    np.testing.assert_array_equal(column("OBV", fields), [10.0, 30.0, 0.0])


def test_macd_outputs_by_name_and_by_parameter(walk):
    macd, signal, hist = (column(n, walk) for n in ("MACD", "MACD_SIGNAL", "MACD_HIST"))
    np.testing.assert_allclose(hist[33:], (macd - signal)[33:], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(signal, column("macd", walk, output="macdsignal"))
    np.testing.assert_array_equal(
        signal, column("MACD_SIGNAL", walk, fast=12, slow_period=26, SignalPeriod=9)
    )


def test_one_nan_does_not_poison_the_rest():
    clean = np.arange(1.0, 41.0) ** 1.1
    holed = clean.copy()
    holed[10] = NAN
    for name in ("SMA", "EMA", "RSI", "STDDEV", "LINEARREG"):
        got = column(name, holed, length=5)
        np.testing.assert_array_equal(got[:10], column(name, clean[:10], length=5))
        assert np.isnan(got[10:15]).all(), name
        np.testing.assert_allclose(got[11:], column(name, clean[11:], length=5), rtol=1e-12)
        assert not np.isnan(got[17:]).any(), name


def test_a_flat_rsi_is_undefined_and_a_falling_one_is_zero():
    flat, falling = np.full(30, 5.0), np.arange(30.0, 0.0, -1.0)
    assert np.isnan(column("RSI", flat)).all()
    assert np.isnan(column("CMO", flat)).all()
    np.testing.assert_array_equal(column("RSI", falling)[14:], np.zeros(16))
    moved = np.concatenate([flat, [6.0, 5.0]])
    np.testing.assert_allclose(
        column("RSI", moved)[-2:], [100.0, 48.1481481481]
    )  # gain 13/14, loss 1: 13 / 27


@pytest.mark.parametrize(
    "name", ["WILLR", "CCI", "MFI", "STOCHF_FASTK", "STOCHF_FASTD", "STOCH_SLOWK", "STOCH_SLOWD"]
)
def test_an_oscillator_without_a_range_is_undefined_and_recovers(name, walk):
    fields = {
        f: np.concatenate([np.full(40, 5.0), 5 + np.sin(np.arange(40.0)), np.full(9, 5.0)]) for f in walk
    }
    fields["high"] = fields["high"] + 0.0
    got = column(name, fields)
    assert np.isnan(got[:40]).all()
    assert not np.isnan(got[56:78]).any()
    plain = column(name, walk)
    assert not np.isnan(plain[14:]).any()


def test_a_saturated_stochastic_rsi_is_undefined():
    assert np.isnan(column("STOCHRSI_FASTK", np.arange(60.0))).all()  # RSI stands at 100 and has no range


def test_whole_number_outputs_are_undefined_until_warm(walk):
    assert np.isnan(column("HT_TRENDMODE", walk)[:63]).all()
    assert np.isnan(column("CDLENGULFING", walk)[:2]).all()
    assert not np.isnan(column("CDLENGULFING", walk)[2:]).any()


def test_fewer_rows_than_the_lookback_are_all_undefined():
    for name in ("SMA", "EMA", "MACD", "ADX", "STOCH_SLOWD", "CCI"):
        fields = {f: np.array([1.0, 2.0, 3.0]) for f in ("high", "low", "close")}
        assert np.isnan(column(name, fields)).all()
        assert len(column(name, {f: np.empty(0) for f in fields})) == 0


def test_trend_bias_by_hand():
    # means of 2 and 3 rows: rising 1 2 3 -> close 3 > 2.5 > 2 bullish; then 1: fast 2, slow 2, neither; then 0 bearish
    got = column("trend_bias", [1, 2, 3, 1, 0], fast=2, slow=3)
    np.testing.assert_array_equal(got, [NAN, NAN, 1.0, 0.0, -1.0])


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("SMAA", {}, "not a TA-Lib function. Nearest: SMA"),
        ("VIX", {}, 'is a symbol, not an indicator; write .*"symbol": "VIX"'),
        ("RSI", {"lenght": 3}, "unknown parameter 'lenght'; parameters: length"),
        ("RSI", {"length": 2.5}, "must be a whole number"),
        ("RSI", {"length": 0}, "length must be 2 to 100,000, got 0"),
        ("SMA", {"length": 0}, "length must be 1 to 100,000, got 0"),
        ("RSI", {"length": "long"}, "must be a number"),
        ("BBANDS", {}, "choose one output of BBANDS .* upperband, middleband, lowerband"),
        ("MACD_FOO", {}, "outputs: macd, macdsignal, macdhist"),
        ("ATR", {"source": "high"}, "has no source"),
        ("SMA", {"source": "vwap"}, "is not one of open"),
        ("trend_bias", {"fast": 9, "slow": 3}, "fast < slow"),
    ],
)
def test_a_wrong_indicator_is_one_clear_line(name, params, message):
    with pytest.raises(SpecError, match=message) as caught:
        indicator(Operand(name=name, params=params))
    assert "\n" not in str(caught.value)


def test_the_same_indicator_is_equal_however_it_is_written():
    wanted = indicator(Operand(name="SMA", params={"length": 20}))
    for name, params in (("sma", {"TimePeriod": 20.0}), ("MA", {"length": 20}), ("BBANDS_MIDDLE", {})):
        assert indicator(Operand(name=name, params=params)) == wanted


def test_lookback_counts_what_recursive_functions_remember():
    def rows(name, **params):
        return lookback(indicator(Operand(name=name, params=params)))

    assert rows("SMA", length=50) == 49
    assert rows("MAX", length=20) == 19
    assert rows("EMA", length=50) == 2 * 49
    assert rows("RSI", length=14) == 4 * 14
    assert rows("trend_bias") == 199


def test_after_the_warm_up_the_start_no_longer_matters():
    close = random_series(np.random.default_rng(9), n_sessions=20).close
    for name in ("EMA", "RSI", "ATR", "MACD", "ADX"):
        found = indicator(Operand(name=name))
        fields = {"high": close + 1, "low": close - 1, "close": close}
        long = indicator_column(found, fields.__getitem__)
        start = len(close) - 4 * lookback(found) - 1
        short = indicator_column(found, lambda f, d=fields, s=start: d[f][s:])
        assert short[-1] == pytest.approx(long[-1], abs=1e-4), name


# ---------------------------------------------------------------- exact means


@pytest.mark.parametrize("tick", ["0.01", "0.25", "0.001", "0.00001"])
def test_a_mean_is_the_float_nearest_to_the_true_mean(tick):
    rng = np.random.default_rng(4)
    ticks = rng.integers(3_000, 4_000, 300)
    exact = [Fraction(int(t)) * Fraction(tick) for t in ticks]
    values = np.array([float(e) for e in exact])
    got = means.GridColumn(values, means.PER_UNIT_PRICE).mean(7)
    assert got[6:].tolist() == [float(sum(exact[i - 6 : i + 1]) / 7) for i in range(6, 300)]


def test_equal_means_of_different_lengths_are_equal_floats():
    # 0.25 ticks repeating every 4 rows: means over 4, 8 and 20 rows are the same number, 1700.125
    values = np.tile([1700.0, 1700.25, 1700.25, 1700.0], 50)
    column_ = means.GridColumn(values, means.PER_UNIT_PRICE)
    assert set(column_.mean(4)[3:]) == set(column_.mean(8)[7:]) == set(column_.mean(20)[19:]) == {1700.125}


def test_a_mean_does_not_depend_on_where_the_history_starts():
    values = np.round(np.random.default_rng(8).normal(100, 5, 2000), 2)
    values[50] = 0.123456789  # off the grid: its windows are summed one by one
    whole = means.GridColumn(values, means.PER_UNIT_PRICE).mean(30)
    for start in (1, 40, 51, 1500):
        part = means.GridColumn(values[start:], means.PER_UNIT_PRICE).mean(30)
        assert part[29:].tobytes() == whole[start + 29 :].tobytes()


def test_plain_and_compiled_means_agree_with_holes_and_odd_prices():
    values = np.round(np.random.default_rng(6).normal(50, 5, 400), 2)
    values[[20, 21, 300]] = NAN
    values[[100, 250]] = 1 / 3, 1e13
    units, again = np.empty(400, dtype=np.int64), np.empty(400, dtype=np.int64)
    means.grid_units(values, 1e6, units)
    means.grid_units.py_func(values, 1e6, again)
    np.testing.assert_array_equal(units, again)
    compiled, plain = np.empty(400), np.empty(400)
    means.mean_mixed(values, units, 9, 1e6, compiled)
    means.mean_mixed.py_func(values, units, 9, 1e6, plain)
    np.testing.assert_array_equal(compiled, plain)
    np.testing.assert_allclose(compiled, pd.Series(values).rolling(9).apply(np.mean, raw=True), rtol=1e-12)


def test_a_split_adjusted_price_is_the_decimal_it_stands_for():
    # 33.33 * 3 is 99.99 exactly, and 99.99 as a float only after snapping
    assert means.snapped(np.array([33.33 * 3, NAN, 1 / 3])).tolist()[0] == 99.99
    assert means.snapped(np.array([1 / 3]))[0] == 1 / 3
