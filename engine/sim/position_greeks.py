"""The Greeks that a spec monitors: of each position held at a session's end, as the chain tells them there.

Worked out after the walk from its fills, so that every engine records the same; they decide nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.core.option_rules import OptionRules
from engine.sim.assemble import columns_of
from engine.sim.chain_view import PackChain
from engine.sim.option_market import OptionMarket
from engine.sim.reference_options import LegFill, OptionRecord
from engine.sim.result import POSITION_GREEKS_SCHEMA, frame
from engine.trade.chain import Contract, Greeks
from engine.trade.option_state import OptionPosition, OptionTrade

Told = OptionTrade | OptionPosition
TINY = 1e-9
OF_SHARE = Greeks(delta=1.0, gamma=0.0, vega=0.0, theta=0.0)


def position_greeks(
    market: OptionMarket, rules: OptionRules, record: OptionRecord, told: Sequence[Told], names: Sequence[str]
) -> pl.DataFrame | None:
    """A row for each position and each session's end at which it was held; None where `names` is empty.

    names : of delta, gamma, vega, theta. Each is money of the whole position: contracts x multiplier x the contract's
    own. NaN where the chain does not tell one leg's, or lists it under other terms than at the end (a split between).
    """
    if not names:
        return None
    fills = _by_trade(record.fills)
    rows = []
    for tick in np.flatnonzero(market.base.day_end).tolist():
        now = int(market.base.ticks[tick])
        chains: dict[str, PackChain | None] = {}
        for one in told:
            held = _held(fills.get(one.trade_id, []), now)
            if held:
                if one.symbol not in chains:
                    number = market.base.symbols.index(one.symbol)
                    chains[one.symbol] = market.chain_at(number, tick, rules.filters.max_quote_age_ns)
                values = _sum(one, held, chains[one.symbol])
                rows.append({"trade_id": one.trade_id, "at": now, **_named(values, names)})
    return frame(POSITION_GREEKS_SCHEMA, columns_of(rows, POSITION_GREEKS_SCHEMA))


def _by_trade(fills: Sequence[LegFill]) -> Mapping[int, list[LegFill]]:
    found: dict[int, list[LegFill]] = defaultdict(list)
    for one in fills:
        found[one.trade_id].append(one)
    return found


def _held(fills: Sequence[LegFill], now: int) -> dict[int, float]:
    """Signed contracts by leg after what has filled by `now`; legs that are gone are absent."""
    held: dict[int, float] = defaultdict(float)
    for one in fills:
        if one.fill.at <= now:
            held[one.leg] += one.fill.side * one.fill.qty
    return {leg: n for leg, n in held.items() if abs(n) > TINY}


def _sum(one: Told, held: Mapping[int, float], chain: PackChain | None) -> Greeks:
    total = [0.0] * len(Greeks._fields)
    for number, n in held.items():
        contract = one.legs[number].contract
        found, shares = _greeks(contract, chain), n * (1.0 if contract is None else contract.multiplier)
        total = [sum_ + shares * value for sum_, value in zip(total, found, strict=True)]
    return Greeks(*total)


def _greeks(contract: Contract | None, chain: PackChain | None) -> Greeks:
    if contract is None:
        return OF_SHARE
    return Greeks() if chain is None else chain.greeks(contract)


def _named(values: Greeks, names: Sequence[str]) -> dict[str, Any]:
    return {
        name: getattr(values, name) if name in names else math.nan
        for name in ("delta", "gamma", "vega", "theta")
    }
