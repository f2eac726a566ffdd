"""Option specs over one pack and its chains: what they share, and one run or one row of metrics each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.core.bars import FloatArray
from engine.core.chains import ChainSeries
from engine.core.errors import SpecError
from engine.core.option_rules import OptionRules, option_rules
from engine.core.sessions import day_number
from engine.core.spec import StrategySpec
from engine.core.spec_text import spec_hash
from engine.core.timeframes import MINUTES
from engine.packs.pack import SYNTHETIC, Pack
from engine.signals.cache import ColumnCache
from engine.signals.required import reads_chain
from engine.signals.rules import SignalColumns, SignalPlan
from engine.sim.assemble_options import assemble_options
from engine.sim.chain_volatility import ChainVolatility
from engine.sim.entry_told import Decided, EntryTold
from engine.sim.opening_settlement import opening_notes
from engine.sim.option_market import OptionMarket, RateOn, build_option_market, rates_of
from engine.sim.reference_options import OptionRecord, go_on, walk_options
from engine.sim.result import SimResult
from engine.sim.unanswered import asks, refuse_unanswered
from engine.trade.option_state import OptionPosition, OptionTrade

if TYPE_CHECKING:
    from engine.sim.backends.native_options import OptionEngine
    from engine.sim.option_ticks import OptionTicks

Chains = Mapping[str, ChainSeries]
IVPercentile = Mapping[str, Mapping[int, float]]
OptionEngineName = Literal["native", "reference", "lumibot"]


class CompiledWalk:
    """The compiled walk over one market: laid out when first asked for, an engine a thread."""

    def __init__(self, market: OptionMarket) -> None:
        self._market = market
        self._laid: OptionTicks | None = None
        self._lock, self._local = threading.Lock(), threading.local()

    def engine(self) -> OptionEngine:
        """This thread's engine."""
        from engine.sim.backends.native_options import OptionEngine
        from engine.sim.option_ticks import OptionTicks

        with self._lock:
            if self._laid is None:
                self._laid = OptionTicks(self._market)
        found: OptionEngine | None = getattr(self._local, "engine", None)
        if found is None:
            found = self._local.engine = OptionEngine(self._laid)
        return found


@dataclass(frozen=True)
class OptionConfig:
    """An option spec on a pack, ready to walk. compiled: what configs over one market share."""

    spec: StrategySpec
    market: OptionMarket
    rules: OptionRules
    signals: tuple[SignalColumns, ...]
    compiled: CompiledWalk


class OptionRun(NamedTuple):
    """One config and what it shares with the others over its pack."""

    config: OptionConfig
    shared: PreparedOptions


