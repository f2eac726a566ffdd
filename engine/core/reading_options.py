"""The option parts of a spec in sentences: legs, conversion, rolling, what a chain must offer."""

from __future__ import annotations

from engine.core.condition_words import listing, number
from engine.core.spec_options import ConversionSpec, LegSpec, OptionFilters, RollSpec

_EXPIRY = {
    "nearest": "the nearest expiration to {dte}",
    "at_least": "the first expiration at {dte} or later",
    "weekly_or_0dte": "the weekly or same-day expiration nearest to {dte}",
    "monthly": "the monthly expiration nearest to {dte}",
}
_STRICT_WEEKLY = "the first weekly or same-day expiration at {dte} or later"
_RISKS = {"assignment_risk": "assignment threatens", "gamma_risk": "gamma is high"}


def leg_sentences(legs: tuple[LegSpec, ...]) -> list[str]:
    """One sentence a leg: "Leg 1: sell 1 put, delta -0.25, the nearest expiration to 30 days."."""
    return [f"Leg {i}: {_leg(leg)}." for i, leg in enumerate(legs, 1)]


def greek_sentences(names: tuple[str, ...]) -> list[str]:
    """What is recorded of a trade while it is open."""
    return (
        [f"Each trade's {listing(names)} {'is' if len(names) == 1 else 'are'} recorded daily."]
        if names
        else []
    )


def _leg(leg: LegSpec) -> str:
    n = f"{'buy' if leg.side == 'BUY' else 'sell'} {leg.qty}"
    of = f" of {leg.symbol}" if leg.symbol else ""
    if leg.asset == "underlying":
        return f"{n} of the underlying{of}"
    right = "call" if leg.right == "CALL" else "put"
    said = [
        f"{n} {right if leg.qty == 1 else right + 's'}{of}",
        *_strike(leg),
        *_expiration(leg),
        *_own_exits(leg),
    ]
    return ", ".join(said) + (", refused unless it fits exactly" if leg.strict else "")


def _own_exits(leg: LegSpec) -> list[str]:
    said = []
    if leg.stop_loss_pct is not None:
        said.append(f"closed alone at a loss of {number(leg.stop_loss_pct)} % of its premium")
    if leg.take_profit_pct is not None:
        said.append(f"closed alone at a gain of {number(leg.take_profit_pct)} % of its premium")
    return said


def _strike(leg: LegSpec) -> list[str]:
    said = []
    if leg.delta is not None:
        said.append(f"delta {number(leg.delta)}")
    if leg.moneyness_pct is not None:
        side = "above" if leg.moneyness_pct > 0 else "below"
        away = f"{number(abs(leg.moneyness_pct))} % {side} spot" if leg.moneyness_pct else "at spot"
        said.append(f"struck {away}")
    if leg.premium is not None:
        said.append(f"for a premium of {number(leg.premium)}")
    if leg.offset is not None or leg.offset_from is not None:
        points = leg.offset or 0.0
        side = f"{number(abs(points))} {'above' if points > 0 else 'below'}" if points else "at"
        said.append(f"struck {side} the strike of leg {(leg.offset_from or 0) + 1}")
    if leg.width is not None:
        said.append(f"{number(leg.width)} further out of the money than leg 1")
    return said or ["at the money"]


def _expiration(leg: LegSpec) -> list[str]:
    if leg.same_expiration_as is not None:
        return [f"expiring with leg {leg.same_expiration_as + 1}"]
    if leg.dte is None and leg.expiry_alignment == "nearest":
        return []
    is_strict_weekly = leg.strict and leg.expiry_alignment == "weekly_or_0dte"
    words = _STRICT_WEEKLY if is_strict_weekly else _EXPIRY[leg.expiry_alignment]
    days = "today" if leg.dte is None else f"{leg.dte} {'day' if leg.dte == 1 else 'days'}"
    return [words.format(dte=days)]


def conversion_sentences(conversion: ConversionSpec | None) -> list[str]:
    """When a bought option becomes a spread, and by selling what."""
    if conversion is None:
        return []
    moves = []
    if conversion.trigger != "premium" and conversion.underlying_move_pct is not None:
        moves.append(f"the underlying has moved {number(conversion.underlying_move_pct)} % in our favour")
    if conversion.trigger != "underlying" and conversion.premium_gain_pct is not None:
        moves.append(f"the option has gained {number(conversion.premium_gain_pct)} %")
    when = f"once {listing(moves, 'or')}" if moves else "with no movement asked for"
    sold = []
    if conversion.short_strike_offset is not None:
        sold.append(f"{number(conversion.short_strike_offset)} away from its strike")
    if conversion.short_delta is not None:
        sold.append(f"at delta {number(conversion.short_delta)}")
    said = [
        f"The bought option becomes a spread {when}: an option {listing(sold, 'or') or 'beyond it'} is sold."
    ]
    if conversion.min_net_debit_remaining:
        said.append(f"A debit of {number(conversion.min_net_debit_remaining)} must remain after that sale.")
    return said


def roll_sentences(roll: RollSpec | None) -> list[str]:
    """What moves a position to the next expiration."""
    if roll is None:
        return []
    said = []
    if roll.days_before_expiry is not None:
        days = roll.days_before_expiry
        said.append(f"Roll to the next expiration {days} {'day' if days == 1 else 'days'} before expiry.")
    if roll.roll_on:
        said.append(f"Roll when {listing([_RISKS[risk] for risk in roll.roll_on], 'or')}.")
    if "assignment_risk" in roll.roll_on:
        said.append(
            f"Assignment threatens where the extrinsic value is under {number(roll.extrinsic_below)}."
        )
    if "gamma_risk" in roll.roll_on:
        said.append(f"Gamma is high within {number(roll.gamma_band_pct)} % of the short strike.")
    return said or ["Rolling is set, with nothing that would cause it."]


def filter_sentences(filters: OptionFilters, is_options: bool) -> list[str]:
    """What a chain must offer before an entry; how its quotes fill."""
    needs = []
    for value, words in (
        (filters.min_open_interest, "an open interest of {} or more in each leg"),
        (filters.min_volume, "a volume of {} or more in each leg"),
        (filters.iv_percentile_min, "an IV percentile of {} % or more"),
        (filters.iv_percentile_max, "an IV percentile of {} % or less"),
    ):
        if value is not None:
            needs.append(words.format(number(value)))
    said = [f"The chain must show {listing(needs)}."] if needs else []
    if is_options or filters != OptionFilters():
        said.append(
            f"Quotes older than {number(filters.max_quote_age_minutes)} minutes do not fill; fills are "
            f"{_fill(filters.fill_at)}."
        )
    return said


def _fill(share: float) -> str:
    if share in (0, 1):
        return "at mid" if share == 0 else "at bid or ask"
    return f"{number(share * 100)} % of the way from mid to bid or ask"
