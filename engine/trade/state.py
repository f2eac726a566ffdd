"""The records that decisions and fills are made of. `State` turns to JSON and back without loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

from engine.trade import levels, option_state
from engine.trade.levels import EntryLevels
from engine.trade.option_state import OptionOrder, OptionPosition

Prices = tuple[float, float, float, float]
MAY_BE_NAN = ("stop", "first_stop", "first_target")


class Bar(NamedTuple):
    """One existing bar at actual prices; start and end in UTC ns; bid and ask as open, high, low, close."""

    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    bid: Prices | None = None
    ask: Prices | None = None


class Moment(NamedTuple):
    """A scheduled end of a bar on its exchange's clock. Minutes; `day` counts from 1970-01-01."""

    at: int
    day: int
    weekday: int
    start_minute: int
    length: int
    since_open: int
    to_close: int
    open_minute: int

    @property
    def session_ends(self) -> bool:
        return self.to_close == 0


class Seen(NamedTuple):
    """What is known of one symbol at a scheduled end: the bar if a row exists, signals, margin a contract.

    Signals are True, False or None (undefined). margin: (initial, maintenance) where margins are dated.
    levels: what the entry brings of its own, None where all of it is the spec's.
    """

    moment: Moment
    bar: Bar | None
    entry_long: bool | None = False
    entry_short: bool | None = False
    exit_long: bool | None = False
    exit_short: bool | None = False
    margin: tuple[float, float] = (0.0, 0.0)
    levels: EntryLevels | None = None


View = Mapping[str, Seen]
"""By symbol, for every symbol with a bar that is scheduled to end now."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the strategy asks for. side +1 buys, -1 sells; level NaN for market orders.

    bars_left: scheduled bars an entry may still wait; exits wait as long as it takes.
    reserved, risk: buying power and loss at the stop that a waiting entry holds.
    n_targets: how many targets an exit uses up.
    levels: what an entry brings of its own, on the price grid.
    """

    symbol: str
    side: int
    qty: float
    kind: Literal["market", "limit", "stop"]
    level: float
    purpose: Literal["entry", "exit"]
    reason: int
    decided_at: int
    bars_left: int
    reserved: float = 0.0
    risk: float = 0.0
    n_targets: int = 0
    levels: EntryLevels | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """What happened to an order; raw is the price before slippage."""

    symbol: str
    side: int
    qty: float
    raw: float
    price: float
    fee: float
    at: int
    reason: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Position:
    """An open position. basis_*, qty and entry_qty move with splits and rolls; filled_qty and entry_price stay.

    first_stop, first_target: levels as they stood at the entry, NaN for none; own_stop: the entry brought its stop.
    """

    trade_id: int
    symbol: str
    side: int
    qty: float
    entry_qty: float
    filled_qty: float
    entry_at: int
    decided_at: int
    entry_price: float
    basis_raw: float
    basis_price: float
    peak: float
    mark: float
    stop: float
    targets: tuple[tuple[float, float], ...]
    rested: bool
    gross: float
    fees: float
    slippage: float
    income: float
    exit_qty: float
    exit_value: float
    first_stop: float = math.nan
    first_target: float = math.nan
    own_stop: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """A closed round trip; money in account currency, net_pnl = gross - fees - slippage + income."""

    trade_id: int
    symbol: str
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


def _null_if_nan(level: float) -> float | None:
    return None if math.isnan(level) else level


def _nan_if_null(level: float | None) -> float:
    return math.nan if level is None else level


def _order_of(tree: Mapping[str, Any]) -> Order:
    own = levels.from_json(tree.get("levels"))
    return Order(**{**tree, "level": _nan_if_null(tree["level"]), "levels": own})


@dataclass(frozen=True, slots=True)
class State:
    """All that decides what happens next. margins: (initial, maintenance) a contract by symbol.

    options, option_orders : positions of several legs and what waits for them, in order of trade and of placing.
    """

    balance: float
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    entries_today: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    margins: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    next_id: int = 0
    ruined: bool = False
    options: tuple[OptionPosition, ...] = ()
    option_orders: tuple[OptionOrder, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Strict JSON: a level that is not in use is null, since JSON knows no NaN."""
        tree = asdict(replace(self, options=(), option_orders=()))
        tree["options"] = [option_state.to_json(p) for p in self.options]
        tree["option_orders"] = [option_state.to_json(o) for o in self.option_orders]
        for position in tree["positions"]:
            position.update({name: _null_if_nan(position[name]) for name in MAY_BE_NAN})
        for order, own in zip(tree["orders"], self.orders, strict=True):
            order["level"] = _null_if_nan(order["level"])
            order["levels"] = levels.to_json(own.levels)
        return tree

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> State:
        positions = tuple(
            Position(
                **{
                    **p,
                    **{name: _nan_if_null(p.get(name)) for name in MAY_BE_NAN},
                    "targets": tuple((t[0], t[1]) for t in p["targets"]),
                }
            )
            for p in tree["positions"]
        )
        return cls(
            balance=tree["balance"],
            positions=positions,
            orders=tuple(_order_of(o) for o in tree["orders"]),
            entries_today={k: (v[0], v[1]) for k, v in tree["entries_today"].items()},
            margins={k: (v[0], v[1]) for k, v in tree["margins"].items()},
            next_id=tree["next_id"],
            ruined=tree["ruined"],
            options=tuple(option_state.position_of(p) for p in tree.get("options", ())),
            option_orders=tuple(option_state.order_of(o) for o in tree.get("option_orders", ())),
        )