class PreparedOptions:
    """What all option configs over one pack share: columns, the chains' volatility, and a market for each universe and
    timeframe.

    Threads may share it.
    """

    def __init__(
        self,
        pack: Pack,
        chains: Chains,
        rate_on: RateOn,
        iv_percentile: IVPercentile | None,
    ) -> None:
        self.pack = pack
        self._chains, self._rate_on, self._iv_percentile = chains, rate_on, iv_percentile
        self._volatility = ChainVolatility(chains, rate_on)
        self._markets: dict[tuple[tuple[str, ...], str, bool], tuple[OptionMarket, CompiledWalk]] = {}
        self._caches: dict[frozenset[str], ColumnCache] = {}
        self._lock = threading.Lock()

    def cache(self, spec: StrategySpec) -> ColumnCache:
        """The columns of the spec's conditions; specs with the same stand-ins share them."""
        names = frozenset(spec.data.substitute)
        with self._lock:
            if names not in self._caches:
                self._caches[names] = ColumnCache(
                    self.pack.series, chain_iv=self._volatility.over, stand_ins=names
                )
            return self._caches[names]

    def market(self, universe: tuple[str, ...], timeframe: str, *, is_ranked: bool = False) -> OptionMarket:
        """is_ranked : a filter reads the IV percentile, which takes a look at every session's chain."""
        return self._market(universe, timeframe, is_ranked)[0]

    def _market(
        self, universe: tuple[str, ...], timeframe: str, is_ranked: bool
    ) -> tuple[OptionMarket, CompiledWalk]:
        key = (universe, timeframe, is_ranked)
        with self._lock:
            if key not in self._markets:
                market = build_option_market(
                    self.pack,
                    self._chains,
                    universe,
                    timeframe,
                    rate_on=self._rate_on,
                    iv_percentile=self._ranks(universe) if is_ranked else None,
                )
                self._markets[key] = market, CompiledWalk(market)
            return self._markets[key]

    def _ranks(self, universe: tuple[str, ...]) -> IVPercentile:
        if self._iv_percentile is not None:
            return self._iv_percentile
        first = day_number(self.pack.window_start)
        held = [symbol for symbol in universe if symbol in self._chains]
        return {symbol: self._volatility.percentile_before(symbol, first) for symbol in held}

    def config(
        self, spec: StrategySpec, plan: SignalPlan | None = None, *, is_whole: bool = True
    ) -> OptionConfig:
        """Everything of a run that comes before the walk; plan: the spec's, where the caller has it.

        is_whole : False for a pack whose future is cut off, which may not answer a filter yet.
        SpecError where the spec has no meaning for options, DataError where a filter asks what the chains cannot
        answer; it names the waiver.
        """
        is_ranked = any(one.name == "iv_percentile" for one in asks(spec))
        market, compiled = self._market(spec.universe, spec.timeframe, is_ranked)
        rules = option_rules(spec, market.base.instruments, MINUTES[spec.timeframe])
        if is_whole:
            _refuse_unanswered(spec, market)
        plan = SignalPlan.of(spec) if plan is None else plan
        if is_whole and reads_chain(plan, spec):
            for symbol in spec.universe:
                self._volatility.refuse_silent(symbol)
        signals = tuple(plan.columns(self.cache(spec), symbol) for symbol in spec.universe)
        return OptionConfig(spec, market, rules, signals, compiled)


def prepare_options(
    pack: Pack,
    chains: Chains | None = None,
    *,
    rate_on: RateOn | None = None,
    iv_percentile: IVPercentile | None = None,
) -> PreparedOptions:
    """A pack ready for option configs.

    chains : by underlying; without them those of the pack.
    rate_on: the riskless rate of a date, for Greeks; without it the pack's. iv_percentile: see OptionMarket; without it
             that of the chains.
    """
    rate_on = rates_of(pack) if rate_on is None else rate_on
    return PreparedOptions(pack, pack.chains if chains is None else chains, rate_on, iv_percentile)


def option_run(spec: StrategySpec, pack: Pack) -> OptionRun:
    """One option spec on a pack of its own; errors as `PreparedOptions.config`."""
    shared = prepare_options(pack)
    return OptionRun(shared.config(spec), shared)


def _refuse_unanswered(spec: StrategySpec, market: OptionMarket) -> None:
    """Filters that a chain cannot answer, unless the spec waives them."""
    for lane in market.lanes:
        days = lane.chain.by_session.values()
        known = {
            "open_interest": any(one.open_interest is not None for one in days),
            "volume": any(one.volume is not None for one in days),
            "iv_percentile": bool(lane.iv_rank),
        }
        missing = [name for name, is_known in known.items() if not is_known]
        refuse_unanswered(spec, missing, f"the chain of {lane.bars.rules.symbol}")


def simulate_options(
    spec: StrategySpec,
    pack: Pack,
    chains: Chains | None = None,
    *,
    prepared: PreparedOptions | None = None,
    engine: OptionEngineName = "native",
    rate_on: RateOn | None = None,
    iv_percentile: IVPercentile | None = None,
) -> SimResult:
    """The result of an option run. SpecError where the spec has no meaning for options.

    prepared : of this pack, where several runs share it; chains, rate_on and iv_percentile are then its own.
    """
    if prepared is None:
        prepared = prepare_options(pack, chains, rate_on=rate_on, iv_percentile=iv_percentile)
    config = prepared.config(spec)
    return option_result_of(config, prepared, option_record(config, engine), engine)


