"""Sell premium while the market pays for it: implied above realised volatility, and no stress (decision 132).

All of it is daily and known at the session's close: minutes of the next session decide on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from engine.core.condition_words import number
from engine.core.conditions import Operand
from engine.core.fields import Flag, Number, SpecModel, Symbol, Whole, field
from engine.signals.logic.contract import LogicBars, LogicColumns, NamedLogic, Side, three_valued

POINTS = "points a year, as VIX is quoted"


class Params(SpecModel):
    """Parameters of vrp."""

    margin: Number = field(
        3.0, "IV30 of the chain must exceed the realised volatility by this.", POINTS, ge=-50, le=100
    )
    realised_length: Whole = field(
        20, "Sessions that the realised volatility is measured over.", "sessions", ge=2, le=500
    )
    method: Literal["close_to_close", "parkinson", "garman_klass", "yang_zhang"] = field(
        "close_to_close", "How it is measured."
    )
    vol: Whole = field(20, "Sessions of the volatility that tells stress.", "sessions", ge=2, le=500)
    history: Whole = field(120, "Its own earlier values that it is judged by.", "sessions", ge=2, le=2000)
    stress: Number = field(
        1.0, "Stressed: so many standard deviations above the mean of these.", "deviations", ge=-5, le=20
    )
    days_of: Symbol | None = field(
        None,
        "Measure realised volatility and stress on this symbol's days, such as SPY's for SPX; without it on its own.",
    )
    leave_on_stress: Flag = field(True, "Close what is open once the regime is stressed.")
    leave_below: Number | None = field(
        None,
        "Close what is open once the premium is less than this; without it nothing does.",
        POINTS,
        ge=-100,
        le=100,
    )


def operands(params: Params) -> Mapping[str, Operand]:
    regime = {"trend": 2, "vol": params.vol, "history": params.history, "stress": params.stress}
    realised = {"length": params.realised_length, "method": params.method}
    return {
        "implied": Operand(name="IV30"),
        "realised": Operand(name="REALISED_VOLATILITY", params=realised, symbol=params.days_of),
        "stressed": Operand(
            type="regime", name="volatility", timeframe="1D", params=regime, symbol=params.days_of
        ),
    }


def columns(params: Params, bars: LogicBars) -> LogicColumns:
    """Entries on both sides wherever the premium is there: legs and direction say what is sold."""
    implied, realised, stressed = (bars.columns[name] for name in ("implied", "realised", "stressed"))
    premium = implied - realised
    entry = three_valued(
        (premium >= params.margin) & (stressed == 0.0), np.isnan(premium) | np.isnan(stressed)
    )
    leave = (stressed == 1.0) & params.leave_on_stress
    if params.leave_below is not None:
        leave |= premium < params.leave_below
    exit_ = leave.astype(np.int8)
    shown = {"implied": implied, "realised": realised, "premium": premium, "stressed": stressed}
    return LogicColumns(entry, entry, exit_, exit_, shown)


def words(params: Params) -> Sequence[str]:
    of = f" of {params.days_of}" if params.days_of else ""
    said = [
        f"The chain's 30-day volatility must exceed the {params.method.replace('_', ' ')} volatility{of} of the last "
        f"{params.realised_length} sessions by {number(params.margin)} points or more.",
        f"Not in a stressed market: {params.vol}-session volatility{of} above the mean of its {params.history} values "
        f"before by more than {number(params.stress)} times their deviation"
        + ("; what is open then is closed." if params.leave_on_stress else "."),
    ]
    if params.leave_below is not None:
        said.append(f"What is open is closed once the premium is below {number(params.leave_below)} points.")
    return said


def told(params: Params, side: Side, shown: Mapping[str, float]) -> str:
    return (
        f"IV30 {shown['implied']:.2f} less realised volatility {shown['realised']:.2f} is {shown['premium']:.2f} "
        f"points, {number(params.margin)} needed; the market is calm"
    )


LOGIC = NamedLogic(
    name="vrp",
    title="Volatility risk premium",
    params=Params,
    columns=columns,
    operands=operands,
    words=words,
    told=told,
)
