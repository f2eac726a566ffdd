"""A spec as a person would tell it: headings with sentences, no JSON.

Only what is set is told, and what matters where nothing is set: who never sells should read that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.condition_words import BARS, WEEKDAYS, all_words, clock, listing, number
from engine.core.reading_exits import exit_sentences
from engine.core.reading_options import (
    conversion_sentences,
    filter_sentences,
    greek_sentences,
    leg_sentences,
    roll_sentences,
)
from engine.core.spec import AxisSpec, DayRules, OrderSpec, StrategySpec

_ASSETS = {"equity_options": "equity options", "index_options": "index options", "equity": "equities",
           "future": "futures", "forex": "currencies", "cfd": "CFDs", "index": "indices"}  # fmt: skip
_DIRECTION = {"long": "long only", "short": "short only", "both": "long and short"}


class Passage(NamedTuple):
    """One heading and its sentences."""

    heading: str
    sentences: tuple[str, ...]


def reading(spec: StrategySpec, logic: Sequence[str] = ()) -> tuple[Passage, ...]:
    """The whole spec in sentences, part by part; parts that say nothing are left out.

    logic : the rules of the spec's named logic, which is not known here (`signals.logic.logic_sentences`).
    """
    parts = (
        ("Idea", _idea(spec)),
        ("Market", _market(spec)),
        ("Position", [*leg_sentences(spec.legs), *greek_sentences(spec.monitor_greeks)]),
        ("Entry", _entry(spec, logic)),
        ("Conversion", conversion_sentences(spec.conversion)),
        ("Exit", exit_sentences(spec)),
        ("Rolling", roll_sentences(spec.roll)),
        ("Size", _size(spec)),
        ("Costs", _costs(spec)),
        ("Window", _window(spec)),
        ("Data", _data(spec)),
        ("Deployment", _deployment(spec)),
        ("Candidate", _thresholds(spec)),
        ("Sweep", _sweep(spec)),
    )
    return tuple(Passage(heading, tuple(said)) for heading, said in parts if said)


def reading_text(spec: StrategySpec, logic: Sequence[str] = ()) -> str:
    """The reading as plain text: a heading a line, its sentences below it."""
    passages = reading(spec, logic)
    return "\n\n".join("\n".join((one.heading, *(f"  {s}" for s in one.sentences))) for one in passages)


def _idea(spec: StrategySpec) -> list[str]:
    said = [" ".join(spec.description.split())] if spec.description.strip() else []
    return [*said, f"Trials count for the idea {spec.family}."]


def _market(spec: StrategySpec) -> list[str]:
    of = f" ({_ASSETS[spec.asset_class]})" if spec.asset_class else ""
    symbols = listing(spec.universe) if len(spec.universe) <= 12 else _many(spec.universe)
    sides = "both ways" if spec.is_options and spec.direction == "both" else _DIRECTION[spec.direction]
    ways = "" if spec.is_options and spec.direction == "long" else f", {sides}"
    return [
        f"Trades {'options on ' if spec.is_options else ''}{symbols}{of} on {BARS[spec.timeframe]} bars{ways}."
    ]


def _many(symbols: tuple[str, ...]) -> str:
    return f"{len(symbols)} symbols, the first of them {listing(symbols[:6])},"


def _entry(spec: StrategySpec, logic: Sequence[str]) -> list[str]:
    when = when_words(spec)
    said = [_opening(when, spec, long=long, is_told=bool(logic)) for long in _sides(spec)] + list(logic)
    if spec.direction == "both" and spec.risk_exits.exit_on_opposite:
        said.append("A signal to the other side closes what is open and reverses it.")
    said.append(_order(spec.entry.order, spec))
    if spec.entry.max_trades_per_day is not None:
        n = spec.entry.max_trades_per_day
        each = " in each symbol" if len(spec.universe) > 1 else ""
        said.append(f"At most {_count(n, 'entry', 'entries')} a session{each}.")
    if spec.entry.max_slippage_bps is not None:
        said.append(
            f"No entry whose fill would be worse than mid by more than {number(spec.entry.max_slippage_bps)} bps."
        )
    return said + filter_sentences(spec.entry.filters, spec.is_options)


def _sides(spec: StrategySpec) -> list[bool]:
    if spec.direction == "both" and spec.entry.logic:
        return [True]
    return {"long": [True], "short": [False], "both": [True, False]}[spec.direction]


def _opening(when: str, spec: StrategySpec, *, long: bool, is_told: bool = False) -> str:
    """ "Every weekday at 15:30, when RSI(14) is below 30, buy.". is_told: sentences on the named logic follow."""
    verb = "enter the position" if spec.legs else ("buy" if long else "sell short")
    if spec.is_options and spec.direction == "both" and not long:
        verb += " with calls and puts exchanged"
    if spec.entry.logic:
        set_ = {} if is_told else spec.entry.logic_params
        given = ", ".join(f"{name} {_plain(value)}" for name, value in set_.items())
        logic_words = f"the logic {spec.entry.logic}{f' ({given})' if given else ''}"
        return f"{when}, {_sides_of_logic(spec, verb)} where {logic_words} says so."
    logic = (
        spec.entry.short_signal_logic if spec.direction == "both" and not long else spec.entry.signal_logic
    )
    if not logic:
        return f"{when}, {verb} whenever no position is open."
    return f"{when}, when {all_words(logic)}, {verb}."


def _sides_of_logic(spec: StrategySpec, verb: str) -> str:
    """What is done on the signals of a named logic, which come in the spec's directions."""
    if spec.direction != "both":
        return verb
    if spec.is_options:
        return f"{verb}, with calls and puts exchanged for a short signal,"
    return "buy or sell short"


