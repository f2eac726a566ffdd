"""Zone, range, confirmation, entry, and a second chance (decision 130).

The session's range up to a clock time, widened by a buffer, is the zone. An attempt begins with the first close beyond
a trigger and fails with the first close back inside the zone. It is confirmed at its first close beyond the trigger on
enough volume; the second attempt on the same side needs less. All of it is read from bars: whether an order filled or
a position lost is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from engine.core.condition_words import clock, number
from engine.core.errors import SpecError
from engine.core.fields import Clock, Flag, Number, SpecModel, Whole, field, minute_of
from engine.core.sessions import Int64Array, local_minute
from engine.core.timeframes import NS_PER_MINUTE
from engine.signals.logic.contract import LogicBars, LogicColumns, NamedLogic, Side, compiled

PRICE, RATIO = "price", "ratio of volumes"
SHOWN = (
    *("zone_high", "zone_low", "trigger", "attempt", "volume_ratio", "needed_ratio"),
    *("zone_minutes", "decided_minutes", "first_break_minutes", "first_failed_minutes"),
)


class Params(SpecModel):
    """Parameters of zrce_second_chance."""

    zone_drawing_time: Clock = field(
        "10:30:00", "The zone is the session's range up to this time of the exchange.", "HH:MM"
    )
    zone_buffer: Number = field(
        0.1, "The zone reaches this far beyond the range on both sides.", PRICE, ge=0, le=100_000
    )
    confirmation_trigger_buffer: Number = field(
        0.1, "A break is a close beyond the zone by more than this.", PRICE, ge=0, le=100_000
    )
    min_volume_threshold: Number = field(
        1.5,
        "Volume of the confirming bar against the mean of those before it, at least; 0 asks nothing of volume.",
        RATIO,
        ge=0,
        le=1000,
    )
    volume_bars: Whole = field(
        20, "Bars before it that its volume is compared with.", "bars", ge=1, le=10_000
    )
    second_chance: Flag = field(True, "After a failed attempt a second one on the same side may enter.")
    relaxed_volume_ratio: Number = field(
        1.2,
        "What the second attempt needs, where that is less than min_volume_threshold.",
        RATIO,
        ge=0,
        le=1000,
    )

    @property
    def second_needs(self) -> float:
        """Ratio of the second attempt: relaxed is never stricter."""
        return min(self.relaxed_volume_ratio, self.min_volume_threshold)


def _attempts(
    session, start, end, open_ns, zone_ns, high, low, close, volume,
    zone_buffer, trigger_buffer, threshold, relaxed, volume_bars, most_attempts, entries, shown,
):  # fmt: skip
    """Walk the rows of all sessions; writes `entries` int8 (2, n), long and short, and `shown` float64 (10, n).

    session int32 (n,), start, end int64 (n,): of the rows. open_ns, zone_ns int64 (n_sessions,): open, and end of
    drawing. high, low, close float64 (n,) as traded; volume float64 (n,) adjusted. shown: rows in the order of SHOWN.
    """
    top = bottom = up = down = np.nan
    n_attempts = np.zeros(2, dtype=np.int64)
    is_alive = np.zeros(2, dtype=np.bool_)
    is_confirmed = np.zeros(2, dtype=np.bool_)
    first_break = np.full(2, np.nan)
    first_failed = np.full(2, np.nan)
    for i in range(len(close)):
        s = session[i]
        # 1. A new session forgets the old one.
        if i == 0 or s != session[i - 1]:
            highest, lowest = -np.inf, np.inf
            n_attempts[:] = 0
            is_alive[:] = False
            first_break[:] = np.nan
            first_failed[:] = np.nan
        # 2. Draw: a row that starts before the time belongs to the range, which is known once a row ends after it.
        is_drawing = start[i] < zone_ns[s]
        if is_drawing:
            highest, lowest = max(highest, high[i]), min(lowest, low[i])
        entries[:, i] = -1
        shown[:, i] = np.nan
        if end[i] < zone_ns[s] or highest == -np.inf:
            continue
        top = np.floor((highest + zone_buffer) * 1e8 + 0.5) / 1e8
        bottom = np.floor((lowest - zone_buffer) * 1e8 + 0.5) / 1e8
        up = np.floor((top + trigger_buffer) * 1e8 + 0.5) / 1e8
        down = np.floor((bottom - trigger_buffer) * 1e8 + 0.5) / 1e8
        shown[0, i], shown[1, i] = top, bottom
        entries[:, i] = 0
        if is_drawing:
            continue
        minutes = (end[i] - open_ns[s]) / 60e9
        for k in range(2):
            # 3. An attempt ends where a close is back inside the zone.
            is_inside = close[i] <= top if k == 0 else close[i] >= bottom
            if is_alive[k] and is_inside:
                is_alive[k] = False
                if n_attempts[k] == 1:
                    first_failed[k] = minutes
            if not (close[i] > up if k == 0 else close[i] < down):
                continue
            # 4. A close beyond the trigger begins one, unless one is under way.
            if not is_alive[k]:
                is_alive[k] = True
                is_confirmed[k] = False
                n_attempts[k] += 1
                if n_attempts[k] == 1:
                    first_break[k] = minutes
            if is_confirmed[k] or n_attempts[k] > most_attempts:
                continue
            # 5. Enough volume confirms it, once.
            needed = threshold if n_attempts[k] == 1 else relaxed
            ratio = np.nan
            if i >= volume_bars:
                total = 0.0
                for j in range(i - volume_bars, i):
                    total += volume[j]
                ratio = volume[i] * volume_bars / total if total > 0.0 else np.nan
            if needed > 0.0 and np.isnan(ratio):
                entries[k, i] = -1
            elif needed <= 0.0 or ratio >= needed:
                entries[k, i] = 1
                is_confirmed[k] = True
                shown[2, i] = up if k == 0 else down
                shown[3, i] = n_attempts[k]
                shown[4, i] = ratio
                shown[5, i] = needed
                shown[6, i] = (zone_ns[s] - open_ns[s]) / 60e9
                shown[7, i] = minutes
                shown[8, i] = first_break[k]
                shown[9, i] = first_failed[k]


def columns(params: Params, bars: LogicBars) -> LogicColumns:
    """Entries at the bars that confirm an attempt."""
    n = len(bars)
    entries, shown = np.empty((2, n), dtype=np.int8), np.empty((len(SHOWN), n))
    compiled(_attempts)(
        bars.session, bars.start, bars.end, bars.sessions.open_ns, drawn_at(params, bars),
        bars.high, bars.low, bars.close, bars.adjusted("volume"),
        float(params.zone_buffer), float(params.confirmation_trigger_buffer), float(params.min_volume_threshold),
        float(params.second_needs), params.volume_bars, 2 if params.second_chance else 1, entries, shown,
    )  # fmt: skip
    return LogicColumns(entries[0], entries[1], shown=dict(zip(SHOWN, shown, strict=True)))


def drawn_at(params: Params, bars: LogicBars) -> Int64Array:
    """int64 (n_sessions,): when the zone is complete, UTC ns; after the close where the session is too short.

    SpecError where no session of the calendar contains the time.
    """
    sessions = bars.sessions
    every = np.arange(len(sessions), dtype=np.int32)
    opens = local_minute(sessions.open_ns, sessions, every).astype(np.int64)
    wanted = minute_of(params.zone_drawing_time)
    assert wanted is not None
    since_open = (wanted - opens) % 1440
    lasts = (sessions.close_ns - sessions.open_ns) // NS_PER_MINUTE
    if len(sessions) and not ((since_open > 0) & (since_open < lasts)).any():
        raise SpecError(
            f"entry.logic_params.zone_drawing_time: {clock(params.zone_drawing_time)} lies inside no session of "
            f"{bars.symbol}; give a time between its open and its close."
        )
    drawn: Int64Array = sessions.open_ns + since_open * NS_PER_MINUTE
    return drawn


def words(params: Params) -> Sequence[str]:
    buffer = f", {number(params.zone_buffer)} wider on both sides" if params.zone_buffer else ""
    said = [
        f"The zone is the session's range up to {clock(params.zone_drawing_time)}{buffer}.",
        f"A close beyond it by more than {number(params.confirmation_trigger_buffer)} is an attempt, long above and "
        f"short below; it enters at its first such close{_on_volume(params.min_volume_threshold, params)}.",
    ]
    if params.second_chance:
        needs = _on_volume(params.second_needs, params)
        return [
            *said,
            f"A close back inside the zone ends the attempt; a second one on that side enters{needs or ' too'}.",
        ]
    return [*said, "A close back inside the zone ends the attempt; there is no second one."]


def _on_volume(ratio: float, params: Params) -> str:
    if not ratio:
        return ""
    return f" on at least {number(ratio)} times the mean volume of the {params.volume_bars} bars before"


def told(params: Params, side: Side, shown: Mapping[str, float]) -> str:
    edge, word = (shown["zone_high"], "above") if side == "long" else (shown["zone_low"], "below")
    attempt = "second chance" if shown["attempt"] > 1 else "first attempt"
    volume = shown["volume_ratio"]
    said = f"{attempt}: close {word} the trigger {shown['trigger']:.10g}, the zone's edge being {edge:.10g}"
    if shown["needed_ratio"] > 0 and not math.isnan(volume):
        said += f"; volume {volume:.2f} times the mean of {params.volume_bars} bars, {shown['needed_ratio']:g} needed"
    return said


LOGIC = NamedLogic(
    name="zrce_second_chance",
    title="ZRCE second chance",
    params=Params,
    columns=columns,
    lookback=lambda params: params.volume_bars,
    words=words,
    told=told,
    bars="intraday",
)
