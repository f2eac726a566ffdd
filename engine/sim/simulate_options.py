"""One option spec over one pack and its chains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.chains import ChainSeries
from engine.core.errors import DataError
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
    _refuse_unanswered(rules, market)
    cache = ColumnCache(pack.series) if cache is None else cache
    plan = SignalPlan.of(spec)
    signals = tuple(plan.columns(cache, symbol) for symbol in spec.universe)
    return PreparedOptions(spec, pack, market, rules, cache, signals)


def _refuse_unanswered(rules: OptionRules, market: OptionMarket) -> None:
    f = rules.filters
    for lane in market.lanes:
        symbol, days = lane.bars.rules.symbol, lane.chain.by_session.values()
        asked = {
            "open_interest": (f.min_open_interest, any(one.open_interest is not None for one in days)),
            "volume": (f.min_volume, any(one.volume is not None for one in days)),
            "iv_percentile": (_either(f.iv_percentile_min, f.iv_percentile_max), bool(lane.iv_rank)),
        }
        missing = [
            name for name, (limit, is_known) in asked.items() if not math.isnan(limit) and not is_known
        ]
        if missing:
            raise DataError(
                f"{symbol}: its chain does not tell {', '.join(missing)}, which entry.filters asks for. "
                f'Take the filter out, or waive it: --set data.waive=["{missing[0]}"].'
            )


def _either(low: float, high: float) -> float:
    return high if math.isnan(low) else low


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