def when_words(spec: StrategySpec) -> str:
    """ "Every weekday at 15:30"; "Every Monday and Friday from 09:45 to 15:00"."""
    day = spec.entry.day_rules
    days = f"Every {_days(day)}"
    if day.enter_time:
        return f"{days} at {clock(day.enter_time)}{_within(day)}"
    if spec.timeframe == "1D":
        return f"{days} at the close{_within(day)}"
    if day.not_before or day.not_after:
        return f"{days} {_within(day).lstrip(' ,')}, at the end of each {BARS[spec.timeframe]} bar"
    return f"{days}, at the end of each {BARS[spec.timeframe]} bar"


def _days(day: DayRules) -> str:
    chosen = sorted(day.dow_in)
    if chosen == [1, 2, 3, 4, 5]:
        return "weekday"
    return "day" if len(chosen) == 7 else listing([WEEKDAYS[d - 1] for d in chosen])


def _within(day: DayRules) -> str:
    first, last = day.not_before, day.not_after
    if first and last:
        return f", from {clock(first)} to {clock(last)}"
    if first:
        return f", not before {clock(first)}"
    return f", not after {clock(last)}" if last else ""


def _order(order: OrderSpec, spec: StrategySpec) -> str:
    waits = "" if order.fill_within == 1 else f" It waits for {_count(order.fill_within, 'bar')} at most."
    if spec.is_options and order.type == "market":
        return f"The order fills at the quotes that stand when it is decided.{waits}"
    if order.type == "market":
        return f"A market order fills at the open of the next bar.{waits}"
    better = (
        {"long": "below", "short": "above"} if order.type == "limit" else {"long": "above", "short": "below"}
    )
    if spec.direction == "both":
        where = f"{number(order.offset_pct)} % {'better' if order.type == 'limit' else 'worse'} than"
    else:
        where = f"{number(order.offset_pct)} % {better[spec.direction]}"
    place = "at" if order.offset_pct == 0 else where
    return f"The order is a {order.type} {place} the price that decided.{waits or ' It waits for 1 bar.'}"


def _size(spec: StrategySpec) -> list[str]:
    size = spec.sizing
    is_one = size.quantity == 1
    of_legs = "unit of all its legs" if is_one else "units of all its legs"
    units = of_legs if spec.legs else "share, contract or unit" if is_one else "shares, contracts or units"
    said = [
        {
            "equity_pct": f"Each position is worth {number(size.equity_pct)} % of equity.",
            "quantity": f"Each position is {number(size.quantity or 0.0)} {units}.",
            "cash": f"Each position is worth {number(size.cash or 0.0)} in the account's currency.",
            "risk_pct": f"Each position is as large as loses {number(size.risk_pct or 0.0)} % of equity at its stop.",
            "debit_pct": f"Each position costs {number(size.debit_pct or 0.0)} % of equity as its debit.",
        }[size.mode]
    ]
    if size.max_spread_risk_pct is not None:
        said.append(f"One spread loses {number(size.max_spread_risk_pct)} % of equity at most.")
    if size.max_concurrent is not None:
        said.append(f"At most {_count(size.max_concurrent, 'position')} at once.")
    if size.max_per_symbol is not None:
        said.append(f"At most {_count(size.max_per_symbol, 'position')} of one symbol at once.")
    if size.portfolio_risk_cap_pct is not None:
        said.append(
            f"All open stops together lose {number(size.portfolio_risk_cap_pct)} % of equity at most."
        )
    return said


