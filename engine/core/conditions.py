"""`signal_logic`: what a condition may say, nestable with all, any and not."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, field_validator, model_validator

from engine.core.fields import Line, Number, ParamValue, SpecModel, Symbol, Whole, field
from engine.core.timeframes import Timeframe

OperandType = Literal["indicator", "price", "vwap", "opening_range", "gap", "day_of_week", "time", "regime"]
Operator = Literal["<", "<=", ">", ">=", "==", "between", "cross_above", "cross_below"]

SHORT_FORM = re.compile(r"\A([A-Za-z][A-Za-z0-9_]*?)(?:_(\d{1,6}))?\Z")
PRICE_NAMES = ("open", "high", "low", "close", "volume", "hl2", "hlc3", "ohlc4")
OPENING_RANGE_NAMES = ("high", "low", "mid")


class Operand(SpecModel):
    """One column of numbers: an indicator or a price field of a symbol's bars."""

    type: OperandType = field("indicator", "What kind of column this is.")
    name: Line = field("", "Indicator or field: SMA, RSI, close, high of the opening range.", max_length=40)
    params: dict[Line, ParamValue] = field(
        {}, "Parameters of the indicator by name; `length` sets TA-Lib's time period.", max_length=12
    )
    symbol: Symbol | None = field(None, "Another symbol's bars; without it the traded symbol's.")
    timeframe: Timeframe | None = field(None, "Another timeframe's bars; without it the spec's.")
    shift: Whole = field(0, "Take the value this many bars of the series ago.", "bars", ge=0, le=10_000)

    @model_validator(mode="after")
    def _name_fits_type(self) -> Operand:
        allowed = {"price": PRICE_NAMES, "opening_range": OPENING_RANGE_NAMES}.get(self.type)
        if allowed and self.name not in allowed:
            raise ValueError(
                f"name {self.name!r} is not a field of {self.type}; allowed: {', '.join(allowed)}"
            )
        if self.type == "indicator" and not self.name:
            raise ValueError("an indicator needs its name, for example SMA")
        return self


def operand_of(value: Any) -> Any:
    """The long form of `SMA_50`, `close` or an object; numbers pass through unchanged."""
    if isinstance(value, str):
        if value.lower() in PRICE_NAMES:
            return {"type": "price", "name": value.lower()}
        if value.lower() == "vwap":
            return {"type": "vwap"}
        found = SHORT_FORM.match(value)
        if not found:
            raise ValueError(f"{value!r} is neither a number nor an indicator such as SMA_50 or close")
        name, length = found.groups()
        return {"type": "indicator", "name": name, "params": {"length": int(length)} if length else {}}
    return value


class Comparison(Operand):
    """`left operator right`; the left side is this object's own operand."""

    operator: Operator = field(..., "How the two sides are compared.")
    value: Number | tuple[Number, Number] | Line | None = field(
        None, "Right side as a number (between: [low, high]; regime: its label; time: HH:MM)."
    )
    target: Operand | None = field(None, "Right side as an indicator, short (`SMA_50`) or long form.")

    @field_validator("target", mode="before", json_schema_input_type=Operand | str | None)
    @classmethod
    def _short_target(cls, value: Any) -> Any:
        return operand_of(value)

    @model_validator(mode="after")
    def _one_right_side(self) -> Comparison:
        if (self.value is None) == (self.target is None):
            raise ValueError("give exactly one right side: value (a number) or target (an indicator)")
        pair = isinstance(self.value, tuple)
        if pair != (self.operator == "between"):
            raise ValueError("`between` takes value: [low, high]; every other operator one number or target")
        if isinstance(self.value, tuple) and self.value[0] > self.value[1]:
            raise ValueError("between needs low <= high")
        if isinstance(self.value, str) and self.type not in ("regime", "time", "indicator"):
            raise ValueError(f"value must be a number for {self.type}")
        if isinstance(self.value, str) and self.type != "time" and self.operator != "==":
            raise ValueError(
                f"a text such as {self.value!r} is compared with == only; for {self.operator} write a number"
            )
        return self


class AllOf(SpecModel):
    """True where every part is true."""

    all: tuple[Condition, ...] = field(..., "Conditions that must all be true.", min_length=1, max_length=50)


class AnyOf(SpecModel):
    """True where at least one part is true."""

    any: tuple[Condition, ...] = field(
        ..., "Conditions of which one must be true.", min_length=1, max_length=50
    )


class NotOf(SpecModel):
    """True where the part is false; undefined stays undefined."""

    not_: Condition = field(..., "The condition that must be false.", alias="not")


def _shape(value: Any) -> str:
    for name, model in (("all", AllOf), ("any", AnyOf), ("not", NotOf)):
        if isinstance(value, model) or (isinstance(value, dict) and name in value):
            return name
    return "comparison"


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotOf, Tag("not")]
    | Annotated[Comparison, Tag("comparison")],
    Discriminator(_shape),
]

AllOf.model_rebuild()
AnyOf.model_rebuild()
NotOf.model_rebuild()


def comparisons(conditions: tuple[Condition, ...]) -> list[Comparison]:
    """Every comparison in the tree, depth first."""
    found: list[Comparison] = []
    for node in conditions:
        if isinstance(node, AllOf):
            found += comparisons(node.all)
        elif isinstance(node, AnyOf):
            found += comparisons(node.any)
        elif isinstance(node, NotOf):
            found += comparisons((node.not_,))
        else:
            found.append(node)
    return found
