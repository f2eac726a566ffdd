"""The dialect of OTM Put Credit Spread: legs as in Spec v1, `risk` and `position_sizing` in percents."""

from __future__ import annotations

from engine.core.dialects import common
from engine.core.dialects.records import Dialect, Row
from engine.core.dialects.rewriting import MISSING, Rewriting

PERCENT = "percent in both"

TABLE = (
    *common.TABLE,
    *common.THRESHOLDS,
    Row("risk.stop_loss_pct", "risk_exits.stop_loss_pct", f"{PERCENT}, of the credit at entry"),
    Row("risk.take_profit_pct", "risk_exits.take_profit_pct", f"{PERCENT}, of the credit at entry"),
    Row("risk.max_spread_risk_pct", "sizing.max_spread_risk_pct", f"{PERCENT}, of equity"),
    Row("risk.portfolio_risk_cap_pct", "sizing.portfolio_risk_cap_pct", f"{PERCENT}, of equity"),
    Row("position_sizing.max_concurrent", "sizing.max_concurrent", "the same count"),
)
GROUPED = (*common.GROUPED, "position_sizing.per_trade_risk_pct")


def rewrite(work: Rewriting) -> None:
    common.rewrite(work)
    _symbols(work)
    risk = work.take("position_sizing.per_trade_risk_pct")
    if risk is not MISSING:
        old = "position_sizing.per_trade_risk_pct"
        work.put(old, risk, "sizing.risk_pct", risk, f"{PERCENT}, of equity")
        work.put(old, risk, "sizing.mode", "risk_pct", "the size that the file gives decides")


def _symbols(work: Rewriting) -> None:
    """`legs[].symbol` names the underlying: the universe overrides it."""
    legs = work.peek("legs")
    for i, leg in enumerate(legs if isinstance(legs, list) else ()):
        if not isinstance(leg, dict) or "symbol" not in leg:
            continue
        common.name_underlying(work, f"legs.{i}.symbol", leg.pop("symbol"))


DIALECT = Dialect(
    key="put_credit_spread",
    name="Put Credit Spread",
    table=TABLE,
    grouped=GROUPED,
    rewrite=rewrite,
)
