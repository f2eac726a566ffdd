"""One spec over one pack on one engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from engine.core.errors import SpecError
from engine.core.fields import minute_of
from engine.core.rules import TradeRules, trade_rules
from engine.core.spec import StrategySpec
from engine.core.spec_text import spec_hash
from engine.core.timeframes import MINUTES
from engine.packs.pack import SYNTHETIC, Pack
from engine.signals.cache import ColumnCache
from engine.signals.rules import SignalColumns, SignalPlan
from engine.sim import reference
from engine.sim.assemble import assemble
from engine.sim.call_outcomes import calls_frame
from engine.sim.entry_told import Decided, EntryTold
from engine.sim.market import Market, build_market
from engine.sim.reference import Record
from engine.sim.result import SimResult
from engine.sim.scope import refuse_options

EngineName = Literal["native", "reference", "vectorbt", "lumibot"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class Prepared:
    """A spec on a pack, ready to walk: its market, its rules, its signals in universe order."""

    spec: StrategySpec
    pack: Pack
    market: Market
    rules: TradeRules
    cache: ColumnCache
    signals: tuple[SignalColumns, ...]


def prepare(spec: StrategySpec, pack: Pack, cache: ColumnCache | None = None) -> Prepared:
    """Everything of a run that comes before the walk."""
    refuse_options(spec)
    market = build_market(pack, spec.universe, spec.timeframe)
    cache = ColumnCache(pack.series) if cache is None else cache
    plan = SignalPlan.of(spec)
    return Prepared(
        spec=spec,
        pack=pack,
        market=market,
        rules=trade_rules(spec, market.instruments, MINUTES[spec.timeframe]),
        cache=cache,
        signals=tuple(plan.columns(cache, symbol) for symbol in spec.universe),
    )


def simulate(spec: StrategySpec, pack: Pack, engine: EngineName = "native") -> SimResult:
    """The result of a run. SpecError where the engine cannot express the spec."""
    if engine not in ENGINES:
        raise SpecError(f"engine {engine!r}: unknown. Engines: {', '.join(ENGINES)}.")
    if spec.is_options:
        return _options(spec, pack, engine)
    prepared = prepare(spec, pack)
    return result_of(prepared, walker(engine)(prepared), engine)


def _options(spec: StrategySpec, pack: Pack, engine: EngineName) -> SimResult:
    """Option specs have walks of their own, and run through Lumibot."""
    from engine.sim.simulate_options import simulate_options

    if engine == "vectorbt":
        raise SpecError("legs: vectorbt runs no option specs. Use native, reference or lumibot.")
    return simulate_options(spec, pack, engine=engine)


def walker(engine: EngineName) -> Callable[[Prepared], Record]:
    if engine == "reference":
        return lambda p: reference.walk(p.market, p.rules, p.signals)
    if engine == "native":
        from engine.sim.backends.native import NativeEngine
        from engine.sim.ticks import TickMarket

        return lambda p: NativeEngine(TickMarket(p.market)).record(p.rules, p.signals)
    if engine == "vectorbt":
        from engine.sim.backends.vectorbt import run

        return run
    from engine.sim.backends.lumibot import run_in_process

    return run_in_process


def result_of(prepared: Prepared, record: Record, engine: str) -> SimResult:
    """The result of a record, entry reasons in words."""
    spec, pack = prepared.spec, prepared.pack
    told = EntryTold(spec, prepared.cache)
    result = assemble(
        prepared.market,
        prepared.rules,
        record,
        spec_hash=spec_hash(spec),
        pack_hash=pack.hash,
        engine=engine,
        seed=spec.backtest.seed,
        entry_reason=told.reason,
        notes=(*pack.notes, *_notes(spec, prepared.market)),
        marks=(SYNTHETIC,) if pack.is_synthetic else (),
    )
    trades = [Decided(t.trade_id, t.symbol, t.decided_at) for t in record.trades]
    still_open = [Decided(p.trade_id, p.symbol, p.decided_at) for p in record.state.positions]
    return replace(
        result,
        logic=told.table(prepared.market, [*trades, *still_open]),
        calls=calls_frame(prepared, record, result.trades, result.fills),
    )


def _notes(spec: StrategySpec, market: Market) -> list[str]:
    notes: list[str] = []
    wanted = spec.entry.day_rules.enter_time
    minute = minute_of(wanted)
    if minute is None:
        return notes
    if spec.timeframe == "1D":
        notes.append("enter_time moved to the session's close: daily bars decide at their end")
    for lane in market.lanes:
        c = lane.clock
        if ((minute - c.open_minute) % 1440 > c.since_open + c.to_close).all():
            notes.append(
                f"enter_time {wanted} is outside of every session of {lane.rules.symbol}: nothing entered"
            )
    return notes
