"""What closes a position, in sentences."""

from __future__ import annotations

from engine.core.condition_words import all_words, clock, listing, number
from engine.core.spec import BreakEvenSpec, ExitSpec, StrategySpec, TrailingSpec


def exit_sentences(spec: StrategySpec) -> list[str]:
    """Stops, targets, conditions, clock: each rule that is set is one sentence."""
    exits = spec.risk_exits
    said = [*_stops(exits), *_targets(exits)]
    if said:
        said.append(_trigger(spec))
    said += [*_signals(spec), *_times(exits), *_expiry(spec)]
    return said or ["Nothing closes a position: it is held to the end of the data."]


def _stops(exits: ExitSpec) -> list[str]:
    said = []
    if exits.stop_loss_pct is not None:
        said.append(f"Close at a loss of {number(exits.stop_loss_pct)} %.")
    if exits.max_loss_is_initial_debit:
        said.append("The debit paid is the only stop: no more than it can be lost.")
    if exits.break_even is not None:
        said.append(_break_even(exits.break_even))
    if exits.trailing is not None:
        said.append(_trailing(exits.trailing))
    if len(said) > 1:
        said.append("Of several stops the tightest holds.")
    return said


def _break_even(rule: BreakEvenSpec) -> str:
    to = f"{number(rule.buffer_pct)} % beyond the entry price" if rule.buffer_pct else "the entry price"
    return f"Once the trade is ahead by {number(rule.trigger_pct)} %, the stop moves to {to}."


def _trailing(rule: TrailingSpec) -> str:
    after = (
        f", once the trade has been ahead by {number(rule.activation_pct)} %" if rule.activation_pct else ""
    )
    return f"A trailing stop follows the best price at a distance of {number(rule.trail_pct)} %{after}."


def _targets(exits: ExitSpec) -> list[str]:
    share = exits.target_of_max_value_pct
    said = _gain_targets(exits)
    if share is not None:
        said.append(f"Close once it is worth {number(share)} % of the most it can be worth at expiry.")
    return said


def _gain_targets(exits: ExitSpec) -> list[str]:
    if not exits.targets:
        gain = exits.take_profit_pct
        return [] if gain is None else [f"Take the profit at a gain of {number(gain)} %."]
    parts = [f"{number(t.share_pct)} % at a gain of {number(t.gain_pct)} %" for t in exits.targets[:-1]]
    last = exits.targets[-1]
    closing = (
        f"the rest at a gain of {number(last.gain_pct)} %"
        if parts
        else f"all at a gain of {number(last.gain_pct)} %"
    )
    said = [
        f"Take the profit in parts: {listing([*parts, closing])}."
        if parts
        else f"Take the profit: {closing}."
    ]
    if exits.take_profit_pct is not None:
        said.append(f"The single target of {number(exits.take_profit_pct)} % gives way to these.")
    return said


def _trigger(spec: StrategySpec) -> str:
    """What the percents are of, and how the levels are watched; which of two wins matters only where there are two."""
    exits = spec.risk_exits
    of = "the premium at entry" if spec.is_options else "the fill price"
    if (exits.trigger or ("close" if spec.is_options else "touch")) == "close":
        fills = "at the quotes that stand then" if spec.is_options else "at the next open"
        return f"Percents are of {of}; levels are looked at when a bar has closed; the order fills {fills}."
    said = f"Percents are of {of}; levels rest in the market from the fill on."
    has_target = bool(exits.targets) or exits.take_profit_pct is not None
    has_stop = any(rule is not None for rule in (exits.stop_loss_pct, exits.trailing, exits.break_even))
    return (
        f"{said} A bar that touches stop and target counts as stopped." if has_stop and has_target else said
    )


def _signals(spec: StrategySpec) -> list[str]:
    exits, said = spec.risk_exits, []
    if exits.signal_logic:
        closing = {"long": "Sell", "short": "Buy back", "both": "Close a long"}[spec.direction]
        said.append(f"{closing} when {all_words(exits.signal_logic)}.")
    if exits.short_signal_logic:
        said.append(f"Close a short when {all_words(exits.short_signal_logic)}.")
    return said


def _times(exits: ExitSpec) -> list[str]:
    said = []
    if exits.max_hold_minutes is not None:
        said.append(f"Close after {_duration(exits.max_hold_minutes)}.")
    if exits.exit_time is not None:
        said.append(f"Close at {clock(exits.exit_time)}, or one bar before an earlier close of the session.")
    if exits.end_of_day:
        said.append("Close one bar before the session ends: nothing is held over night.")
    return said


def _expiry(spec: StrategySpec) -> list[str]:
    exits = spec.risk_exits
    if exits.let_expire:
        return ["Held to settlement where nothing else closes it."]
    days = exits.close_before_expiry_days
    if days is None:
        return ["Close on the day of expiry at the latest."] if spec.is_options else []
    if days == 0:
        return ["Close on the day of expiry."]
    return [f"Close {days} {'day' if days == 1 else 'days'} before expiry."]


def _duration(minutes: int) -> str:
    """In minutes, and in hours or days where these are whole: 120 minutes (2 hours)."""
    said = f"{minutes:,} {'minute' if minutes == 1 else 'minutes'}"
    for size, unit in ((1440, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            n = minutes // size
            return f"{said} ({n:,} {unit if n == 1 else unit + 's'})"
    return said
