"""The option parts of a spec: legs, staged conversion, rolling, filters of the chain."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from engine.core.fields import Flag, Number, SpecModel, Symbol, Whole, field


class LegSpec(SpecModel):
    """One instrument of a position, chosen at entry."""

    asset: Literal["option", "underlying"] = field("option", "What the leg holds.")
    symbol: Symbol | None = field(None, "Underlying; without it each symbol of the universe.")
    right: Literal["CALL", "PUT"] | None = field(None, "Option right.")
    side: Literal["BUY", "SELL"] = field("BUY", "Bought or sold at entry.")
    qty: Whole = field(
        1,
        "Contracts for one unit of the position (ratio); of the underlying, shares.",
        "contracts or shares",
        ge=1,
        le=100,
    )
    dte: Whole | None = field(None, "Wished days to expiration.", "calendar days", ge=0, le=1500)
    expiry_alignment: Literal["nearest", "at_least", "weekly_or_0dte", "monthly"] = field(
        "nearest", "Which expiration serves the wished days."
    )
    same_expiration_as: Whole | None = field(
        None, "Take the expiration of this leg (0 is the first).", ge=0, le=15
    )
    delta: Number | None = field(
        None,
        "Wished delta; puts are negative. What is taken lies on its side of a half.",
        "delta",
        ge=-1,
        le=1,
    )
    moneyness_pct: Number | None = field(
        None, "Strike this far from spot; positive is above.", "% of spot", ge=-90, le=500
    )
    premium: Number | None = field(None, "Wished premium per share.", "USD", gt=0)
    offset_from: Whole | None = field(None, "Strike counted from this leg's strike.", ge=0, le=15)
    offset: Number | None = field(
        None, "Distance from that leg's strike; positive is above.", "USD", ge=-10_000, le=10_000
    )
    width: Number | None = field(
        None, "Distance from the first leg, further out of the money.", "USD", gt=0, le=10_000
    )
    strict: Flag = field(False, "Refuse the entry when no strike or expiration fits exactly.")
    stop_loss_pct: Number | None = field(
        None, "Close this leg alone at this loss.", "% of the leg's entry premium", gt=0, le=1000
    )
    take_profit_pct: Number | None = field(
        None, "Close this leg alone at this gain.", "% of the leg's entry premium", gt=0, le=1000
    )

    @model_validator(mode="after")
    def _option_needs_right(self) -> LegSpec:
        if self.asset == "option" and self.right is None:
            raise ValueError("an option leg needs right: CALL or PUT")
        return self


class ConversionSpec(SpecModel):
    """Turn a bought option into a spread after it has moved (staged entry)."""

    trigger: Literal["underlying", "premium", "either"] = field("either", "Which movement converts.")
    underlying_move_pct: Number | None = field(
        None, "Move of the underlying in our favour.", "%", gt=0, le=100
    )
    premium_gain_pct: Number | None = field(None, "Gain of the option's premium.", "%", gt=0, le=1000)
    short_strike_offset: Number | None = field(
        None, "Strike distance of the sold leg.", "USD", gt=0, le=10_000
    )
    short_delta: Number | None = field(
        None, "Or: delta of the sold leg, on its side of a half.", "delta", gt=0, le=1
    )
    min_net_debit_remaining: Number = field(0.0, "Debit that must remain after the sale.", "USD", ge=0)


class RollSpec(SpecModel):
    """When an option position is rolled to the next expiration."""

    roll_on: tuple[Literal["assignment_risk", "gamma_risk"], ...] = field((), "Risks that roll.")
    days_before_expiry: Whole | None = field(None, "Roll at this distance.", "calendar days", ge=0, le=365)
    extrinsic_below: Number = field(0.05, "assignment_risk: extrinsic value under this.", "USD", ge=0)
    gamma_band_pct: Number = field(
        1.0, "gamma_risk: this close to the short strike.", "% of spot", ge=0, le=50
    )


class OptionFilters(SpecModel):
    """What a chain must offer before an entry."""

    min_open_interest: Whole | None = field(None, "Open interest of each leg at least.", "contracts", ge=0)
    min_volume: Whole | None = field(None, "Volume of each leg at least.", "contracts", ge=0)
    iv_percentile_min: Number | None = field(None, "IV percentile at least.", "%", ge=0, le=100)
    iv_percentile_max: Number | None = field(None, "IV percentile at most.", "%", ge=0, le=100)
    max_quote_age_minutes: Number = field(
        5, "A quote older than this does not fill.", "minutes", gt=0, le=1440
    )
    fill_at: Number = field(1.0, "0 fills at mid, 1 at the touch.", "share of half spread", ge=0, le=1)
    modelled_spread_pct: Number = field(
        4.0, "Where a chain has prints and no quotes: spread taken to stand around a print.", "% of print", ge=0, le=200
    )
    modelled_spread_min: Number = field(0.02, "And at least this.", "USD", ge=0, le=100)
