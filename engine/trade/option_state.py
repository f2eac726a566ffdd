"""The records of option positions; like those of `state` they turn to JSON and back without loss.

Money of a position is told for one unit: contracts x multiplier x price, summed over its legs. Prices of a position are
told per share: that money over `unit`, the multiplier of its first option.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.trade.chain import NO_GREEKS, Contract, Greeks
from engine.trade.payoffs import Holding

Purpose = Literal["entry", "exit", "convert"]


@dataclass(frozen=True, slots=True)
class HeldLeg:
    """One leg of an open position; prices per share, entry with slippage, raw without.

    contract : None is the underlying itself. ratio: contracts (shares) a unit, below zero sold.
    mark     : what the position is valued with; it moves only when every open leg has a price, since prices of two
               moments make no price of a position.
    own_mark : the leg's last price whatever the others had: its own stop and target, conversion and rolls look at it.
    closed   : what it settled at or was closed at apart from the rest; NaN while it is open.
    greeks   : as the chain told them at the decision.
    """

    contract: Contract | None
    ratio: float
    entry_price: float
    entry_raw: float
    mark: float
    own_mark: float
    is_fresh: bool
    closed: float
    greeks: Greeks

    @property
    def shares(self) -> float:
        return self.ratio * (1.0 if self.contract is None else self.contract.multiplier)

    @property
    def is_open(self) -> bool:
        return math.isnan(self.closed)

    @property
    def worth(self) -> float:
        """Money a unit at the mark, or at what it was closed for."""
        return self.shares * (self.mark if self.is_open else self.closed)


@dataclass(frozen=True, slots=True)
class OptionPosition:
    """Open legs of one entry, `qty` units of them.

    view     : the signal's side, +1 or -1. side: +1 premium was paid, -1 received.
    premium  : the net price per share at entry, without sign; percents are of it, also after a conversion.
    peak, trough : best and worst of `worth_of` at fresh marks since the fill.
    targets  : (worth, share) of the targets that are left.
    exit_value : sum over the units that left of what a unit fetched, in money.
    risk_sessions : sessions at whose end early assignment threatened.
    rolled_from : the trade that it was rolled from, -1 for none.
    """

    trade_id: int
    symbol: str
    view: int
    side: int
    qty: float
    entry_qty: float
    entry_at: int
    decided_at: int
    legs: tuple[HeldLeg, ...]
    unit: float
    premium: float
    entry_spot: float
    peak: float
    trough: float
    targets: tuple[tuple[float, float], ...]
    stop: float
    gross: float
    fees: float
    slippage: float
    income: float
    exit_qty: float
    exit_value: float
    risk_sessions: int
    rolled_from: int
    converted_at: int

    @property
    def open_legs(self) -> tuple[HeldLeg, ...]:
        return tuple(leg for leg in self.legs if leg.is_open)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """The open legs as payoffs and margin take them."""
        return tuple(Holding(leg.contract, leg.ratio, leg.mark) for leg in self.legs if leg.is_open)

    @property
    def is_fresh(self) -> bool:
        """Every open leg has a mark of now: only then may a mark close the position."""
        return all(leg.is_fresh for leg in self.legs if leg.is_open)

    @property
    def first_expiry(self) -> Contract | None:
        """The open option that stops first."""
        held = [leg.contract for leg in self.legs if leg.is_open and leg.contract is not None]
        return min(held, key=lambda c: c.expires_at, default=None)


@dataclass(frozen=True, slots=True)
class OrderLeg:
    """One leg of an order: number in the position, contract, ratio traded (above zero bought).

    print_price, print_at : the print that this leg found while others still wait (chains of prints only).
    """

    index: int
    contract: Contract | None
    ratio: float
    greeks: Greeks = NO_GREEKS
    print_price: float = math.nan
    print_at: int = 0


@dataclass(frozen=True, slots=True)
class OptionOrder:
    """A wish for `qty` units of some legs at once, all or nothing.

    trade_id  : the position that an exit or conversion belongs to; -1 for an entry.
    rolls     : the position that must have left first, -1 for none.
    expected  : net money a unit at the marks of the decision, above zero paid.
    bars_left : scheduled bars an entry may still wait; a conversion has one, exits wait as long as it takes.
    due_at    : since when prints count, 0 until the first bar after the decision opens.
    """

    symbol: str
    purpose: Purpose
    trade_id: int
    view: int
    qty: float
    legs: tuple[OrderLeg, ...]
    reason: int
    decided_at: int
    bars_left: int
    due_at: int = 0
    n_targets: int = 0
    rolls: int = -1
    expected: float = 0.0
    reserved: float = 0.0
    risk: float = 0.0


@dataclass(frozen=True, slots=True)
class OptionTrade:
    """A closed round trip. side +1: premium paid; prices per share, of the whole position, without sign at entry.

    exit_price : what a unit fetched (paid) or cost (received), weighted by units.
    """

    trade_id: int
    symbol: str
    view: int
    side: int
    qty: float
    entry_at: int
    decided_at: int
    entry_price: float
    exit_at: int
    exit_price: float
    exit_reason: int
    gross: float
    fees: float
    slippage: float
    income: float
    stop: float
    target: float
    legs: tuple[HeldLeg, ...]
    unit: float
    peak: float
    trough: float
    risk_sessions: int
    rolled_from: int
    converted_at: int


def paid(position: OptionPosition) -> float:
    """Money paid for one unit, below zero received; legs closed apart included."""
    total = 0.0
    for leg in position.legs:
        total += leg.shares * leg.entry_price
    return total


def worth_a_share(premium: float, value: float, paid: float, unit: float) -> float:
    """Premium plus gain a share, from the money that a unit is worth and cost, to a hundred-millionth.

    Sums of cents are not whole cents in floats: 1.7999999999999998 would miss a target of 1.80 that was met.
    """
    return math.floor((premium + (value - paid) / unit) * 1e8 + 0.5) / 1e8


def worth_of(position: OptionPosition) -> float:
    """Premium plus gain a share: what stops and targets of both debits and credits are compared with.

    It starts at the premium and grows with every gain: a debit's worth is its value; a credit of 1.00 that costs 0.40
    to close is worth 1.60.
    """
    value = 0.0
    for leg in position.legs:
        value += leg.worth
    return worth_a_share(position.premium, value, paid(position), position.unit)


# ---------------------------------------------------------------- JSON


def _plain(value: Any) -> Any:
    """NaN as null, since JSON knows none; tuples as lists."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def to_json(record: OptionPosition | OptionOrder) -> dict[str, Any]:
    tree: dict[str, Any] = _plain(asdict(record))
    return tree


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _contract(tree: Sequence[Any] | None) -> Contract | None:
    return None if tree is None else Contract(*tree)


def _greeks(tree: Sequence[float | None]) -> Greeks:
    return Greeks(*(_number(one) for one in tree))


def position_of(tree: Mapping[str, Any]) -> OptionPosition:
    legs = tuple(
        HeldLeg(**{**leg, "contract": _contract(leg["contract"]), "greeks": _greeks(leg["greeks"]),
                   **{name: _number(leg[name]) for name in ("mark", "own_mark", "closed")}})
        for leg in tree["legs"]
    )  # fmt: skip
    targets = tuple((one[0], one[1]) for one in tree["targets"])
    return OptionPosition(**{**tree, "legs": legs, "targets": targets, "stop": _number(tree["stop"])})


def order_of(tree: Mapping[str, Any]) -> OptionOrder:
    legs = tuple(
        OrderLeg(**{**leg, "contract": _contract(leg["contract"]), "greeks": _greeks(leg["greeks"]),
                    "print_price": _number(leg["print_price"])})
        for leg in tree["legs"]
    )  # fmt: skip
    return OptionOrder(**{**tree, "legs": legs})
