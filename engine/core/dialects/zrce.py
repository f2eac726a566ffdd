"""The ZRCE dialect: zones and a second chance. Its `_pct` and `_percentage` keys hold fractions: 0.07 is 7 %.

Buffers without these endings are distances in price, volume thresholds are ratios.
"""

from __future__ import annotations

from typing import Any

from engine.core.dialects import common
from engine.core.dialects.changes import only, percent, rest_of
from engine.core.dialects.common import FRACTION
from engine.core.dialects.records import Dialect, Row
from engine.core.dialects.rewriting import MISSING, Rewriting

PARAMETER = "a parameter of the named logic"
PRICE = f"{PARAMETER}; a distance in price, no percent"
RATIO = f"{PARAMETER}; a ratio of volumes"
PARAMS = "entry.logic_params"
ONCE_A_DAY = "zrce_second_chance"  # the logic that trades once a day unless told otherwise

TABLE = (
    *common.TABLE,
    Row("entry.zone_drawing_time", f"{PARAMS}.zone_drawing_time", PARAMETER),
    Row("entry.confirmation_trigger_buffer", f"{PARAMS}.confirmation_trigger_buffer", PRICE),
    Row("entry.min_volume_threshold", f"{PARAMS}.min_volume_threshold", RATIO),
    Row("entry.second_chance.enabled", f"{PARAMS}.second_chance", PARAMETER),
    Row("entry.second_chance.relaxed_volume_ratio", f"{PARAMS}.relaxed_volume_ratio", RATIO),
    Row("trading.zone_buffer", f"{PARAMS}.zone_buffer", PRICE),
    Row("trading.trading_hours.start", "entry.day_rules.not_before", "no entry before it"),
    Row("trading.trading_hours.end", "entry.day_rules.not_after", "no entry after it; exits follow their own rules"),
    Row("trading.max_trades_per_day", "entry.max_trades_per_day", "the same count"),
    Row("risk_exits.trailing_stop_percentage", "risk_exits.trailing.trail_pct", FRACTION, percent),
    Row("risk_exits.trail_activation_profit_pct", "risk_exits.trailing.activation_pct", FRACTION, percent),
    Row("risk_exits.fixed_stop_loss_pct", "risk_exits.stop_loss_pct", FRACTION, percent),
    Row("risk_exits.tp_mode", "", "tp_fixed_pct is the target",
        only("fixed_pct", "Write tp_mode fixed_pct and the gain as tp_fixed_pct.")),
    Row("risk_exits.tp_fixed_pct", "risk_exits.take_profit_pct", FRACTION, percent),
    Row("sizing.position_size", "sizing.equity_pct", f"a share of equity: {FRACTION}", percent),
)  # fmt: skip
GROUPED = (
    *common.GROUPED,
    "trading.symbol",
    "trading.prefer_0dte",
    "risk_exits.break_even_buffer_pct",
    "risk_exits.partial_tp_enabled",
    "risk_exits.first_tp_pct",
    "risk_exits.first_tp_size",
    "risk_exits.second_tp_pct",
)
PARTIAL = ("risk_exits.first_tp_pct", "risk_exits.first_tp_size", "risk_exits.second_tp_pct")


def rewrite(work: Rewriting) -> None:
    common.rewrite(work)
    common.underlying(work, "trading.symbol")
    _refuse_nameless(work)
    _once_a_day(work)
    _instrument(work)
    _break_even(work)
    _partial_targets(work)


def _refuse_nameless(work: Rewriting) -> None:
    """Parameters without the logic that they belong to would say nothing."""
    given = [row.old for row in TABLE if row.new.startswith(PARAMS) and work.peek(row.old) is not MISSING]
    if given and work.peek("entry.logic") is MISSING:
        work.refuse(
            "entry.logic", f"is missing, and {given[0]} is a parameter of it. Name it: zrce_second_chance."
        )


