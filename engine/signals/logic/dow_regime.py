"""In the market while it rises calmly: trend x volatility with hysteresis (decision 133).

The two scores are those behind the labels of `signals.regimes`: the trend of the last rows against what noise alone
would bring, and today's volatility against its own past. A position is taken where both are good enough and left
where one is bad enough; between the two thresholds nothing changes, so that a score that hovers does not trade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import model_validator

from engine.core.condition_words import number
from engine.core.fields import Number, SpecModel, Whole, field
from engine.signals.logic.contract import LogicBars, LogicColumns, NamedLogic, Side, compiled, three_valued

NOISE, DEVIATIONS = "times what noise would bring", "standard deviations above its mean"


class Params(SpecModel):
    """Parameters of dow_regime."""

    trend: Whole = field(100, "Rows that the trend is measured over.", "bars", ge=2, le=2000)
    vol: Whole = field(20, "Rows that the volatility is measured over.", "bars", ge=2, le=2000)
    history: Whole = field(
        250, "Its own earlier values that a volatility is judged by.", "bars", ge=2, le=5000
    )
    enter_trend: Number = field(0.5, "A trend this strong enters.", NOISE, gt=0, le=10)
    leave_trend: Number = field(-0.25, "One weaker than this leaves.", NOISE, ge=-10, lt=10)
    calm: Number = field(0.5, "Enter only while volatility is at most this.", DEVIATIONS, ge=-5, le=20)
    stressed: Number = field(2.0, "Volatility above this leaves.", DEVIATIONS, ge=-5, le=20)
    confirm: Whole = field(3, "Rows in a row that must agree before anything changes.", "bars", ge=1, le=250)

    @model_validator(mode="after")
    def _thresholds_apart(self) -> Params:
        if self.leave_trend >= self.enter_trend:
            raise ValueError("leave_trend must be below enter_trend: between the two nothing changes")
        if self.stressed < self.calm:
            raise ValueError("stressed must not be below calm: between the two nothing changes")
        return self


def _states(trend, volatility, enter, leave, calm, stressed, confirm, state):
    """Write the state after each row to `state` float64 (n,): 1 rising, -1 falling, 0 neither, NaN undefined.

    trend, volatility : float64 (n,) scores. A row without a score leaves everything as it was.
    """
    held, wanted, n_rows = 0, 0, 0
    for i in range(len(state)):
        t, v = trend[i], volatility[i]
        if np.isnan(t) or np.isnan(v):
            state[i] = np.nan
            continue
        now = held
        if held != 0 and (t * held < leave or v > stressed):
            now = 0
        if now == 0 and v <= calm and abs(t) >= enter:
            now = 1 if t > 0.0 else -1
        n_rows = 0 if now == held else (n_rows + 1 if now == wanted else 1)
        wanted = now
        if n_rows >= confirm:
            held, n_rows = now, 0
        state[i] = held


def columns(params: Params, bars: LogicBars) -> LogicColumns:
    """Long while the state is rising, short while it is falling; out of either otherwise."""
    from engine.signals.regimes import RegimeParams, trend_score, volatility_score

    close = bars.adjusted("close")
    of = RegimeParams(trend=params.trend, vol=params.vol, history=params.history)
    trend, volatility = trend_score(close, of), volatility_score(close, of)
    state = np.empty(len(bars))
    compiled(_states)(
        trend, volatility, float(params.enter_trend), float(params.leave_trend), float(params.calm),
        float(params.stressed), params.confirm, state,
    )  # fmt: skip
    undefined = np.isnan(state)
    held = (state == 1, state == -1, state != 1, state != -1)
    return LogicColumns(
        *(three_valued(one, undefined) for one in held),
        shown={"trend_score": trend, "volatility_score": volatility, "state": state},
    )  # fmt: skip


def words(params: Params) -> Sequence[str]:
    return [
        f"The trend is the move of the last {params.trend} bars against what noise alone would bring; the volatility "
        f"is that of {params.vol} bars against the {params.history} values before it.",
        f"Long where the trend is at least {number(params.enter_trend)} times noise and volatility at most "
        f"{number(params.calm)} deviations above its mean; short where the trend falls as fast.",
        f"Out where the trend is below {number(params.leave_trend)} or volatility above {number(params.stressed)}"
        + (f"; each change after {params.confirm} bars that agree." if params.confirm > 1 else "."),
    ]


def told(params: Params, side: Side, shown: Mapping[str, float]) -> str:
    state = "rising" if side == "long" else "falling"
    return (
        f"{state} and calm: trend {shown['trend_score']:.2f} times noise, "
        f"volatility {shown['volatility_score']:+.2f} deviations from its mean"
    )


LOGIC = NamedLogic(
    name="dow_regime",
    title="Dow regime timing",
    params=Params,
    columns=columns,
    lookback=lambda params: max(params.trend, params.vol + params.history) + params.confirm,
    words=words,
    told=told,
)
