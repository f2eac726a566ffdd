"""`data coverage` and `data gaps`: stored series against the sessions of their exchange."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.errors import BadInput, DataError
from engine.core.settings import Settings
from engine.core.timeframes import TIMEFRAMES
from engine.verbs import data_chains, output

if TYPE_CHECKING:
    from engine.data.catalog import Series
    from engine.data.coverage import Coverage, Gap
    from engine.data.health import Health

Chooser = Callable[[argparse.Namespace, Settings], "list[Series]"]
T = TypeVar("T")


def add_parsers(verbs: Any, add_filters: Callable[[argparse.ArgumentParser], None], choose: Chooser) -> None:
    """The two parsers, below `data`; `choose` gives the stored series that the filters leave."""
    coverage = verbs.add_parser("coverage", help="how much of what the exchange's sessions schedule is there")
    coverage.set_defaults(handler=show_coverage)
    gaps = verbs.add_parser("gaps", help="stretches of scheduled bars without a row")
    gaps.add_argument(
        "--at-least", type=count, default=1, metavar="N", help="bars missing in a row (default 1)"
    )
    gaps.add_argument(
        "--limit", type=count, default=20, help="the longest so many of each series (default 20)"
    )
    gaps.set_defaults(handler=show_gaps)
    for parser in (coverage, gaps):
        add_choice(parser, add_filters, choose)
    data_chains.add_parser(
        verbs.add_parser(
            "compare", help="two sources' options of the same underlying: prices, volatility, gaps"
        ),
        _date,
    )


def add_choice(
    parser: argparse.ArgumentParser, add_filters: Callable[[argparse.ArgumentParser], None], choose: Chooser
) -> None:
    """Which series and which session dates."""
    add_filters(parser)
    parser.add_argument("--timeframe", choices=TIMEFRAMES, metavar="T", help=", ".join(TIMEFRAMES))
    parser.add_argument(
        "--from", dest="first", metavar="DATE", type=_date, help="first session date, as 2013-10-04"
    )
    parser.add_argument("--to", dest="last", metavar="DATE", type=_date, help="last session date")
    parser.set_defaults(choose=choose)


def show_coverage(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"series": [{source, symbol, kind, timeframe, calendar, first, last, n_sessions, ...}], "chains"}."""
    from engine.data.coverage import coverage

    chains = data_chains.covered(args, settings)

    found: list[Coverage] = [
        one
        for _, one in each(
            args,
            settings,
            lambda s: coverage(settings, s.source, s.symbol, s.timeframe, args.first, args.last, s.kind),
        )
    ]
    if args.json:
        output.print_json(
            {"series": [_plain(one) for one in found], "chains": [data_chains.plain(one) for one in chains]}
        )
        return
    header = (
        "source",
        "symbol",
        "timeframe",
        "first",
        "last",
        "sessions",
        "with rows",
        "bars",
        "of",
        "%",
        "outside",
    )
    rows = [
        (
            c.source,
            name_of(c),
            c.timeframe,
            str(c.first),
            str(c.last),
            c.n_sessions,
            c.n_sessions_with_rows,
            c.n_rows,
        )
        + (c.n_expected, output.percent(c.share), c.outside_rows)
        for c in found
    ]
    if rows:
        output.print_table(header, rows)
    if chains:
        data_chains.print_coverage(chains)


