"""What happens to positions of options; `option_account.apply` makes the next state of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.trade.account import Dividend, Interest, Ruined, Split
from engine.trade.option_state import OptionOrder, OrderLeg
from engine.trade.quotes import Mark
from engine.trade.state import Fill


@dataclass(frozen=True, slots=True)
class OptionEntered:
    """An entry of `qty` units filled, one fill a leg, in the session dated `day` with the underlying at `spot`."""

    order: OptionOrder
    fills: tuple[Fill, ...]
    qty: float
    at: int
    day: int
    spot: float


@dataclass(frozen=True, slots=True)
class OptionLeft:
    """`qty` units were closed, one fill for each open leg. n_targets: how many targets this used up."""

    trade_id: int
    fills: tuple[Fill, ...]
    qty: float
    n_targets: int = 0


@dataclass(frozen=True, slots=True)
class LegLeft:
    """One leg of all units was closed or settled apart from the rest."""

    trade_id: int
    index: int
    fill: Fill


@dataclass(frozen=True, slots=True)
class Converted:
    """The bought option became a spread: another leg was sold."""

    trade_id: int
    leg: OrderLeg
    fill: Fill


@dataclass(frozen=True, slots=True)
class OptionMarked:
    """Marks of the open legs of one position; a NaN mark lets the last one stand, flagged."""

    trade_id: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class AssignmentSeen:
    """A session ended with early assignment threatening."""

    trade_id: int


OptionEvent = (
    OptionEntered
    | OptionLeft
    | LegLeft
    | Converted
    | OptionMarked
    | AssignmentSeen
    | Split
    | Dividend
    | Interest
    | Ruined
)
