"""How tables write their figures."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import polars as pl
import pytest

from engine.metrics.names import METRIC_NAMES
from pages.ui import tables
from pages.ui.queries import Run


@pytest.mark.parametrize(
    ("prices", "form"),
    [
        ([502.85028, 501.0], "%.2f"),  # shares, with slippage in the price
        ([0.45, 1.2, None], "%.2f"),  # premiums on cents
        ([0.45, 1.2, 1.0133], "%.2f"),  # one of them left in parts: a mean of two fills
        ([1.39127, 1.3856], "%.5f"),  # EURUSD
        ([1294.735, float("nan")], "%.2f"),  # an ounce of gold
        ([], "%.2f"),
    ],
)
def test_prices_have_cents_and_those_of_currencies_five_digits(prices, form):
    assert tables.price_form(pl.Series(prices, dtype=pl.Float64)) == form


def test_trades_of_several_symbols_keep_the_digits_of_each():
    at = datetime(2014, 5, 1, 12, tzinfo=UTC)
    rows = [
        {"trade_id": i, "symbol": symbol, "side": "long", "entry_at": at, "exit_at": at, "quantity": 1.0,
         "entry_price": price, "exit_price": price, "return_frac": 0.0, "net_pnl": 0.0, "bars_held": 1,
         "exit_reason": "stop_loss", "entry_reason": ""}
        for i, (symbol, price) in enumerate([("EURUSD", 1.3883149), ("XAUUSD", 1283.0512)])
    ]  # fmt: skip
    both = tables.trades_frame(pl.DataFrame(rows), "UTC", one_symbol=False)
    assert both["entry_price"].to_list() == [1.38831, 1283.05]
    assert tables.trades_columns(both)["entry_price"]["type_config"]["format"] == "%.10g"
    euros = tables.trades_frame(pl.DataFrame(rows[:1]), "UTC", one_symbol=True)
    assert tables.trades_columns(euros)["entry_price"]["type_config"]["format"] == "%.5f"


@pytest.mark.parametrize(
    ("varied", "cell"),
    [
        ({}, ""),
        ({"fast": "5", "slow": "20"}, "fast 5, slow 20"),
        ({"range_minutes": "5", "stop_loss_pct": "1.7"}, "5 · 1.7 (range_minutes, stop_loss_pct)"),
        (
            {"legs.0.delta": "-0.15", "hours": "['a', 'b']", "x": "default"},
            "-0.15 · ['a', 'b'] · default (legs.0.delta, hours, x)",
        ),
    ],
)
def test_configs_of_a_sweep_are_told_apart_where_there_is_little_room(varied, cell):
    nothing = dict.fromkeys(field.name for field in dataclasses.fields(Run))
    assert tables.config_cell(Run(**{**nothing, "varied": varied})) == cell


def test_the_first_figures_of_a_run_stand_beside_its_name():
    nothing = dict.fromkeys(field.name for field in dataclasses.fields(Run))
    known = {
        "source": "SYNTHETIC",
        "symbols": ("SPY",),
        "status": "done",
        "metrics": dict.fromkeys(METRIC_NAMES),
    }
    swept = Run(**{**nothing, **known, "varied": {"fast": "5"}})
    columns = tables.runs_frame([swept]).columns
    # a screen of 900 pixels shows three or four columns of figures after what names the run
    assert columns[:7] == ["name", "config", "data", "sharpe", "total_return", "max_drawdown", "n_trades"]
    assert set(tables.RUN_METRICS) <= set(columns)
    assert len(columns) == len(set(columns))
