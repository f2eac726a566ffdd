"""Trade calls of a signal service, traded as they came (decision 134).

A call acts at the end of the first row that ends at or after its time. It brings its own order, stop and targets;
what it leaves out is as the spec says. Calls come with the pack, value for value, and each is known from its own time
on. One call a row and symbol acts, the last; what becomes of the others is told (`fates`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from engine.core.calls import ACTIONS, BUY, BUY_STOP, CLOSE, MOST_TARGETS, SELL, SELL_STOP, Calls, side_of
from engine.core.condition_words import number
from engine.core.errors import DataError
from engine.core.fields import Line, Number, SpecModel, Whole, field
from engine.core.sessions import Int64Array
from engine.core.timeframes import NS_PER_MINUTE
from engine.signals.levels import level_columns
from engine.signals.logic.contract import LogicBars, LogicColumns, NamedLogic, Side
from engine.trade.levels import EntryLevels


class Params(SpecModel):
    """Parameters of signals_csv."""

    calls: Line = field(
        "calls", "The set of trade calls, as `data import calls --source NAME` called it.", min_length=1
    )
    expire_minutes: Whole = field(
        1440, "A pending order whose call names no end stands this long.", "clock minutes", ge=1, le=525_600
    )
    max_delay_minutes: Whole = field(
        60,
        "A call at the market that cannot act within this time, the market being closed, is stale and not taken.",
        "clock minutes",
        ge=0,
        le=10_080,
    )
    range_edge: Literal["near", "middle", "far"] = field(
        "near",
        "Where in its range a call is entered: at the edge met first, in the middle, or at the far edge.",
    )
    max_targets: Whole = field(5, "Targets of a call beyond this many are left out.", "targets", ge=0, le=5)
    first_target_pct: Number = field(
        0.0,
        "Part closed at the first of several targets, where a call names no shares; the rest is spread evenly. "
        "0: all parts are equal.",
        "% of entry quantity",
        ge=0,
        lt=100,
    )


class Fate(NamedTuple):
    """What becomes of a call before any order. row: the bar's row at whose end it acts, -1 never, then `why`."""

    row: int
    why: str = ""


def fates(params: Params, calls: Calls, end: Int64Array) -> list[Fate]:
    """Of each call, in order; `end` int64 (n,), ends of the existing rows. Calls known by end[i] alone decide row i."""
    rows = np.searchsorted(end, calls.at, side="left").tolist()
    found = [_alone(params, calls, i, row, end) for i, row in enumerate(rows)]
    acting: dict[int, int] = {}  # row -> the call that acts there so far
    for i, fate in enumerate(found):
        if fate.row < 0:
            continue
        before = acting.pop(fate.row, None)
        if before is not None:
            word = "called off" if calls.action[i] == CLOSE else "overtaken"
            found[before] = Fate(-1, f"{word} by row {calls.row[i]} before it could act")
        if calls.action[i] != CLOSE:
            acting[fate.row] = i
    return found


def _alone(params: Params, calls: Calls, i: int, row: int, end: Int64Array) -> Fate:
    """The fate of a call as if it were the only one."""
    if row == len(end):
        return Fate(-1, "came after the last bar")
    if calls.action[i] == CLOSE:
        return Fate(row)
    if _is_pending(calls, i):
        if _expires_at(params, calls, i) <= end[row]:
            return Fate(-1, "expired before the market opened")
    elif end[row] - calls.at[i] > params.max_delay_minutes * NS_PER_MINUTE:
        return Fate(-1, "stale: the market was closed")
    return Fate(row)


def _is_pending(calls: Calls, i: int) -> bool:
    return bool(calls.action[i] not in (BUY, SELL) or calls.low[i] < calls.high[i])


def _expires_at(params: Params, calls: Calls, i: int) -> int:
    return int(calls.expires_at[i]) or int(calls.at[i]) + params.expire_minutes * NS_PER_MINUTE


def levels_of(params: Params, calls: Calls, i: int) -> EntryLevels:
    """The order, stop and targets of one call that is no CLOSE.

    BUY and SELL with one price or none are market orders: the price is what the service saw. With a range they are
    limits at its edge: a range says how much worse the price may be.
    """
    prices = calls.targets[i, : params.max_targets]
    prices = prices[~np.isnan(prices)].tolist()
    targets = tuple(zip(prices, _shares(params, calls.shares[i, : len(prices)].tolist()), strict=True))
    stop = float(calls.stop[i])
    if not _is_pending(calls, i):
        return EntryLevels(stop=stop, targets=targets)
    action = int(calls.action[i])
    kind: Literal["limit", "stop"] = "stop" if action in (BUY_STOP, SELL_STOP) else "limit"
    return EntryLevels(kind, _edge(params, calls, i, kind), _expires_at(params, calls, i), stop, targets)


