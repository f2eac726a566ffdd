"""Cached reads of the levels that a trade had at its entry beyond its stop and first target, which its row holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from engine.core.errors import ArgusError
from engine.core.spec import StrategySpec
from pages.ui import run_files


@st.cache_data(max_entries=256, show_spinner=False)
def later_targets(folder: str, trade_id: int) -> tuple[float, ...]:
    """Prices of the targets after the first, nearest first, of the call or else of the spec; () where there are none.

    Also () where what would be the first is not the one that the trade kept: nothing is drawn that is not sure.
    """
    trade = run_files.some_trades(folder, (trade_id,)).row(0, named=True)
    try:
        found = _targets(folder, trade)
    except ArgusError:
        return ()  # a file that is gone or damaged is told where it is shown itself
    first = trade["target_price"]
    is_sure = bool(found) and first is not None and abs(found[0] - first) < 1e-9 * abs(first)
    return found[1:] if is_sure else ()


def _targets(folder: str, trade: Mapping[str, Any]) -> tuple[float, ...]:
    from engine.core.instruments import instrument
    from engine.core.spec_text import build_spec
    from engine.trade.exits import target_level
    from engine.trade.option_account import price_of
    from engine.trade.quotes import OPTION_TICKS

    spec = build_spec(run_files.json_file(folder, "strategy_spec.json"))
    side, entry = 1 if trade["side"] == "long" else -1, trade["entry_price"]
    gains = [one.gain_pct / 100 for one in spec.risk_exits.targets]
    if spec.is_options:
        worths = [target_level(entry, 1, gain, OPTION_TICKS) for gain in gains]
        return tuple(price_of(worth, entry, side) for worth in worths)
    per_tick = instrument(trade["symbol"]).per_tick
    called = _called(folder, trade["trade_id"], spec)
    if called:
        return tuple(target_level(price, side, 0.0, per_tick) for price in called)
    return tuple(target_level(entry, side, gain, per_tick) for gain in gains)


def _called(folder: str, trade_id: int, spec: StrategySpec) -> list[float]:
    """The targets of the call that made a trade, as many as the spec takes; none where no call did or it named none."""
    if not (Path(folder) / "calls.parquet").is_file():
        return []
    from engine.signals.logic.signals_csv import Params

    rows = run_files.of_trade(folder, "calls.parquet", trade_id)["targets"].to_list()
    prices = [float(one) for one in rows[0].split(" / ")] if rows and rows[0] else []
    return prices[: Params.model_validate(dict(spec.entry.logic_params)).max_targets]
