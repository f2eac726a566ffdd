"""Keys that all dialects write, and words that mean the same in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.core.dialects.changes import percent
from engine.core.dialects.records import Row
from engine.core.dialects.rewriting import MISSING, Rewriting
from engine.core.instruments import INDICES
from engine.core.slugs import slug_of
from engine.core.spec_errors import shorten

FRACTION = "a fraction becomes percent"

TABLE = (
    Row("entry.enter_time", "entry.day_rules.enter_time", "the same time, among the day rules"),
    Row(
        "backtest.fees.percent_fee",
        "costs.notional_pct",
        "a fraction of the notional becomes percent of it",
        percent,
    ),
    Row("backtest.write_outputs", "outputs", "the same list"),
)
GROUPED = ("entry.symbol", "outputs.write_tearsheet", "outputs.write_trades")

THRESHOLDS = (
    Row("metrics_thresholds.max_drawdown_pct", "kpi_thresholds.max_drawdown_pct", "percent in both"),
    Row("metrics_thresholds.sharpe_min", "kpi_thresholds.sharpe_min", "the same number"),
    Row("metrics_thresholds.win_rate_min", "kpi_thresholds.win_rate_min", "percent in both"),
    Row("metrics_thresholds.min_trades", "kpi_thresholds.min_trades", "the same count"),
)
"""For dialects whose percents are percents."""

_ARTIFACTS = {
    "outputs.write_tearsheet": ["tearsheet.html", "tearsheet.csv"],
    "outputs.write_trades": ["trades.csv", "trades.html"],
}


def rewrite(work: Rewriting) -> None:
    """What the common keys mean together; first of all in every dialect."""
    _name(work)
    underlying(work, "entry.symbol")
    _outputs(work)
    series(work, "entry.signal_logic")


def _name(work: Rewriting) -> None:
    """A file without a slug takes the one of its name."""
    name = work.peek("name")
    if work.peek("slug") is MISSING and isinstance(name, str) and slug_of(name):
        work.put("name", name, "slug", slug_of(name), "the file has no slug; it is made of the name")


def underlying(work: Rewriting, path: str) -> None:
    """A key that names the underlying: the universe overrides it, and takes it where there is none."""
    symbol = work.take(path)
    if symbol is not MISSING:
        name_underlying(work, path, symbol)


def name_underlying(work: Rewriting, path: str, symbol: Any) -> None:
    """`underlying` of a symbol that is read already."""
    if not isinstance(symbol, str) or not symbol:
        work.refuse(path, f"must be a symbol such as SPY, got {shorten(symbol)}. Write one, or leave it out.")
        return
    universe = work.peek("universe")
    if universe is MISSING:
        work.left["universe"] = [symbol]
        work.tell(path, "universe", symbol, [symbol], "the only symbol that the file names")
        return
    others = "" if isinstance(universe, list) and symbol in universe else ", though it names another symbol"
    work.drop(path, symbol, f"the universe decides what is traded{others}")


def _outputs(work: Rewriting) -> None:
    """Switches become the list of what is shown first."""
    shown: list[str] = []
    for path, files in _ARTIFACTS.items():
        is_on = work.take(path)
        if is_on is MISSING:
            continue
        if not isinstance(is_on, bool):
            work.refuse(path, "must be true or false.")
        elif not is_on:
            work.drop(path, is_on, "not shown first; every artifact is written anyhow")
        else:
            for file in files:
                work.put(path, is_on, f"outputs.{len(shown)}", file, "an artifact to be shown first")
                shown.append(file)


def series(work: Rewriting, path: str, new: str = "") -> None:
    """`indicator VIX` means the index: the close of that symbol's bars. new: where the conditions stand in v1."""
    logic = work.peek(path)
    for at, holder, key in _operands(logic, path) if isinstance(logic, list) else ():
        before = holder[key]
        name = before if isinstance(before, str) else before.get("name")
        if not isinstance(name, str) or name not in INDICES:
            continue
        meant = {"type": "price", "name": "close", "symbol": name}
        after = meant if isinstance(before, str) else {**before, **meant}
        holder[key] = after
        to = f"{new or path}{at.removeprefix(path)}"
        work.tell(at, to, before, after, f"{name} is no indicator: the close of the index is meant")


def _operands(node: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    """(path, holder, key) of every left side and target that may be an indicator."""
    places = enumerate(node) if isinstance(node, list) else list(node.items())
    for key, value in places:
        here = f"{at}.{key}"
        if isinstance(value, list):
            yield from _operands(value, here)
        elif isinstance(value, dict):
            if value.get("type", "indicator") == "indicator" and "name" in value and key != "params":
                yield here, node, key
            yield from _operands(node[key], here)
        elif key == "target" and isinstance(value, str):
            yield here, node, key