def show_gaps(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"series": [{source, symbol, kind, timeframe, n_gaps, gaps: the longest, in order of time}]}."""
    from engine.data.coverage import gaps

    found: list[tuple[Series, list[Gap]]] = list(
        each(
            args,
            settings,
            lambda s: gaps(
                settings, s.source, s.symbol, s.timeframe, args.first, args.last, s.kind, args.at_least
            ),
        )
    )
    longest = [(series, _longest(all_gaps, args.limit), len(all_gaps)) for series, all_gaps in found]
    if args.json:
        series = [
            {**identity(s), "n_gaps": n, "gaps": [_plain_gap(g) for g in shown]} for s, shown, n in longest
        ]
        output.print_json({"series": series})
        return
    rows = [
        (s.source, name_of(s), s.timeframe, _moment(g.start_ns), _moment(g.end_ns), g.n_bars, g.n_sessions)
        for s, shown, _ in longest
        for g in shown
    ]
    if rows:
        output.print_table(
            ("source", "symbol", "timeframe", "from (UTC)", "to", "bars", "whole sessions"), rows
        )
    else:
        output.progress("No gaps." if args.at_least == 1 else f"No gaps of {args.at_least:,} bars or more.")
    for s, shown, n in longest:
        if n > len(shown):
            output.progress(
                f"{name_of(s)} {s.timeframe}: the {len(shown)} longest of {n:,} gaps; --limit shows more"
            )


def each(
    args: argparse.Namespace, settings: Settings, ask: Callable[[Series], T]
) -> Iterator[tuple[Series, T]]:
    """What `ask` says of each chosen series that reaches the dates; the others are told. One that cannot be asked is an
    error only if it was named."""
    from engine.data.chain_coverage import chains_of

    chains = chains_of(settings, args.source)
    chosen = [
        s
        for s in args.choose(args, settings)
        if (s in chains if s.kind == "option" else not s.quotes) and args.timeframe in (None, s.timeframe)
    ]
    if not chosen:
        raise BadInput(
            "no such series in the market store. `data list` shows what there is; `data import` adds some, "
            "`data demo` made-up ones."
        )
    for series in _reaching(args, chosen):
        try:
            yield series, ask(series)
        except DataError as error:
            if args.symbols is not None:
                raise
            output.progress(str(error))


def _reaching(args: argparse.Namespace, chosen: Sequence[Series]) -> list[Series]:
    """Those with days between --from and --to. BadInput where none is left."""
    from engine.data.coverage import meets, span_of

    found, left = [], []
    for one in chosen:
        try:
            if meets(one, args.first, args.last):
                found.append(one)
                continue
            low, high = span_of(one)
            left.append(f"{one.source} {one.symbol} {one.kind} {one.timeframe} has {low} to {high}")
        except DataError:
            found.append(one)  # whoever asks it says what is wrong
    dates = " ".join(
        f"{name} {day}" for name, day in (("--from", args.first), ("--to", args.last)) if day is not None
    )
    if not found:
        more = f", and {len(left) - 3} more" if len(left) > 3 else ""
        raise BadInput(f"{dates}: no session to look at. {'; '.join(left[:3])}{more}. Choose other dates.")
    for told in left:
        output.progress(f"left out, {dates}: {told}")
    return found


def _longest(found: Sequence[Gap], limit: int) -> list[Gap]:
    kept = sorted(found, key=lambda gap: -gap.n_bars)[:limit]
    return sorted(kept, key=lambda gap: gap.start_ns)


def name_of(one: Series | Coverage | Health) -> str:
    """What lines for people call a series: options are told from their underlying's shares."""
    return f"{one.symbol} options" if one.kind == "option" else one.symbol


def identity(one: Series | Coverage) -> dict[str, Any]:
    return {"source": one.source, "symbol": one.symbol, "kind": one.kind, "timeframe": one.timeframe}


def _plain(one: Coverage) -> dict[str, Any]:
    names = (
        "calendar",
        "first",
        "last",
        "n_sessions",
        "n_sessions_with_rows",
        "n_expected",
        "n_rows",
        "share",
    )
    return {
        **identity(one),
        **{name: getattr(one, name) for name in names},
        "outside_rows": one.outside_rows,
    }


def _plain_gap(gap: Gap) -> dict[str, Any]:
    start, end = _moment(gap.start_ns), _moment(gap.end_ns)
    return {"start": f"{start}Z", "end": f"{end}Z", "n_bars": gap.n_bars, "n_sessions": gap.n_sessions}


def _moment(ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(ns / 1e9, tz=dt.UTC):%Y-%m-%dT%H:%M}"


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2013-10-04") from None
