"""Named logic worked out a second time, in the plainest way, from what docs/strategies/*.md says and nothing else.

Random bars with what real ones have: missing rows, halts, half days, a change of the clock, no volume.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.core.spec_text import build_spec
from engine.signals.cache import ColumnCache
from engine.signals.rules import SignalPlan
from tests.fixtures.bars import daily_of, make_sessions, random_series

DIME = Fraction(1, 10)
SPREAD = [{"right": "PUT", "side": "SELL", "delta": -0.3, "dte": 23}, {"right": "PUT", "width": 5}]


def columns(logic, params, series, *, chain_iv=None, **fields):
    entry = {"logic": logic, "logic_params": params}
    spec = build_spec({"name": "x", "slug": "x", "universe": ["AAA"], "timeframe": series.timeframe, "entry": entry,
                       **fields})  # fmt: skip
    held = {("AAA", "1D"): daily_of(series)} if series.timeframe != "1D" else {}
    cache = ColumnCache({**held, ("AAA", series.timeframe): series}, chain_iv=chain_iv)
    return SignalPlan.of(spec).logic_columns(cache, "AAA")


# ---------------------------------------------------------------- ZRCE Second Chance


def zrce(series, drawn, needs, volume_bars):
    """(row, side, attempt) of each entry: docs/strategies/zrce-second-chance.md, rules 1 to 4."""
    rows = np.flatnonzero(~np.isnan(series.close))
    clock = [minute_of(series.start[i], series.sessions.timezone) for i in rows]
    price = {
        name: [Fraction(f"{v:.8f}") for v in getattr(series, name)[rows]] for name in ("high", "low", "close")
    }
    volume = series.volume[rows].tolist()
    found = []
    for session in sorted(set(series.session[rows].tolist())):
        day = [k for k, i in enumerate(rows) if series.session[i] == session]
        zone = [k for k in day if clock[k] < drawn]
        if not zone:
            continue
        top, bottom = max(price["high"][k] for k in zone) + DIME, min(price["low"][k] for k in zone) - DIME
        for side, edge in ((1, top), (-1, bottom)):
            attempt, is_running, has_entered = 0, False, False
            for k in day[len(zone) :]:
                beyond = (price["close"][k] - edge) * side
                if beyond <= 0:
                    is_running = False
                elif beyond > DIME:
                    if not is_running:
                        is_running, has_entered, attempt = True, False, attempt + 1
                    if (
                        not has_entered
                        and attempt <= 2
                        and enough(volume, k, needs[attempt - 1], volume_bars)
                    ):
                        has_entered = True
                        found.append((k, side, attempt))
    return sorted(found)


def minute_of(ns, timezone):
    local = dt.datetime.fromtimestamp(int(ns) // 1_000_000_000, ZoneInfo(timezone))
    return local.hour * 60 + local.minute


def enough(volume, k, needed, volume_bars):
    """A mean that is not told, or of nothing, confirms no break; a threshold of 0 asks for none."""
    if needed == 0:
        return True
    before = volume[k - volume_bars : k] if k >= volume_bars else [math.nan]
    mean = sum(before)
    return mean > 0 and volume[k] * volume_bars >= needed * mean  # whole numbers: exact


@pytest.mark.parametrize("seed", range(9))
def test_zrce_enters_where_its_page_says(seed):
    rng = np.random.default_rng(seed)
    first = (dt.date(2021, 3, 8), dt.date(2021, 11, 1), dt.date(2021, 11, 22))[
        seed % 3
    ]  # two change the clock
    series = random_series(
        rng, sessions=make_sessions(7, first=first, early=(4,)), timeframe=("5min", "15min", "1min")[seed % 3],
        gap_rate=(0.02, 0.3)[seed % 2], halts=seed % 4, with_volume=seed != 7,
    )  # fmt: skip
    hour, minute = ((10, 30), (10, 0), (12, 57), (9, 45))[seed % 4]
    needed, relaxed = ((1.5, 1.25), (0.75, 2.0), (0.0, 0.5))[seed % 3]
    params = {
        "zone_drawing_time": f"{hour}:{minute:02}" if hour > 9 else f"09:{minute:02}", "min_volume_threshold": needed,
        "relaxed_volume_ratio": relaxed, "volume_bars": (20, 5)[seed % 2],
    }  # fmt: skip
    got = columns("zrce_second_chance", params, series, direction="both")
    sides = ((1, got.entry_long), (-1, got.entry_short))
    attempts = got.shown["attempt"]
    entered = [(k, side, int(attempts[k])) for side, mask in sides for k in np.flatnonzero(mask == 1)]
    needs = (needed, min(needed, relaxed))
    assert sorted(entered) == zrce(series, hour * 60 + minute, needs, params["volume_bars"])
    assert entered or seed in (6, 7)  # a zone of half the day; no volume


# ---------------------------------------------------------------- Dow Regime Timing and VRP


def deviation(values):
    return math.nan if any(map(math.isnan, values)) else statistics.pstdev(values)


def returns_of(close):
    return [math.nan, *(math.log(b / a) for a, b in zip(close, close[1:], strict=False))]


def volatility_scores(returns, vol, history):
    """Deviations of the volatility above the mean of its own `history` values before."""
    spread = [deviation(returns[i - vol + 1 : i + 1]) if i >= vol else math.nan for i in range(len(returns))]
    scores = []
    for i, now in enumerate(spread):
        past = spread[i - history : i] if i >= history else [math.nan]
        usual = deviation(past)
        scores.append((now - statistics.fmean(past)) / usual if usual > 0 else math.nan)
    return scores


def dow(close, trend, history, stressed, confirm):
    """The state at each row: docs/strategies/dow-regime-timing.md, rules 1 to 5; None without a score."""
    returns = returns_of(close)
    volatility = volatility_scores(returns, 20, history)
    held, wanted, agreed, states = 0, 0, 0, []
    for i in range(len(close)):
        noise = deviation(returns[i - trend + 1 : i + 1]) * math.sqrt(trend) if i >= trend else math.nan
        if not noise > 0 or math.isnan(volatility[i]):
            states.append(None)
            continue
        strength = math.log(close[i] / close[i - trend]) / noise
        now = 0 if held and (strength * held < -0.25 or volatility[i] > stressed) else held
        if now == 0 and volatility[i] <= 0.5:
            now = 1 if strength >= 0.5 else -1 if strength <= -0.5 else 0
        agreed = 0 if now == held else agreed + 1 if now == wanted else 1
        wanted = now
        if agreed >= confirm:
            held, agreed = now, 0
        states.append(held)
    return states


@pytest.mark.parametrize("seed", range(4))
def test_dow_regime_is_in_the_state_that_its_page_says(seed):
    series = random_series(np.random.default_rng(seed), sessions=make_sessions(300), timeframe="1D",
                           vol_ticks=(30.0, 100.0)[seed % 2], gap_rate=0.01 * (seed > 1))  # fmt: skip
    trend, history, stressed, confirm = ((100, 120, 2.0, 3), (40, 60, 0.5, 1))[seed % 2]
    given = {"trend": trend, "history": history, "stressed": stressed, "confirm": confirm}
    got = columns("dow_regime", given, series, direction="both")
    states = [None if math.isnan(one) else int(one) for one in got.shown["state"]]
    assert states == dow(series.close[~np.isnan(series.close)].tolist(), trend, history, stressed, confirm)
    assert len(set(states)) > 2


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_vrp_sells_where_its_page_says(seed):
    """docs/strategies/vrp-credit-spread.md, rules 1 to 3: minutes read the session before, a close its own."""
    rng = np.random.default_rng(seed)
    daily, stress = bool(seed % 2), (1.0, 0.2)[seed % 2]
    series = random_series(rng, sessions=make_sessions(220), timeframe="1D" if daily else "1h",
                           vol_ticks=40.0 if daily else 15.0)  # fmt: skip
    implied = 0.02 + 0.15 * rng.random(220)
    implied[rng.random(220) < 0.1] = np.nan  # sessions whose chain does not tell
    got = columns(
        "vrp",
        {"margin": 2, "stress": stress, "history": 120},
        series,
        chain_iv=lambda _: implied,
        legs=SPREAD,
    )
    returns = returns_of((series if daily else daily_of(series)).close.tolist())
    scores = volatility_scores(returns, 20, 120)
    realised = [
        statistics.stdev(returns[i - 19 : i + 1]) * math.sqrt(252) if i >= 20 else math.nan
        for i in range(220)
    ]
    wanted = []
    for end, session in zip(series.end, series.session.tolist(), strict=True):
        day = session if end == series.sessions.close_ns[session] else session - 1
        premium = 100 * (implied[day] - realised[day]) if day >= 0 else math.nan
        score = scores[day] if day >= 0 else math.nan
        is_told = not math.isnan(premium + score)
        wanted.append((int(premium >= 2 and score <= stress) if is_told else -1, int(score > stress)))
    assert list(zip(got.entry_long.tolist(), got.exit_long.tolist(), strict=True)) == wanted
    assert {one for one, _ in wanted} == {-1, 0, 1} and any(out for _, out in wanted)
