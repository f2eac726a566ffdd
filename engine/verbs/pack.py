"""`pack build`, `pack list`, `pack show`, `pack verify`: replay packs."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.core.settings import Settings
from engine.verbs import output

if TYPE_CHECKING:
    from engine.core.bars import BarSeries
    from engine.core.chains import ChainSeries
    from engine.packs.pack import Pack


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("pack", help="build, list, show and verify replay packs")
    verbs = parser.add_subparsers(dest="action", required=True)

    build = verbs.add_parser("build", help="bars of a window out of the market store, under one hash")
    build.add_argument("--symbols", type=_words, required=True, metavar="A,B", help="such as SPY,QQQ")
    build.add_argument("--timeframes", type=_words, default=["1min"], metavar="A,B", help="default 1min")
    build.add_argument("--start", type=_date, required=True, metavar="DATE", help="first session date")
    build.add_argument("--end", type=_date, required=True, metavar="DATE", help="last session date")
    build.add_argument("--source", metavar="NAME", help="where several sources have the symbols")
    build.add_argument(
        "--warmup", type=_count, default=0, metavar="N", help="bars wanted before the start (default 0)"
    )
    build.add_argument("--chains", action="store_true", help="the symbols' option chains too")
    build.add_argument(
        "--max-days", type=_count, metavar="N", help="of chains: contracts to N calendar days (default: all)"
    )
    build.add_argument(
        "--width",
        type=_percent,
        metavar="PCT",
        help="of chains: strikes up to PCT %% away from the underlying",
    )
    _finish(build, build_one)

    _finish(verbs.add_parser("list", help="the packs of this workspace"), list_all)
    for name, handler, text in (
        ("show", show, "what is in a pack"),
        ("verify", verify, "recompute a pack's hash from its files"),
    ):
        sub = verbs.add_parser(name, help=text)
        sub.add_argument("hash", metavar="HASH", help="its first letters will do (6 or more)")
        _finish(sub, handler)


def _finish(parser: argparse.ArgumentParser, handler: Any) -> None:
    output.add_json_flag(parser)
    parser.set_defaults(handler=handler)


def build_one(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: as `pack show`."""
    from engine.data.readers import source_for
    from engine.packs.build import build_pack
    from engine.packs.pack import ChainRequest

    if not args.chains and (args.max_days is not None or args.width is not None):
        raise BadInput("--max-days and --width: for chains only. Add --chains, or leave them out.")
    chains = [
        ChainRequest(symbol, args.timeframes[0], args.max_days, args.width)
        for symbol in args.symbols
        if args.chains
    ]
    requests = [(symbol, timeframe) for symbol in args.symbols for timeframe in args.timeframes]
    pack = build_pack(
        settings,
        source=args.source or source_for(settings, args.symbols),
        requests=requests,
        window_start=args.start,
        window_end=args.end,
        warmup_bars=dict.fromkeys(requests, args.warmup),
        chains=chains,
        progress=output.progress,
    )
    _tell(pack, as_json=args.json)


def list_all(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"packs": [{hash, source, synthetic, window, series, chains, dividends, rolls}]}, the last two counted."""
    from engine.packs.disk import list_packs

    found = [
        {
            **{name: manifest[name] for name in ("hash", "source", "synthetic", "window")},
            "series": [f"{one['symbol']} {one['timeframe']}" for one in manifest["series"]],
            "dividends": len(manifest["dividends"]),
            "rolls": len(manifest["rolls"]),
            "chains": [f"{one['symbol']} {one['timeframe']}" for one in manifest.get("chains", ())],
        }
        for manifest in list_packs(settings)
    ]
    if args.json:
        output.print_json({"packs": found})
    elif not found:
        output.progress("No packs yet. Build one with `pack build`; runs and sweeps build what they need.")
    else:
        rows = [(one["hash"][:12], one["source"], *one["window"], _listed(one)) for one in found]
        output.print_table(("hash", "source", "start", "end", "series"), rows)


def show(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: hash, source, synthetic, window, series, dividends, rolls, chains, rates, ex_dividends, notes.

    rates: null, or {name, day, rate} with days since 1970 and continuous fractions; ex_dividends: of chains, by symbol.
    """
    from engine.packs.disk import load_pack

    _tell(load_pack(settings, args.hash), as_json=args.json)