def _edge(params: Params, calls: Calls, i: int, kind: str) -> float:
    """Near is met first: by a falling price the high edge of a buy limit's range, by a rising one a buy stop's low."""
    low, high = float(calls.low[i]), float(calls.high[i])
    if params.range_edge == "middle":
        return (low + high) / 2
    high_first = (side_of(int(calls.action[i])) > 0) == (kind == "limit")
    return high if high_first == (params.range_edge == "near") else low


def _shares(params: Params, given: Sequence[float]) -> list[float]:
    """Parts of the entry quantity; those without a share of their own divide what the others leave."""
    n = len(given)
    if not n:
        return []
    free = [k for k in range(n) if math.isnan(given[k])]
    if len(free) < n:
        left = max(0.0, 1.0 - sum(part for part in given if not math.isnan(part)))
        return [left / len(free) if math.isnan(part) else part for part in given]
    if not params.first_target_pct or n < 2:
        return [1.0 / n] * n
    first = params.first_target_pct / 100
    return [first, *[(1.0 - first) / (n - 1)] * (n - 1)]


def columns(params: Params, bars: LogicBars) -> LogicColumns:
    """Entries and exits at the rows where calls act, each entry with its own levels."""
    calls = bars.calls
    if calls is None or calls.name != params.calls:
        held = "no trade calls" if calls is None else f"the calls of {calls.name}"
        raise DataError(
            f"{bars.symbol}: the pack holds {held}, not those of {params.calls}. Import them with "
            f"`data import calls FILE --source {params.calls}` and let the run build its own pack."
        )
    entry = {side: np.zeros(len(bars), dtype=np.int8) for side in (1, -1)}
    leave = np.zeros(len(bars), dtype=np.int8)
    shown = {
        name: np.full(len(bars), np.nan) for name in ("call_row", "call_price", "call_stop", "call_target")
    }
    entries: dict[int, EntryLevels] = {}
    for i, (row, _) in enumerate(fates(params, calls, bars.end)):
        if row < 0:
            continue
        if calls.action[i] == CLOSE:
            leave[row] = 1
            continue
        own = entries[row] = levels_of(params, calls, i)
        entry[side_of(int(calls.action[i]))][row] = 1
        price = own.level if own.kind != "market" else float(calls.low[i])
        first = own.targets[0][0] if own.targets else math.nan
        for name, value in zip(shown, (float(calls.row[i]), price, own.stop, first), strict=True):
            shown[name][row] = value
    return LogicColumns(entry[1], entry[-1], leave, leave, shown, level_columns(entries))


def words(params: Params) -> Sequence[str]:
    edge = {"near": "the edge that the price meets first", "middle": "the middle", "far": "the far edge"}
    said = [
        f"Each call of the set {params.calls} acts at the end of the first bar after it, with its own stop and "
        "targets; BUY and SELL at the market, the others as pending orders. CLOSE leaves the position and calls off "
        "what waits.",
        f"An entry range is entered at {edge[params.range_edge]}. Pending orders stand until the call's own end, else "
        f"{number(params.expire_minutes)} minutes; a market call older than {number(params.max_delay_minutes)} minutes "
        "when the market opens is not taken.",
    ]
    if params.max_targets < MOST_TARGETS:
        said.append(f"Only the first {params.max_targets} targets of a call count.")
    if params.first_target_pct:
        said.append(f"{number(params.first_target_pct)} % leave at the first target, the rest evenly.")
    return said


def told(params: Params, side: Side, shown: Mapping[str, float]) -> str:
    """Row 7: BUY at 1.3865, stop 1.384, target 1.3885."""
    action = ACTIONS[BUY if side == "long" else SELL].upper()
    parts = [f"row {shown['call_row']:.0f}: {action}"]
    if not math.isnan(shown["call_price"]):
        parts[0] += f" at {shown['call_price']:.10g}"
    for name in ("stop", "target"):
        if not math.isnan(shown[f"call_{name}"]):
            parts.append(f"{name} {shown[f'call_{name}']:.10g}")
    return ", ".join(parts)


LOGIC = NamedLogic(
    name="signals_csv",
    title="Signals from a CSV",
    params=Params,
    columns=columns,
    words=words,
    told=told,
    calls=lambda params: params.calls,
)
