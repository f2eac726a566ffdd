"""The option parts of a spec as trading needs them: legs with signed ratios, fractions, nanoseconds.

As in `rules`, a rule that is not in use is NaN or -1. `option_rules` refuses what no simulation could give a meaning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.core.errors import SpecError
from engine.core.rules import InstrumentRules, TradeRules, frac, trade_rules
from engine.core.spec import StrategySpec
from engine.core.spec_options import LegSpec
from engine.core.timeframes import NS_PER_MINUTE

OF_CONTRACTS = (
    "right", "dte", "expiry_alignment", "same_expiration_as", "delta", "moneyness_pct", "premium", "offset_from",
    "offset", "width", "strict",
)  # fmt: skip
"""Fields of a leg that choose a contract."""

Pick = Literal["delta", "moneyness", "premium", "offset", "width"]
NONE = -1


@dataclass(frozen=True, slots=True)
class LegRules:
    """How one leg is chosen and left.

    ratio    : contracts in one unit of the position, shares for the underlying; below zero sold.
    pick     : what the strike is chosen by; wish: its value (moneyness as a fraction of spot, offset and width in USD).
    of_leg   : the leg that offset and width count from, -1 for none.
    expiry_of : the leg whose expiration is taken, -1 for one of its own.
    """

    is_option: bool
    is_call: bool
    ratio: float
    pick: Pick
    wish: float
    of_leg: int
    expiry_of: int
    dte: int
    alignment: Literal["nearest", "at_least", "weekly_or_0dte", "monthly"]
    strict: bool
    stop_frac: float
    target_frac: float


@dataclass(frozen=True, slots=True)
class FilterRules:
    """What a chain must offer, and how its quotes fill."""

    min_open_interest: float
    min_volume: float
    iv_percentile_min: float
    iv_percentile_max: float
    max_quote_age_ns: int
    fill_at: float
    modelled_spread_frac: float
    modelled_spread_min: float


@dataclass(frozen=True, slots=True)
class ConversionRules:
    """underlying_frac, premium_frac: the movement that converts, NaN where it does not count."""

    underlying_frac: float
    premium_frac: float
    offset: float
    delta: float
    min_debit: float


@dataclass(frozen=True, slots=True)
class RollRules:
    """What rolls; the thresholds serve the report of assignment risk too, so they always stand."""

    on_assignment: bool
    on_gamma: bool
    days: int
    extrinsic_below: float
    gamma_band_frac: float


@dataclass(frozen=True, slots=True)
class OptionRules:
    """Everything of an option spec that decides or fills.

    base     : the rules shared with bars: times, exits in fractions, sizing, costs, account.
    legs     : as written; mirrored: with calls and puts exchanged, for a short signal under direction both.
    order    : leg numbers so that each comes after those it refers to.
    close_before_days : calendar days before expiry, -1 to hold to settlement.
    """

    base: TradeRules
    legs: tuple[LegRules, ...]
    mirrored: tuple[LegRules, ...]
    order: tuple[int, ...]
    filters: FilterRules
    conversion: ConversionRules | None
    roll: RollRules
    close_before_days: int
    max_loss_is_debit: bool
    target_of_max_frac: float
    max_spread_risk_frac: float
    max_per_symbol: int

    def legs_for(self, view: int) -> tuple[LegRules, ...]:
        """The legs of a long signal (+1) or, under direction both, of a short one (-1)."""
        return self.mirrored if view < 0 and self.base.entry.long else self.legs


def option_rules(
    spec: StrategySpec, instruments: tuple[InstrumentRules, ...], bar_minutes: int
) -> OptionRules:
    """The rules of an option spec; `instruments`, its underlyings, in universe order. SpecError names the field."""
    if not spec.is_options:
        raise SpecError("legs: no option leg. Give a leg with asset option, or simulate the symbol itself.")
    _refuse(spec)
    legs = tuple(_leg(spec.legs, i) for i in range(len(spec.legs)))
    base = trade_rules(spec, instruments, bar_minutes)
    exits, sizing = spec.risk_exits, spec.sizing
    before = exits.close_before_expiry_days
    per_symbol = sizing.max_per_symbol or sizing.max_concurrent or 1
    return OptionRules(
        base=replace(base, exits=replace(base.exits, touch=False)),
        legs=legs,
        mirrored=tuple(mirrored(leg) for leg in legs),
        order=_order(legs),
        filters=_filters(spec),
        conversion=_conversion(spec),
        roll=_roll(spec),
        close_before_days=NONE if exits.let_expire else (before or 0),
        max_loss_is_debit=exits.max_loss_is_initial_debit,
        target_of_max_frac=frac(exits.target_of_max_value_pct),
        max_spread_risk_frac=frac(sizing.max_spread_risk_pct),
        max_per_symbol=per_symbol,
    )


def mirrored(leg: LegRules) -> LegRules:
    """The same leg for the opposite view: calls become puts, distances change sign, the underlying its side."""
    if not leg.is_option:
        return replace(leg, ratio=-leg.ratio)
    turns = leg.pick in ("delta", "moneyness", "offset")
    return replace(leg, is_call=not leg.is_call, wish=-leg.wish if turns else leg.wish)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _refuse(spec: StrategySpec) -> None:
    if spec.entry.order.type != "market":
        raise SpecError(
            f"entry.order.type: positions of options enter at market, got {spec.entry.order.type}; their quotes have "
            "no high and low that a resting order could be filled by. Use market."
        )
    if spec.risk_exits.trigger == "touch":
        raise SpecError(
            "risk_exits.trigger: options are watched on their marks, bar by bar, got touch. Use close or leave it out."
        )
    bought = [leg for leg in spec.legs if leg.asset == "option" and leg.side == "BUY"]
    if spec.conversion is not None and (len(spec.legs) != 1 or not bought):
        raise SpecError("conversion: turns one bought option into a spread. Give one leg, with side BUY.")
    _refuse_unheard(spec)


def _refuse_unheard(spec: StrategySpec) -> None:
    """What is given beside something else that leaves it without effect (decision 142)."""
    symbols = [(i, leg.symbol) for i, leg in enumerate(spec.legs) if leg.symbol]
    for i, symbol in symbols:
        if symbol != symbols[0][1]:
            raise SpecError(
                f"legs.{i}.symbol: the legs of a position are options on one underlying, got {symbol}, and leg "
                f"{symbols[0][0]} names {symbols[0][1]}. Leave the symbols out; the universe says what is traded."
            )
    for i, leg in enumerate(spec.legs):
        if leg.asset == "underlying":
            _refuse_option_words(i, leg)
    before = spec.risk_exits.close_before_expiry_days
    rolled = None if spec.roll is None else spec.roll.days_before_expiry
    if before is not None and rolled is not None and rolled < before:
        raise SpecError(
            f"roll.days_before_expiry: the position is closed {before} days before expiry and never rolls, got "
            f"{rolled}. Roll earlier, or set close_before_expiry_days lower."
        )


def _refuse_option_words(i: int, leg: LegSpec) -> None:
    """For a leg of shares: what chooses a contract chooses nothing."""
    for name in OF_CONTRACTS:
        if getattr(leg, name) != LegSpec.model_fields[name].default:
            raise SpecError(
                f"legs.{i}.{name}: chooses an option, and this leg holds the underlying. Take it out, or set asset to "
                "option."
            )


def _leg(legs: Sequence[LegSpec], i: int) -> LegRules:
    leg = legs[i]
    sign = 1.0 if leg.side == "BUY" else -1.0
    if leg.asset == "underlying":
        return LegRules(
            False, False, sign * leg.qty, "moneyness", 0.0, NONE, NONE, NONE, "nearest", False,
            frac(leg.stop_loss_pct), frac(leg.take_profit_pct),
        )  # fmt: skip
    pick, wish, of_leg = _strike(legs, i)
    return LegRules(
        is_option=True,
        is_call=leg.right == "CALL",
        ratio=sign * leg.qty,
        pick=pick,
        wish=wish,
        of_leg=of_leg,
        expiry_of=_expiry_of(legs, i, of_leg),
        dte=NONE if leg.dte is None else leg.dte,
        alignment=leg.expiry_alignment,
        strict=leg.strict,
        stop_frac=frac(leg.stop_loss_pct),
        target_frac=frac(leg.take_profit_pct),
    )


def _strike(legs: Sequence[LegSpec], i: int) -> tuple[Pick, float, int]:
    """(what the strike is chosen by, the wish, the leg it counts from). Without a wish: at the money."""
    leg = legs[i]
    has_offset = leg.offset is not None or leg.offset_from is not None
    wishes: dict[Pick, float | None] = {
        "delta": leg.delta,
        "moneyness": None if leg.moneyness_pct is None else leg.moneyness_pct / 100,
        "premium": leg.premium,
        "offset": (leg.offset or 0.0) if has_offset else None,
        "width": leg.width,
    }
    given = [name for name, wish in wishes.items() if wish is not None]
    if len(given) > 1:
        raise SpecError(f"legs.{i}: {' and '.join(given)} both choose the strike. Give one of them.")
    if not given:
        return "moneyness", 0.0, NONE
    pick, of_leg = given[0], NONE
    wish = float(wishes[pick] or 0.0)
    if pick == "delta" and wish * (1 if leg.right == "CALL" else -1) < 0:
        side = "0 to 1" if leg.right == "CALL" else "-1 to 0"
        raise SpecError(
            f"legs.{i}.delta: a {leg.right} has a delta of {side}, got {leg.delta:g}. Turn the sign."
        )
    if pick in ("offset", "width"):
        of_leg = (leg.offset_from or 0) if pick == "offset" else 0
        _refuse_reference(legs, i, of_leg, "offset_from" if pick == "offset" else "width")
    return pick, wish, of_leg


def _expiry_of(legs: Sequence[LegSpec], i: int, of_leg: int) -> int:
    """A leg without a wish expires with the leg its strike counts from, else with the first option of the position."""
    leg = legs[i]
    if leg.same_expiration_as is not None:
        _refuse_reference(legs, i, leg.same_expiration_as, "same_expiration_as")
        other = "dte" if leg.dte is not None else "expiry_alignment"
        if leg.dte is not None or leg.expiry_alignment != "nearest":
            raise SpecError(
                f"legs.{i}: same_expiration_as and {other} both choose the expiration. Give one of them."
            )
        return leg.same_expiration_as
    if leg.dte is not None or leg.expiry_alignment != "nearest":
        return NONE
    first = next(k for k, one in enumerate(legs) if one.asset == "option")
    return of_leg if of_leg >= 0 else (first if first < i else NONE)


def _refuse_reference(legs: Sequence[LegSpec], i: int, to: int, field: str) -> None:
    if to >= len(legs) or to == i or legs[to].asset != "option":
        raise SpecError(f"legs.{i}.{field}: leg {to} is no other option leg. Legs are counted from 0.")


def _order(legs: tuple[LegRules, ...]) -> tuple[int, ...]:
    done: list[int] = []
    while len(done) < len(legs):
        ready = [
            i
            for i, leg in enumerate(legs)
            if i not in done and all(to < 0 or to in done for to in (leg.of_leg, leg.expiry_of))
        ]
        if not ready:
            raise SpecError(
                "legs: offset_from and same_expiration_as lead in a circle. Let one leg stand by itself."
            )
        done += ready
    return tuple(done)


def _filters(spec: StrategySpec) -> FilterRules:
    f = spec.entry.filters
    waived = spec.data.waive
    return FilterRules(
        min_open_interest=math.nan if "open_interest" in waived else _or_nan(f.min_open_interest),
        min_volume=math.nan if "volume" in waived else _or_nan(f.min_volume),
        iv_percentile_min=math.nan if "iv_percentile" in waived else frac(f.iv_percentile_min),
        iv_percentile_max=math.nan if "iv_percentile" in waived else frac(f.iv_percentile_max),
        max_quote_age_ns=round(f.max_quote_age_minutes * NS_PER_MINUTE),
        fill_at=f.fill_at,
        modelled_spread_frac=f.modelled_spread_pct / 100,
        modelled_spread_min=f.modelled_spread_min,
    )


_MOVEMENTS = {"underlying": "underlying_move_pct", "premium": "premium_gain_pct"}


def _conversion(spec: StrategySpec) -> ConversionRules | None:
    c = spec.conversion
    if c is None:
        return None
    rules = ConversionRules(
        underlying_frac=math.nan if c.trigger == "premium" else frac(c.underlying_move_pct),
        premium_frac=math.nan if c.trigger == "underlying" else frac(c.premium_gain_pct),
        offset=_or_nan(c.short_strike_offset),
        delta=_or_nan(c.short_delta),
        min_debit=c.min_net_debit_remaining,
    )
    if math.isnan(rules.underlying_frac) and math.isnan(rules.premium_frac):
        cure = _MOVEMENTS.get(c.trigger, " or ".join(_MOVEMENTS.values()))
        raise SpecError(f"conversion.trigger: no movement is given for {c.trigger}. Set {cure}.")
    if math.isnan(rules.offset) and math.isnan(rules.delta):
        raise SpecError("conversion: nothing says what is sold. Set short_strike_offset or short_delta.")
    if not (math.isnan(rules.offset) or math.isnan(rules.delta)):
        raise SpecError(
            "conversion: short_strike_offset and short_delta both choose what is sold. Give one of them."
        )
    return rules


def _roll(spec: StrategySpec) -> RollRules:
    r = spec.roll
    if r is None:
        return RollRules(False, False, NONE, 0.05, math.nan)
    return RollRules(
        on_assignment="assignment_risk" in r.roll_on,
        on_gamma="gamma_risk" in r.roll_on,
        days=NONE if r.days_before_expiry is None else r.days_before_expiry,
        extrinsic_below=r.extrinsic_below,
        gamma_band_frac=r.gamma_band_pct / 100,
    )