def _costs(spec: StrategySpec) -> list[str]:
    cost = spec.costs
    paid = [
        f"{number(amount)} {words}"
        for amount, words in (
            (cost.per_unit, "a share, contract or unit"),
            (cost.notional_pct, "% of the notional"),
        )
        if amount
    ]
    said = []
    if paid or cost.min_per_order:
        least = f"{number(cost.min_per_order)} an order at least" if cost.min_per_order else ""
        said.append(f"Commission a side: {', '.join(filter(None, (listing(paid, 'plus'), least)))}.")
    slips = [
        f"{number(amount)} {words}"
        for amount, words in (
            (cost.slippage_bps, "bps of the price"),
            (cost.slippage_ticks, "ticks"),
            (cost.slippage_spread_pct, "% of the quoted spread"),
        )
        if amount
    ]
    if slips:
        said.append(f"Market orders and stops fill worse by {listing(slips, 'plus')}.")
    return said or ["Trading costs nothing here, which no broker offers."]


def _window(spec: StrategySpec) -> list[str]:
    test = spec.backtest
    said = [_dates(spec)]
    account = "a margin account" if test.account == "margin" else "a cash account, which cannot sell short"
    said.append(f"The account begins with {number(test.cash)} in {account}.")
    if test.cash_rate_pct:
        said.append(f"Free cash earns {number(test.cash_rate_pct)} % a year.")
    said.append(f"The tearsheet compares it with {test.benchmark or spec.universe[0]}.")
    if test.seed:
        said.append(f"Seed {test.seed}.")
    return said


def _dates(spec: StrategySpec) -> str:
    start, end = spec.backtest.start, spec.backtest.end
    if start and end:
        return f"Tested from {start} to {end}, both included."
    if start:
        return f"Tested from {start} to the end of the data."
    return f"Tested from the beginning of the data to {end}." if end else "Tested on all the data there are."


def _data(spec: StrategySpec) -> list[str]:
    data, said = spec.data, []
    if data.source != "auto":
        said.append(f"Prices come from the source {data.source}.")
    if data.warmup_bars is not None:
        said.append(f"Indicators see {_count(data.warmup_bars, 'bar')} before the window.")
    if data.paths or data.columns:
        read = listing(sorted({*data.paths, *data.columns}))
        said.append(
            f"Names processed files of {read} (naive times are {data.tz}); `data import parquet` brings them in."
        )
    if data.waive:
        said.append(f"May go unanswered: {listing(data.waive)}.")
    if data.substitute:
        said.append(f"Stand-ins: {listing([f'{new} for {old}' for old, new in data.substitute.items()])}.")
    return said


def _deployment(spec: StrategySpec) -> list[str]:
    broker = spec.broker
    if broker == type(broker)():
        return []
    account = (
        "" if broker.name == "paper" else f", {'live' if broker.account_type == 'live' else 'demo'} account"
    )
    return [f"Would be deployed on {broker.name.capitalize()}{account}."]


def _thresholds(spec: StrategySpec) -> list[str]:
    kpi = spec.kpi_thresholds
    return [
        f"A run must fall {number(kpi.max_drawdown_pct)} % at most, have a Sharpe ratio of {number(kpi.sharpe_min)} "
        f"or more, win {number(kpi.win_rate_min)} % of its trades or more, and make {kpi.min_trades:,} of them or more."
    ]


def _sweep(spec: StrategySpec) -> list[str]:
    names = _axis_names(spec)
    said = [f"Tries {names[key]} {axis_words(axis)}." for key, axis in spec.sweep.grid.items()]
    if spec.sweep.grid and spec.sweep.where:
        said.append(f"Only where {listing(spec.sweep.where)}.")
    return said


def _axis_names(spec: StrategySpec) -> dict[str, str]:
    """By key of the grid: an alias as it is; a path by its last part, in words, where no other axis ends the same."""
    last = {key: key.rpartition(".")[2] for key in spec.sweep.grid}
    times = Counter(last.values())
    return {
        key: key
        if key in spec.sweep.aliases or times[end] > 1
        else end.replace("_pct", " %").replace("_", " ")
        for key, end in last.items()
    }


def axis_words(axis: AxisSpec) -> str:
    """ "at 5, 10 and 20"; "from 5 to 60 in steps of 5"."""
    if axis.values is not None:
        shown = [_plain(value) for value in axis.values[:12]]
        more = len(axis.values) - len(shown)
        return f"at {listing([*shown, f'{more:,} more'] if more else shown)}"
    span = f"from {number(axis.start or 0.0)} to {number(axis.stop or 0.0)}"
    if axis.log:
        return f"{span} in {axis.num or 0:,} steps of equal ratio"
    return f"{span} in steps of {number(axis.step or 0.0)}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
