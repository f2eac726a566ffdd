"""Parity finds what differs, explains only what it knows, and calls no trades unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine.core.errors import SetupError, SpecError
from engine.sim import parity as under_test
from engine.sim.backends import vectorbt
from engine.sim.backends.vectorbt import orders_at_open, require_expressible
from engine.sim.parity import differences, parity
from engine.sim.simulate import prepare, result_of, walker
from tests.fixtures.prepared import crossover, crossover_prepared


@pytest.fixture(scope="module")
def prepared():
    return crossover_prepared()


@pytest.fixture(scope="module")
def result(prepared):
    return result_of(prepared, walker("reference")(prepared), "reference")


def changed(result, table, column, by):
    frame = getattr(result, table)
    bigger = pl.when(pl.int_range(pl.len()) == 3).then(pl.col(column) + by).otherwise(pl.col(column))
    return replace(result, **{table: frame.with_columns(bigger.alias(column))})


def test_the_reference_and_the_walk_agree(prepared):
    found = parity(prepared, ("reference", "native"))
    assert found.verdict == "agree"
    assert [o.n_trades for o in found.outcomes] == [found.outcomes[0].n_trades] * 2
    assert found.outcomes[0].n_trades > 10


@pytest.mark.parametrize(
    ("table", "column", "by"),
    [
        ("trades", "entry_price", 1e-6),  # a price of about 100: 1e-8 relative
        ("trades", "fees", 0.011),
        ("trades", "quantity", 1.0),
        ("fills", "price", 1e-6),
        ("equity", "equity", 0.011),
    ],
)
def test_a_difference_above_the_tolerance_is_found_by_table_row_and_field(result, table, column, by):
    found = list(differences(result, changed(result, table, column, by)))
    assert [(d.table, d.row, d.field, d.reason) for d in found] == [(table, 3, column, "")]


@pytest.mark.parametrize(
    ("table", "column", "by"), [("trades", "entry_price", 1e-9), ("trades", "net_pnl", 0.009)]
)
def test_rounding_below_the_tolerance_is_none(result, table, column, by):
    assert list(differences(result, changed(result, table, column, by))) == []


def test_a_trade_that_only_one_engine_has_is_found(result):
    found = list(differences(result, replace(result, trades=result.trades[:-1])))
    assert [(d.field, d.left - d.right) for d in found] == [("rows", 1)]


def test_another_reason_or_time_of_an_exit_is_found(result):
    other = result.trades.with_columns(
        exit_reason=pl.lit("stop_loss"), exit_at=pl.col("exit_at") + pl.duration(minutes=1)
    ).cast(result.trades.schema)
    fields = {d.field for d in differences(result, replace(result, trades=other))}
    assert fields == {"exit_at", "exit_reason"}


def test_skips_that_vectorbt_does_not_record_are_explained(result):
    skipped = pl.DataFrame({"at": [0], "symbol": ["AAA"], "reason": ["no bar to fill on"]})
    with_one = replace(result, skipped=skipped.cast(result.skipped.schema))
    found = list(differences(with_one, replace(result, engine="vectorbt")))
    assert [d.reason for d in found] == [under_test.NO_SKIPS]
    assert [d.reason for d in differences(with_one, replace(result, engine="lumibot"))] == [""]


def test_no_trades_is_unknown_and_one_difference_is_differ(prepared, monkeypatch):
    quiet = replace(
        prepared, signals=tuple(replace(s, entry_long=s.entry_long * 0) for s in prepared.signals)
    )
    assert parity(quiet, ("reference", "native")).verdict == "unknown"
    dearer = replace(prepared.rules, costs=replace(prepared.rules.costs, per_unit=0.05))
    right = walker("native")
    wrong = {"native": lambda p: right(replace(p, rules=dearer))}
    monkeypatch.setattr(under_test, "walker", lambda name: wrong.get(name) or walker(name))
    assert parity(prepared, ("reference", "native")).verdict == "differ"


def test_an_engine_that_is_not_there_refuses_in_one_line_or_fails_if_asked_for(prepared, monkeypatch):
    monkeypatch.setattr(vectorbt.importlib.util, "find_spec", lambda _: None)
    found = parity(prepared, ("reference", "lumibot"), optional=True)
    assert "requirements-lumibot.txt" in found.outcomes[1].refused
    assert found.verdict == "unknown"
    with pytest.raises(SetupError, match="lumibot is not installed"):
        parity(prepared, ("reference", "lumibot"))


@pytest.mark.parametrize(
    ("field", "overrides"),
    [
        ("direction", {"direction": "both"}),
        ("entry.order.type", {"entry.order": {"type": "limit", "offset_pct": 0.1}}),
        ("entry.day_rules.enter_time", {"entry.day_rules": {"enter_time": "10:00:00"}}),
        ("risk_exits.stop_loss_pct", {"risk_exits.stop_loss_pct": 1}),
        ("risk_exits.end_of_day", {"risk_exits.end_of_day": True}),
        ("sizing.mode", {"sizing": {"mode": "equity_pct", "equity_pct": 50}}),
        ("costs.slippage_ticks", {"costs": {"slippage_ticks": 1}}),
        ("backtest.cash_rate_pct", {"backtest": {"cash_rate_pct": 4}}),
    ],
)
def test_what_vectorbt_cannot_express_is_refused_by_its_field(field, overrides):
    spec, pack = crossover(overrides)
    with pytest.raises(SpecError, match=f"^{field}: vectorbt cannot express"):
        require_expressible(prepare(spec, pack))


def test_signals_act_at_the_next_open_entries_on_that_bar_only_and_exits_on_the_next_row():
    row = np.array([1, 1, 0, 1, 1, 0, 0, 1], dtype=bool)
    entry = np.array([1, 1, 0, 1, 0, 0, 0, 0], dtype=np.int8)
    leave = np.array([0, 0, 0, 0, 1, 0, 0, 0], dtype=np.int8)
    entries, exits = orders_at_open(entry, leave, row)
    assert np.flatnonzero(entries).tolist() == [1, 4]  # the one of bar 1 met no row on bar 2
    assert np.flatnonzero(exits).tolist() == [7]  # that of bar 4 waits over 5 and 6