def verify(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: hash, found, sound, problems. Exit code 1 when the pack is not sound."""
    from engine.packs.verify import verify_pack

    result = verify_pack(settings, args.hash)
    if args.json:
        output.print_json(
            {
                "hash": result.expected,
                "found": result.found or None,
                "sound": result.is_sound,
                "problems": result.problems,
            }
        )
    elif result.is_sound:
        print(f"{result.expected[:12]}: sound, its values hash to its name")
    for problem in () if args.json else result.problems:
        print(f"{result.expected[:12]}: {problem}")
    return 0 if result.is_sound else 1


def _tell(pack: Pack, *, as_json: bool) -> None:
    from engine.packs.carry import plain_dividends, plain_rates

    if as_json:
        output.print_json(
            {
                "hash": pack.hash,
                "source": pack.source,
                "synthetic": pack.is_synthetic,
                "window": [pack.window_start, pack.window_end],
                "series": [_describe(pack, one) for one in pack.series.values()],
                "dividends": [one._asdict() for one in pack.dividends],
                "rolls": [one._asdict() for one in pack.rolls],
                "chains": [_describe_chain(one) for one in pack.chains.values()],
                "rates": None if pack.rates is None else plain_rates(pack.rates),
                "ex_dividends": plain_dividends(pack.ex_dividends),
                "notes": pack.notes,
            }
        )
        return
    print(f"{pack.hash}\n{pack.label}, {pack.window_start} to {pack.window_end}")
    header = ("symbol", "kind", "timeframe", "first", "sessions", "warm-up", "bars", "rows")
    lines = [_describe(pack, one) for one in pack.series.values()]
    names = ("symbol", "kind", "timeframe", "first", "sessions", "warmup_rows", "bars", "rows")
    output.print_table(header, [[line[name] for name in names] for line in lines])
    for chain in map(_describe_chain, pack.chains.values()):
        held = f"{chain['sessions_with_chains']:,} of {chain['sessions']:,} sessions"
        print(
            f"{chain['symbol']} options {chain['timeframe']}: {held}, {chain['contracts']:,} contracts in all"
        )
    for roll in pack.rolls:
        print(f"roll {roll.from_contract} to {roll.to_contract} on {roll.session_date}, gap {roll.gap:g}")
    if pack.dividends:
        print(f"{len(pack.dividends)} dividends")
    for symbol, paid in pack.ex_dividends.items():
        print(f"{symbol}: {len(paid.ex_day)} dividends and {len(paid.split_day)} splits from a year before on")
    for note in pack.notes:
        print(note)


def _describe(pack: Pack, series: BarSeries) -> dict[str, Any]:
    """first: session date of the first warm-up session; bars are scheduled, rows exist."""
    from engine.core.sessions import day_number, day_of

    held, dates = series.has_row, series.sessions.date[series.session]
    return {
        "symbol": series.symbol,
        "kind": series.kind,
        "timeframe": series.timeframe,
        "first": day_of(series.sessions.date[0]),
        "sessions": len(series.sessions),
        "bars": len(series),
        "rows": int(held.sum()),
        "warmup_rows": int((held & (dates < day_number(pack.window_start))).sum()),
    }


def _describe_chain(chain: ChainSeries) -> dict[str, Any]:
    """contracts: of all sessions together, each counted once a session."""
    held = chain.by_session.values()
    return {
        "symbol": chain.symbol,
        "timeframe": chain.timeframe,
        "sessions": len(chain.sessions),
        "sessions_with_chains": len(held),
        "contracts": sum(len(one.contracts) for one in held),
        "has_quotes": chain.has_quotes,
    }


def _listed(one: dict[str, Any]) -> str:
    return ", ".join([*one["series"], *(f"{chain} options" for chain in one["chains"])])


def _percent(text: str) -> float:
    try:
        share = float(text) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; write percent above 0, up to 500")
    return share


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError("an empty list; write names with commas between them")
    return words


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2023-08-01") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; allowed: 0 to 1000000")
    return int(text)
