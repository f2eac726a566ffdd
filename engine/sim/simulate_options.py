"""One option spec over one pack and its chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.chains import ChainSeries
from engine.core.option_rules import OptionRules, option_rules
from engine.core.spec import StrategySpec
from engine.core.spec_text import spec_hash
from engine.core.timeframes import MINUTES
from engine.packs.pack import SYNTHETIC, Pack
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain
from engine.signals.rules import SignalColumns, SignalPlan
from engine.sim.assemble_options import assemble_options
from engine.sim.option_market import OptionMarket, RateOn, build_option_market, no_rate
from engine.sim.reference_options import OptionRecord, walk_options
from engine.sim.result import SimResult
from engine.sim.unanswered import refuse_unanswered

Chains = Mapping[str, ChainSeries]


@dataclass(frozen=True)
class PreparedOptions:
    """An option spec on a pack, ready to walk."""

    spec: StrategySpec
    pack: Pack
    market: OptionMarket
    rules: OptionRules
    cache: ColumnCache
    signals: tuple[SignalColumns, ...]


def prepare_options(
    spec: StrategySpec,
    pack: Pack,
    chains: Chains | None = None,
    *,
    rate_on: RateOn = no_rate,
    iv_percentile: Mapping[str, Mapping[int, float]] | None = None,
    cache: ColumnCache | None = None,
) -> PreparedOptions:
    """Everything of a run that comes before the walk.

    chains : by underlying; without them those of the pack.
    rate_on: the riskless rate of a date, for Greeks. iv_percentile: see OptionMarket.
    DataError where a filter asks what the chains cannot answer; it names the waiver.
    """
    market = build_option_market(
        pack,
        pack.chains if chains is None else chains,
        spec.universe,
        spec.timeframe,
        rate_on=rate_on,
        iv_percentile=iv_percentile,
    )
    rules = option_rules(spec, market.base.instruments, MINUTES[spec.timeframe])
    _refuse_unanswered(spec, market)
    cache = ColumnCache(pack.series) if cache is None else cache
    plan = SignalPlan.of(spec)
    signals = tuple(plan.columns(cache, symbol) for symbol in spec.universe)
    return PreparedOptions(spec, pack, market, rules, cache, signals)


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
    rate_on: RateOn = no_rate,
    iv_percentile: Mapping[str, Mapping[int, float]] | None = None,
) -> SimResult:
    """The result of an option run by the reference. SpecError where the spec has no meaning for options."""
    prepared = prepare_options(spec, pack, chains, rate_on=rate_on, iv_percentile=iv_percentile)
    record = walk_options(prepared.market, prepared.rules, prepared.signals)
    return option_result_of(prepared, record, "reference")


def option_result_of(prepared: PreparedOptions, record: OptionRecord, engine: str) -> SimResult:
    """The result of a record, entry reasons in words."""
    spec, pack, plan = prepared.spec, prepared.pack, SignalPlan.of(prepared.spec)

    def entry_reason(symbol: str, side: str, bar: int) -> str:
        return explain(spec, prepared.cache, symbol, "long" if side == "long" else "short", bar, plan)

    return assemble_options(
        prepared.market,
        prepared.rules,
        record,
        spec_hash=spec_hash(spec),
        pack_hash=pack.hash,
        engine=engine,
        seed=spec.backtest.seed,
        entry_reason=entry_reason,
        notes=(*pack.notes, *_notes(spec)),
        marks=(SYNTHETIC,) if pack.is_synthetic else (),
    )


def _notes(spec: StrategySpec) -> list[str]:
    notes: list[str] = []
    if spec.entry.day_rules.enter_time is not None and spec.timeframe == "1D":
        notes.append("enter_time moved to the session's close: daily bars decide at their end")
    elsewhere = sorted({leg.symbol for leg in spec.legs if leg.symbol and leg.symbol not in spec.universe})
    if elsewhere:
        notes.append(
            f"legs name {', '.join(elsewhere)}; the universe {', '.join(spec.universe)} takes their place"
        )
    if spec.risk_exits.let_expire:
        notes.append(
            "held to settlement: paid in cash at intrinsic value; delivery of shares is not modelled"
        )
    return notes