def _once_a_day(work: Rewriting) -> None:
    """The strategy's own default, which Spec v1 does not have: there a field means the same under every logic."""
    given = (work.peek(path) for path in ("trading.max_trades_per_day", "entry.max_trades_per_day"))
    if work.peek("entry.logic") == ONCE_A_DAY and all(count is MISSING for count in given):
        work.put("entry.logic", ONCE_A_DAY, "entry.max_trades_per_day", 1,
                 "one trade a day by default; the file has no trading.max_trades_per_day")  # fmt: skip


def _instrument(work: Rewriting) -> None:
    """Who prefers 0DTE trades options: a call on a break upwards, a put on one downwards (direction both)."""
    path = "trading.prefer_0dte"
    prefers = work.take(path)
    if prefers is MISSING:
        return
    if not isinstance(prefers, bool):
        work.refuse(path, "must be true or false.")
        return
    if prefers:
        work.put(
            path,
            True,
            "legs.0.right",
            "CALL",
            "an option at the money; under direction both a put for a short",
        )
        work.put(path, True, "legs.0.dte", 0, "the same day where it is listed, else the nearest")
        work.put(path, True, "legs.0.expiry_alignment", "weekly_or_0dte", "the same day where it is listed")
    else:
        work.put(
            path,
            False,
            "legs.0.right",
            "CALL",
            "an option at the money; under direction both a put for a short",
        )
        work.put(path, False, "legs.0.dte", 1, "the first expiration after the day itself")
        work.put(
            path, False, "legs.0.expiry_alignment", "at_least", "the first expiration after the day itself"
        )
    if work.peek("direction") is MISSING:
        work.put(path, prefers, "direction", "both", "zones break both ways")


def _break_even(work: Rewriting) -> None:
    """The buffer has no trigger of its own: the gain that activates the trailing stop moves this one too."""
    path = "risk_exits.break_even_buffer_pct"
    buffer = work.take(path)
    if buffer is MISSING:
        return
    trigger = work.peek("risk_exits.trail_activation_profit_pct")
    if trigger is MISSING or trigger is None:
        work.refuse(
            path, "nothing says which gain moves the stop. Add risk_exits.trail_activation_profit_pct."
        )
        return
    work.put(path, buffer, "risk_exits.break_even.buffer_pct", percent(buffer), FRACTION)
    work.put("risk_exits.trail_activation_profit_pct", trigger, "risk_exits.break_even.trigger_pct", percent(trigger),
             f"the gain that activates the trail moves the stop to break-even too; {FRACTION}")  # fmt: skip


def _partial_targets(work: Rewriting) -> None:
    switch = "risk_exits.partial_tp_enabled"
    is_on = work.take(switch)
    values = [work.take(path) for path in PARTIAL]
    given = [path for path, value in zip(PARTIAL, values, strict=True) if value is not MISSING]
    if is_on is MISSING and not given:
        return
    if not isinstance(is_on, bool):
        work.refuse(switch, "must be true or false, and says whether the partial targets count. Write it.")
    elif not is_on:
        for path, value in zip(PARTIAL, values, strict=True):
            if value is not MISSING:
                work.drop(path, value, "partial_tp_enabled is false")
        work.drop(switch, False, "one target for the whole position")
    elif len(given) < len(PARTIAL):
        missing = next(path for path in PARTIAL if path not in given)
        work.refuse(
            missing, "is missing; with partial_tp_enabled both targets and the first one's size are needed."
        )
    else:
        work.drop(switch, True, "the targets themselves turn it on; tp_fixed_pct gives way to them")
        _targets(work, *values)


def _targets(work: Rewriting, first: Any, size: Any, second: Any) -> None:
    share = percent(size)
    first_at, size_at, second_at = PARTIAL
    work.put(first_at, first, "risk_exits.targets.0.gain_pct", percent(first), FRACTION)
    work.put(size_at, size, "risk_exits.targets.0.share_pct", share, f"a share of the position: {FRACTION}")
    work.put(second_at, second, "risk_exits.targets.1.gain_pct", percent(second), FRACTION)
    work.put(
        size_at, size, "risk_exits.targets.1.share_pct", rest_of(share), "the last target takes the rest"
    )


DIALECT = Dialect(
    key="zrce",
    name="ZRCE",
    table=TABLE,
    grouped=GROUPED,
    rewrite=rewrite,
    is_fraction=True,
)
