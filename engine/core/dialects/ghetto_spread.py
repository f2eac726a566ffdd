"""The dialect of Ghetto Spread: a bought option that becomes a spread. Its percents are percents."""

from __future__ import annotations

import copy
from typing import Any

from engine.core.dialects import common
from engine.core.dialects.changes import one_of, only
from engine.core.dialects.records import Dialect, Row
from engine.core.dialects.rewriting import MISSING, Rewriting
from engine.core.spec_errors import shorten

PERCENT = "percent in both"
LEG = "entry.initial_leg"
SHORT = "conversion.short_leg"
CONVERTS = {"either": "either", "underlying": "underlying", "premium": "premium", "option_premium": "premium"}
VIEWS = {"bullish": "long", "bearish": "short", "long": "long", "short": "short", "both": "both"}
GAINS_BY = {"bullish": "CALL", "bearish": "PUT"}
MIRRORED = {"bullish": "bearish", "bearish": "bullish"}

TABLE = (
    *common.TABLE,
    *common.THRESHOLDS,
    Row("direction", "direction", "a bullish view is a long one", one_of(VIEWS)),
    Row(f"{LEG}.right", "legs.0.right", "the bought option is the first leg"),
    Row(f"{LEG}.dte_days", "legs.0.dte", "calendar days in both"),
    Row(f"{LEG}.expiry_alignment", "legs.0.expiry_alignment", "the same word"),
    Row("entry.filters.min_option_oi", "entry.filters.min_open_interest", "contracts in both"),
    Row("entry.filters.min_option_volume", "entry.filters.min_volume", "contracts in both"),
    Row("entry.market_conditions.signal_logic", "entry.signal_logic", "the same conditions"),
    Row("conversion.trigger.type", "conversion.trigger", "the movement that converts", one_of(CONVERTS)),
    Row("conversion.trigger.underlying_pct_up", "conversion.underlying_move_pct", PERCENT),
    Row("conversion.trigger.option_premium_pct_up", "conversion.premium_gain_pct", PERCENT),
    Row(f"{SHORT}.same_expiration", "", "a conversion always stays in the expiration",
        only(True, "A conversion sells in the same expiration; write legs for a diagonal spread.")),
    Row("conversion.credit_sanity.min_net_debit_remaining", "conversion.min_net_debit_remaining", "USD in both"),
    Row("risk.max_loss_is_initial_debit", "risk_exits.max_loss_is_initial_debit", "the same switch"),
    Row("risk.stop_loss_pct_on_premium", "risk_exits.stop_loss_pct", f"{PERCENT}, of the premium at entry"),
    Row("risk.take_profit_pct_on_premium", "risk_exits.take_profit_pct", f"{PERCENT}, of the premium at entry"),
    Row("risk.time_exit.minutes_after_entry", "risk_exits.max_hold_minutes", "clock minutes in both"),
    Row("risk.close_before_expiry_days", "risk_exits.close_before_expiry_days", "calendar days in both"),
    Row("position_sizing.portfolio_risk_cap_pct", "sizing.portfolio_risk_cap_pct", f"{PERCENT}, of equity"),
    Row("position_sizing.max_concurrent_positions", "sizing.max_concurrent", "the same count"),
    Row("management.monitor_greeks", "monitor_greeks", "recorded on the trade, no effect by itself"),
    Row("management.roll_on", "roll.roll_on", "the same risks"),
)  # fmt: skip
GROUPED = (
    *common.GROUPED,
    "entry.enable_put_variant",
    f"{LEG}.delta_target",
    "conversion.enabled",
    f"{SHORT}.right",
    f"{SHORT}.spread_width",
    f"{SHORT}.strike_offset_mode",
    f"{SHORT}.delta_or_offset.mode",
    f"{SHORT}.delta_or_offset.value",
    "position_sizing.per_trade_debit_pct",
)


def rewrite(work: Rewriting) -> None:
    common.rewrite(work)
    common.series(work, "entry.market_conditions.signal_logic", "entry.signal_logic")
    _put_variant(work)
    _first_leg(work)
    _conversion(work)
    debit = work.take("position_sizing.per_trade_debit_pct")
    if debit is not MISSING:
        old = "position_sizing.per_trade_debit_pct"
        work.put(old, debit, "sizing.debit_pct", debit, f"{PERCENT}, of equity")
        work.put(old, debit, "sizing.mode", "debit_pct", "the size that the file gives decides")


def _put_variant(work: Rewriting) -> None:
    """With the variant on, opposite conditions enter the same position with puts instead of calls."""
    path = "entry.enable_put_variant"
    is_on = work.take(path)
    if is_on is MISSING:
        return
    if not isinstance(is_on, bool):
        work.refuse(path, "must be true or false.")
    elif not is_on:
        work.drop(path, is_on, "one direction only, that of the file")
    else:
        _both_ways(work, path)


def _both_ways(work: Rewriting, path: str) -> None:
    logic = work.peek("entry.market_conditions.signal_logic")
    opposite = [_opposite(one) for one in logic] if isinstance(logic, list) else []
    if not opposite or None in opposite:
        work.refuse(
            path,
            "the puts need conditions of their own, and only trend_bias has an opposite that is sure. Set it to false, "
            "convert the file (`python -m engine spec show FILE`), and write direction both with "
            "entry.short_signal_logic.",
        )
        return
    was = work.take("direction")
    work.put(path, True, "direction", "both", "calls and puts"
             + ("" if was is MISSING else f", whatever the file's direction {was} says"))  # fmt: skip
    work.put(path, True, "entry.short_signal_logic", opposite, "puts are bought on the opposite bias")


