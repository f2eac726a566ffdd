"""Option rules as the compiled walk takes them: numbers instead of records."""

from __future__ import annotations

import math
from typing import Any, get_type_hints

import numpy as np

from engine.core.bars import FloatArray
from engine.core.option_rules import LegRules, OptionRules
from engine.core.sessions import Int64Array
from engine.sim.kernel import option_book as o
from engine.sim.kernel.option_book import RULE_WIDTH, Terms
from engine.sim.option_market import OptionMarket
from engine.sim.ticks import shared_numbers
from engine.trade.option_sizing import MODES
from engine.trade.option_terms import uses_percents

KINDS = get_type_hints(Terms)
"""Types of the numbers: one of another type would be compiled anew."""
PICKS = {
    "delta": o.BY_DELTA,
    "moneyness": o.BY_MONEYNESS,
    "premium": o.BY_PREMIUM,
    "offset": o.BY_OFFSET,
    "width": o.BY_WIDTH,
}
ALIGNMENTS = {
    "nearest": o.NEAREST,
    "at_least": o.AT_LEAST,
    "weekly_or_0dte": o.WEEKLY,
    "monthly": o.MONTHLY,
}


def kernel_terms(rules: OptionRules, market: OptionMarket) -> Terms:
    """`rules` as numbers."""
    base = rules.base
    f, r, v = rules.filters, rules.roll, rules.conversion
    own = [one for leg in rules.legs for one in (leg.stop_frac, leg.target_frac)]
    given: dict[str, Any] = dict(
        shared_numbers(base),
        size_mode=MODES[base.sizing.mode],
        max_age=f.max_quote_age_ns,
        fill_at=f.fill_at,
        modelled_frac=f.modelled_spread_frac,
        modelled_min=f.modelled_spread_min,
        min_interest=f.min_open_interest,
        min_volume=f.min_volume,
        iv_low=f.iv_percentile_min,
        iv_high=f.iv_percentile_max,
        close_before=rules.close_before_days,
        max_loss_is_debit=rules.max_loss_is_debit,
        share_of_most=rules.target_of_max_frac,
        spread_risk=rules.max_spread_risk_frac,
        per_symbol=rules.max_per_symbol,
        uses_percents=uses_percents(rules),
        mirrors=base.entry.long,
        n_legs=len(rules.legs),
        leg_exits=not all(math.isnan(one) for one in own),
        converts=v is not None,
        convert_move=math.nan if v is None else v.underlying_frac,
        convert_gain=math.nan if v is None else v.premium_frac,
        convert_offset=math.nan if v is None else v.offset,
        convert_delta=math.nan if v is None else v.delta,
        convert_min_debit=0.0 if v is None else v.min_debit,
        roll_on_assignment=r.on_assignment,
        roll_on_gamma=r.on_gamma,
        roll_days=r.days,
        extrinsic_below=r.extrinsic_below,
        gamma_band=r.gamma_band_frac,
        has_quotes=market.has_quotes,
        is_snapshot=market.is_snapshot,
    )
    return Terms(**{name: KINDS[name](value) for name, value in given.items()})


def kernel_legs(rules: OptionRules) -> tuple[FloatArray, Int64Array]:
    """(legs as written and mirrored, float64 (2, n_legs, RULE_WIDTH); the order they are chosen in)."""
    legs = np.array([[_leg_row(leg) for leg in these] for these in (rules.legs, rules.mirrored)])
    return legs.reshape(2, len(rules.legs), RULE_WIDTH), np.array(rules.order, dtype=np.int64)


def _leg_row(leg: LegRules) -> list[float]:
    return [
        leg.is_option,
        leg.is_call,
        leg.ratio,
        PICKS[leg.pick],
        leg.wish,
        leg.of_leg,
        leg.expiry_of,
        leg.dte,
        ALIGNMENTS[leg.alignment],
        leg.strict,
        leg.stop_frac,
        leg.target_frac,
    ]
