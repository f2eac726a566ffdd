"""Chains in `data coverage`, and `data compare`: two sources against each other."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.core.settings import Settings
from engine.core.timeframes import TIMEFRAMES
from engine.verbs import output

if TYPE_CHECKING:
    from engine.data.chain_coverage import ChainCoverage
    from engine.data.compare import Comparison

HEADER = (
    *("source", "chain", "timeframe", "sessions", "with rows", "contracts each", "quotes", "trades"),
    *("two-sided %", "standing %", "crossed", "zero bid"),
)


def print_coverage(chains: list[ChainCoverage]) -> None:
    output.print_table(HEADER, [_row(one) for one in chains])


def _row(one: ChainCoverage) -> tuple[Any, ...]:
    return (
        one.source,
        one.symbol,
        one.timeframe,
        one.n_sessions,
        one.n_sessions_with_rows,
        round(one.contracts_a_session, 1),
        int(one.quotes.sum()),
        int(one.trades.sum()),
        output.percent(one.two_sided),
        output.percent(one.standing_share),
        int(one.flags["crossed"].sum()),
        int(one.flags["zero_bid"].sum()),
    )


def plain(one: ChainCoverage) -> dict[str, Any]:
    """n_contracts counts each contract once a session; cells are contracts x scheduled bars."""
    sums = {f"n_{name}": int(getattr(one, name).sum()) for name in ("contracts", "quotes", "trades", "cells")}
    return {
        "source": one.source,
        "symbol": one.symbol,
        "timeframe": one.timeframe,
        "n_sessions": one.n_sessions,
        "n_sessions_with_rows": one.n_sessions_with_rows,
        **sums,
        **{f"n_{name}": int(counts.sum()) for name, counts in one.flags.items()},
        "n_standing": int(one.standing.sum()),
        "n_stale": int(one.stale.sum()),
        "n_expired": int(one.expired.sum()),
        "two_sided": one.two_sided,
        "standing": one.standing_share,
    }


def covered(args: argparse.Namespace, settings: Settings) -> list[ChainCoverage]:
    """Coverage of the chosen chains; one that does not reach the dates is left out."""
    from engine.data.chain_coverage import chain_coverage, chains_of
    from engine.data.coverage import meets

    chosen = [
        one
        for one in chains_of(settings, args.source)
        if (args.symbols is None or one.symbol in args.symbols)
        and args.timeframe in (None, one.timeframe)
        and meets(one, args.first, args.last)
    ]
    return [chain_coverage(settings, one, args.first, args.last) for one in chosen]


# ---------------------------------------------------------------- compare


def add_parser(parser: argparse.ArgumentParser, date: Callable[[str], dt.date]) -> None:
    parser.add_argument(
        "sources", nargs=2, metavar="SOURCE", help="two sources of the store, such as lean polygon"
    )
    parser.add_argument("--symbols", required=True, metavar="A,B", help="underlyings whose options both have")
    parser.add_argument(
        "--timeframe", choices=TIMEFRAMES, metavar="T", help="default: the finest that both have"
    )
    parser.add_argument("--from", dest="first", metavar="DATE", type=date, help="first session date")
    parser.add_argument("--to", dest="last", metavar="DATE", type=date, help="last session date")
    output.add_json_flag(parser)
    parser.set_defaults(handler=compare)


def compare(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"comparisons": [{symbol, timeframe, price, sources, first, last, n_sessions, contracts, rows, prices,
    volatilities, worst, has_underlying}]}; contracts, once a session, and rows as {both, only_first, only_second}."""
    from engine.data.compare import compare_chains

    symbols = [word.strip() for word in args.symbols.split(",") if word.strip()]
    if not symbols:
        raise BadInput(
            "--symbols: an empty list. Write underlyings with commas between them, such as SPY,QQQ."
        )
    found = [
        compare_chains(settings, tuple(args.sources), symbol, args.timeframe, args.first, args.last)
        for symbol in symbols
    ]
    if args.json:
        output.print_json({"comparisons": [_plain_comparison(one) for one in found]})
        return
    for one in found:
        _tell(one)


def _tell(one: Comparison) -> None:
    sessions = f"{one.n_sessions:,} session{'s' if one.n_sessions != 1 else ''}"
    print(f"{one.symbol} options {one.timeframe}, {one.first} to {one.last}, {sessions}, by {one.price}")
    first, second = one.sources
    names = ("", "both", f"only {first}", f"only {second}")
    output.print_table(names, [("contracts, once a session", *one.n_contracts), ("rows", *one.n_rows)])
    header = ("difference", "compared", "equal", "mean", "median", "95 %", "largest")
    spreads = (("price", one.prices), ("implied volatility", one.volatilities))
    output.print_table(header, [(name, *(_rounded(value) for value in astuple(of))) for name, of in spreads])
    if not one.has_underlying:
        print(
            f"no volatilities: neither source has bars of {one.symbol} at {one.timeframe}, or its price in the rows"
        )
    if len(one.worst):
        print("largest differences of price:")
        columns = ("expiry", "strike", "right", "start (UTC)", first, second)
        rows = [
            (row["expiry"], row["strike"], "C" if row["is_call"] else "P", f"{row['start']:%Y-%m-%dT%H:%M}",
             _rounded(row["price"]), _rounded(row["price_2"]))
            for row in one.worst.iter_rows(named=True)
        ]  # fmt: skip
        output.print_table(columns, rows)


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else round(value, 4)


def _plain_comparison(one: Comparison) -> dict[str, Any]:
    names = ("both", "only_first", "only_second")
    told = {
        name: getattr(one, name)
        for name in ("symbol", "timeframe", "price", "sources", "first", "last", "n_sessions")
    }
    return {
        **told,
        "contracts": dict(zip(names, one.n_contracts, strict=True)),
        "rows": dict(zip(names, one.n_rows, strict=True)),
        "prices": asdict(one.prices),
        "volatilities": asdict(one.volatilities),
        "worst": one.worst.to_dicts(),
        "has_underlying": one.has_underlying,
    }