def _opposite(condition: Any) -> Any:
    """The mirrored condition on trend_bias; None for any other."""
    if not isinstance(condition, dict) or condition.get("name") != "trend_bias":
        return None
    value = condition.get("value")
    if condition.get("operator") != "==" or not isinstance(value, str) or value not in MIRRORED:
        return None
    return {**condition, "value": MIRRORED[value]}


def _first_leg(work: Rewriting) -> None:
    leg = work.peek(LEG)
    if leg is MISSING:
        return
    work.put(
        LEG, copy.deepcopy(leg), "legs.0.side", "BUY", "a staged debit spread begins with a bought option"
    )
    _refuse_other_view(work)
    path = f"{LEG}.delta_target"
    delta = work.take(path)
    if delta is MISSING:
        return
    is_number = isinstance(delta, int | float) and not isinstance(delta, bool)
    if work.peek(f"{LEG}.right") == "PUT" and is_number and delta > 0:
        work.put(path, delta, "legs.0.delta", -delta, "a put's delta is negative")
    else:
        work.put(path, delta, "legs.0.delta", delta, "the same delta")


def _refuse_other_view(work: Rewriting) -> None:
    """A view by which the bought option loses. long and short are no views: they say what is done."""
    view, right = work.peek("direction"), work.peek(f"{LEG}.right")
    if not isinstance(view, str) or view not in GAINS_BY:
        return
    for other, gains in GAINS_BY.items():
        if right == gains and view != other:
            work.refuse("direction", f"{view} contradicts {LEG}.right {right}, which gains by a {other} view. Write "
                                     f"{other}, or the right {GAINS_BY[view]}.")  # fmt: skip


def _conversion(work: Rewriting) -> None:
    is_on = work.take("conversion.enabled")
    if is_on is False:
        work.drop("conversion.enabled", False, "off: nothing of the section counts")
        work.drop_section("conversion", "conversion.enabled is false")
        return
    if is_on is not MISSING and is_on is not True:
        work.refuse("conversion.enabled", "must be true or false.")
    elif is_on is True and _is_empty(work.peek("conversion")):
        work.refuse("conversion.enabled", "true, and nothing says what converts and what is sold. Write trigger and "
                                          "short_leg, or false.")  # fmt: skip
    elif is_on is True:
        work.drop("conversion.enabled", True, "the section itself turns it on")
    _short_right(work)
    _short_strike(work)


def _is_empty(section: Any) -> bool:
    """Is there nothing, or nothing but objects without a value?"""
    return section is MISSING or (isinstance(section, dict) and all(map(_is_empty, section.values())))


def _short_right(work: Rewriting) -> None:
    path = f"{SHORT}.right"
    right, bought = work.take(path), work.peek(f"{LEG}.right")
    if right is MISSING:
        return
    if right == bought:
        work.drop(path, right, "what is sold has the right of what was bought")
    else:
        work.refuse(path, f"must be the right of {LEG} ({bought if bought is not MISSING else 'CALL or PUT'}): a "
                          "conversion makes a vertical spread. Write the same one.")  # fmt: skip


def _short_strike(work: Rewriting) -> None:
    """The sold strike: by delta_or_offset, else by spread_width. The two must not contradict each other."""
    mode_at, value_at, width_at = (
        f"{SHORT}.{key}" for key in ("delta_or_offset.mode", "delta_or_offset.value", "spread_width")
    )
    chosen_by = work.take(f"{SHORT}.strike_offset_mode")
    mode, value, width = work.take(mode_at), work.take(value_at), work.take(width_at)
    if chosen_by is not MISSING:
        _strike_offset_mode(work, chosen_by, mode)
    if value is MISSING and mode is MISSING:
        if width is not MISSING:
            work.put(
                width_at, width, "conversion.short_strike_offset", width, "USD between the strikes in both"
            )
        return
    if value is MISSING or mode not in ("distance", "delta"):
        work.refuse(f"{SHORT}.delta_or_offset", "needs mode (distance or delta) and value. Write both.")
        return
    work.drop(mode_at, mode, f"value is a {mode}")
    if mode == "delta":
        work.put(value_at, value, "conversion.short_delta", value, "the delta of what is sold")
        if width is not MISSING:
            work.drop(width_at, width, "the delta chooses the strike, and with it the width")
        return
    work.put(value_at, value, "conversion.short_strike_offset", value, "USD between the strikes in both")
    if width is not MISSING and (width != value or isinstance(width, bool)):
        work.refuse(width_at, f"{shorten(width)} contradicts {value_at} {value}: both are the distance of the strikes. "
                              "Write the same one.")  # fmt: skip
    elif width is not MISSING:
        work.drop(width_at, width, "the distance of the strikes, said once more")


def _strike_offset_mode(work: Rewriting, chosen_by: Any, mode: Any) -> None:
    path = f"{SHORT}.strike_offset_mode"
    if chosen_by not in ("distance_or_delta", "distance", "delta"):
        work.refuse(path, "must be one of distance_or_delta, distance, delta.")
    elif chosen_by != "distance_or_delta" and mode is not MISSING and chosen_by != mode:
        work.refuse(path, f"{chosen_by} contradicts delta_or_offset.mode {mode}. Write the same one.")
    else:
        work.drop(path, chosen_by, "delta_or_offset.mode says which")


DIALECT = Dialect(
    key="ghetto_spread",
    name="Ghetto Spread",
    table=TABLE,
    grouped=GROUPED,
    rewrite=rewrite,
)
