"""No column may know the future: cut it off or change it, and the past stays the same to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.conditions import Operand
from engine.core.errors import SpecError
from engine.core.spec_text import build_spec
from engine.signals.cache import ColumnCache
from engine.signals.columns import SeriesRows
from engine.signals.rules import signal_columns
from engine.signals.talib_names import function_info, function_names
from engine.signals.terms import kind_of, term_of
from tests.fixtures.bars import (
    daily_of,
    first_bars,
    make_sessions,
    overnight_sessions,
    perturbed_after,
    random_series,
)

OWN_TYPES = [
    ("price", "open", {}),
    ("price", "hlc3", {}),
    ("price", "volume", {}),
    ("vwap", "", {}),
    ("opening_range", "high", {"minutes": 30}),
    ("opening_range", "mid", {"minutes": 7}),
    ("gap", "", {}),
    ("day_of_week", "", {}),
    ("time", "", {}),
    ("regime", "", {"trend": 20, "vol": 10, "history": 30}),
    ("regime", "volatility", {"trend": 20, "vol": 10, "history": 30}),
    ("indicator", "trend_bias", {"fast": 5, "slow": 20}),
    ("indicator", "SMA", {"length": 7, "source": "volume"}),
    ("indicator", "SMA", {"length": 7, "source": "ohlc4"}),
]


def talib_operands() -> list[tuple[str, str, dict[str, object]]]:
    """Every function of the installed TA-Lib, every output."""
    found: list[tuple[str, str, dict[str, object]]] = []
    for name in function_names():
        if name != "MAVP":
            found += [("indicator", name, {"output": o}) for o in function_info(name)["output_names"]]
    return found


OPERANDS = OWN_TYPES + talib_operands()


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == np.ascontiguousarray(b).tobytes()


@pytest.mark.parametrize("complications", [{}, {"gap_rate": 0.1, "halts": 2, "splits": 1, "rolls": 1}])
def test_no_operand_changes_when_the_future_is_cut_off_or_changed(complications):
    rng = np.random.default_rng(11)
    series = random_series(rng, n_sessions=4, timeframe="5min", early_closes=1, **complications)
    whole = SeriesRows(series)
    cuts = [int(n) for n in rng.integers(100, len(series) - 1, 3)]
    pasts = [
        (n, SeriesRows(first_bars(series, n)), SeriesRows(perturbed_after(series, n, rng))) for n in cuts
    ]
    assert len(OPERANDS) > 200
    for kind, name, params in OPERANDS:
        column_kind = kind_of(kind, name, tuple(params.items()))
        column = whole.column(column_kind)
        for n, cut, changed in pasts:
            rows = len(cut)
            assert same_bits(column[:rows], cut.column(column_kind)), (name, params, n, "cut off")
            assert same_bits(column[:rows], changed.column(column_kind)[:rows]), (name, params, n, "changed")


TREE = {
    "name": "tree", "slug": "tree", "universe": ["AAA"], "timeframe": "5min", "direction": "both",
    "entry": {
        "signal_logic": [
            {"any": [
                {"name": "EMA", "params": {"length": 5}, "operator": "cross_above", "target": "SMA_9"},
                {"not": {"name": "RSI", "params": {"length": 5}, "operator": "between", "value": [30, 70]}},
            ]},
            {"type": "time", "operator": ">=", "value": "10:00"},
            {"type": "price", "name": "close", "symbol": "BBB", "operator": ">", "target": "BBANDS_MIDDLE_6"},
        ],
        "short_signal_logic": [
            {"type": "price", "name": "close", "timeframe": "1D", "shift": 1, "operator": "<", "target": "vwap"},
            {"type": "opening_range", "name": "low", "operator": ">", "target": "close"},
        ],
    },
    "risk_exits": {
        "signal_logic": [
            {"name": "SMA", "params": {"length": 2}, "timeframe": "1D", "operator": "cross_below",
             "target": {"name": "SMA", "params": {"length": 3}, "timeframe": "1D"}}
        ],
        "short_signal_logic": [{"type": "gap", "operator": ">", "value": 0.1}],
    },
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whole_specs_do_not_know_the_future(seed):
    rng = np.random.default_rng(seed)
    sessions = make_sessions(5, early=(int(rng.integers(5)),))
    options = {"sessions": sessions, "timeframe": "5min", "gap_rate": float(rng.choice([0.0, 0.2]))}
    aaa = random_series(rng, halts=int(rng.integers(3)), splits=int(rng.integers(2)), **options)
    bbb = random_series(rng, symbol="BBB", **options)
    series = {("AAA", "5min"): aaa, ("BBB", "5min"): bbb, ("AAA", "1D"): daily_of(aaa)}
    n = int(rng.integers(1, len(aaa)))
    ended = int(np.count_nonzero(series["AAA", "1D"].end <= aaa.end[n - 1]))
    known = {key: (n if key[1] == "5min" else ended) for key in series}
    spec = build_spec(TREE)
    whole = signal_columns(spec, series, "AAA")
    cut = signal_columns(spec, {k: first_bars(s, known[k]) for k, s in series.items()}, "AAA")
    changed = signal_columns(spec, {k: perturbed_after(s, known[k], rng) for k, s in series.items()}, "AAA")
    for name in ("entry_long", "entry_short", "exit_long", "exit_short"):
        assert same_bits(getattr(whole, name)[:n], getattr(cut, name))
        assert same_bits(getattr(whole, name)[:n], getattr(changed, name)[:n])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_operands_on_random_bars_do_not_know_the_future(seed):
    rng = np.random.default_rng(seed)
    timeframe = str(rng.choice(["5min", "15min", "1h"]))
    overnight = bool(rng.integers(2))
    series = random_series(
        rng,
        sessions=overnight_sessions(6) if overnight else None,
        n_sessions=6,
        timeframe=timeframe,
        tick=float(rng.choice([0.01, 0.25, 0.001])),
        gap_rate=float(rng.choice([0.0, 0.05, 0.5])),
        halts=int(rng.integers(3)),
        splits=int(rng.integers(2)),
        rolls=int(rng.integers(2)),
        early_closes=int(rng.integers(3)),
        quotes=bool(rng.integers(2)),
        with_volume=bool(rng.integers(2)),
    )
    n = int(rng.integers(1, len(series)))
    whole, cut = SeriesRows(series), SeriesRows(first_bars(series, n))
    changed = SeriesRows(perturbed_after(series, n, rng))
    for at in rng.choice(len(OPERANDS), 30, replace=False):
        kind = kind_of(*OPERANDS[at][:2], tuple(OPERANDS[at][2].items()))
        column = whole.column(kind)[: len(cut)]
        assert same_bits(column, cut.column(kind)), kind
        assert same_bits(column, changed.column(kind)[: len(cut)]), kind


def test_a_planted_look_ahead_is_seen(monkeypatch):
    honest = SeriesRows.column

    def one_bar_ahead(rows, kind):
        return np.append(honest(rows, kind)[1:], np.nan)

    monkeypatch.setattr(SeriesRows, "column", one_bar_ahead)
    rng = np.random.default_rng(3)
    series = random_series(rng, n_sessions=1)
    kind = kind_of("price", "close", ())
    column = SeriesRows(series).column(kind)
    assert not same_bits(column[:100], SeriesRows(first_bars(series, 100)).column(kind))
    assert not same_bits(column[:100], SeriesRows(perturbed_after(series, 100, rng)).column(kind)[:100])


def test_a_column_computed_for_one_config_serves_all_and_equals_a_fresh_one():
    series = random_series(np.random.default_rng(5), gap_rate=0.1)
    cache = ColumnCache({("AAA", "1min"): series}, max_bytes=200_000)
    for length in (5, 9, 5, 30, 9, 5):
        term = term_of(Operand(name="EMA", params={"length": length}, shift=2), "1min")
        fresh = ColumnCache({("AAA", "1min"): series})
        key = ("AAA", "1min")
        assert same_bits(cache.column(term, key), fresh.column(term, key))
        assert cache.columns.n_bytes <= 200_000


def test_functions_that_need_what_a_spec_has_not_are_refused():
    with pytest.raises(SpecError, match="MAVP needs a column of periods"):
        kind_of("indicator", "MAVP", ())