def left_to_reference(config: OptionConfig) -> str | None:
    """What of a config the compiled walk leaves to the reference, in words; None for nothing."""
    from engine.sim.backends.native_options import uncovered

    return uncovered(config.market, config.rules)


def option_record(config: OptionConfig, engine: str, check: Callable[[], None] = go_on) -> OptionRecord:
    """What happens to a config on an engine; native leaves to the reference what it does not restate.

    check : called at least twice a second; what it raises ends the walk.
    SpecError where the engine cannot express the spec, or runs no options.
    """
    if engine == "native" and left_to_reference(config) is None:
        return config.compiled.engine().record(config.rules, config.signals, check)
    if engine in ("native", "reference"):
        return walk_options(config.market, config.rules, config.signals, check)
    if engine == "lumibot":
        from engine.sim.backends.lumibot import run_options_in_process

        return run_options_in_process(config)
    raise SpecError(f"legs: {engine} runs no option specs. Use native, reference or lumibot.")


def option_metrics(
    spec: StrategySpec,
    prepared: PreparedOptions,
    out: FloatArray,
    *,
    plan: SignalPlan | None = None,
    engine: OptionEngineName = "native",
    check: Callable[[], None] = go_on,
) -> None:
    """The metrics of one config in the order of METRIC_NAMES, written to `out` float64 (14,): a sweep's row.

    plan : the signals of the spec, where several configs share them. check: see `option_record`. Errors as
    `PreparedOptions.config`.
    """
    config = prepared.config(spec, plan)
    if engine == "native" and left_to_reference(config) is None:
        config.compiled.engine().metrics(config.rules, config.signals, out, check)
        return
    record = option_record(config, engine, check)
    out[:] = list(option_result_of(config, prepared, record, engine).metrics.values())


def option_result_of(
    config: OptionConfig, prepared: PreparedOptions, record: OptionRecord, engine: str
) -> SimResult:
    """The result of a record, entry reasons in words. A native run that the reference made says so."""
    spec, pack = config.spec, prepared.pack
    left = left_to_reference(config) if engine == "native" else None
    told = EntryTold(spec, prepared.cache(spec))
    result = assemble_options(
        config.market,
        config.rules,
        record,
        spec_hash=spec_hash(spec),
        pack_hash=pack.hash,
        engine="reference" if left else engine,
        seed=spec.backtest.seed,
        entry_reason=told.reason,
        notes=(*pack.notes, *_notes(spec, pack), *([f"run by the reference: {left}"] if left else [])),
        marks=(SYNTHETIC,) if pack.is_synthetic else (),
        monitored=spec.monitor_greeks,
    )
    held: list[OptionTrade | OptionPosition] = [*record.trades, *record.state.options]
    entered = [Decided(one.trade_id, one.symbol, one.decided_at) for one in held if one.rolled_from < 0]
    return replace(result, logic=told.table(config.market.base, entered))


def _notes(spec: StrategySpec, pack: Pack) -> list[str]:
    notes: list[str] = []
    if pack.rates is None and not pack.is_synthetic:
        notes.append("no interest rates in the store: Greeks and volatilities are those of a rate of zero")
    for name in spec.data.substitute:
        notes.append(
            f"{name}: the 30-day volatility of the traded symbol's own chain stands in, once a session"
        )
    if spec.entry.day_rules.enter_time is not None and spec.timeframe == "1D":
        notes.append("enter_time moved to the session's close: daily bars decide at their end")
    elsewhere = sorted({leg.symbol for leg in spec.legs if leg.symbol and spec.universe != (leg.symbol,)})
    if elsewhere:
        notes.append(
            f"legs name {', '.join(elsewhere)}; the universe {', '.join(spec.universe)} takes their place"
        )
    if spec.risk_exits.let_expire:
        notes.append(f"held to settlement: paid in cash at intrinsic value; {_delivery(spec)}")
        notes += opening_notes(spec, pack)
    return notes


def _delivery(spec: StrategySpec) -> str:
    if all(leg.asset == "option" for leg in spec.legs):
        return "delivery of shares is not modelled"
    return "shares beside it that exercise takes go at that price, others at the next open"
