"""`data health` and `data uptime`: is what the store holds fit for use, and how much of it is there when?"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import data_coverage, output

if TYPE_CHECKING:
    import polars as pl

    from engine.data.catalog import Series
    from engine.data.health import Health

_HEADER = (
    "source",
    "series",
    "timeframe",
    "last",
    "age",
    "sessions",
    "with rows",
    "there %",
    "gaps",
    "longest",
)
_FLAGS = {
    "one_sided": "one-sided",
    "crossed": "crossed",
    "zero": "zero",
    "stale": "stale",
    "out_of_session": "outside",
    "expired": "expired",
}

_OF_SIDES = ("one_sided", "crossed")


def add_parsers(
    verbs: Any,
    add_filters: Callable[[argparse.ArgumentParser], None],
    choose: data_coverage.Chooser,
) -> None:
    """The two parsers, below `data`; `choose` gives the stored series that the filters leave."""
    health = verbs.add_parser("health", help="remarkable rows, age, gaps, and a verdict with its reasons")
    health.set_defaults(handler=show_health)
    uptime = verbs.add_parser("uptime", help="share of scheduled bars that is there, session by session")
    uptime.add_argument(
        "--worst",
        type=data_coverage.count,
        default=10,
        metavar="N",
        help="sessions shown of each (default 10)",
    )
    uptime.set_defaults(handler=show_uptime)
    for parser in (health, uptime):
        data_coverage.add_choice(parser, add_filters, choose)


def show_health(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"series": [{source, symbol, kind, timeframe, first, last, age_sessions, ..., verdict, reasons}]}."""
    from engine.data.health import health

    today = dt.datetime.now(dt.UTC).date()
    found = [
        one
        for _, one in data_coverage.each(
            args, settings, lambda series: health(settings, series, today, args.first, args.last)
        )
    ]
    if args.json:
        output.print_json({"series": [asdict(one) for one in found]})
        return
    output.print_table((*_HEADER, *_FLAGS.values(), "verdict"), [_row(one) for one in found])
    for one in found:
        for reason in one.reasons:
            output.progress(
                f"{one.source} {data_coverage.name_of(one)} {one.timeframe}, {one.verdict}: {reason}"
            )


def _row(one: Health) -> tuple[Any, ...]:
    return (
        one.source,
        data_coverage.name_of(one),
        one.timeframe,
        str(one.last),
        one.age_sessions,
        one.n_sessions,
        one.n_sessions_with_rows,
        output.percent(one.share),
        one.n_gaps,
        one.longest_gap,
        *(one.flags[name] if _says(name, one) else None for name in _FLAGS),
        one.verdict,
    )


def _says(flag: str, one: Health) -> bool:
    """Sides say nothing where nothing is quoted, expirations nothing of bars."""
    return one.kind == "option" if flag == "expired" else flag not in _OF_SIDES or one.n_quotes > 0


def show_uptime(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"series": [{source, symbol, kind, timeframe, share, n_sessions, sessions: [{date, there, ...}]}]}."""
    from engine.data.uptime import overall, uptime

    found = list(
        data_coverage.each(args, settings, lambda series: uptime(settings, series, args.first, args.last))
    )
    if args.json:
        told = [
            {**data_coverage.identity(one), "share": overall(table), "n_sessions": len(table),
             "sessions": table.to_dicts()}
            for one, table in found
        ]  # fmt: skip
        output.print_json({"series": told})
        return
    for one, table in found:
        _tell(one, table, overall(table), args.worst)


def _tell(one: Series, table: pl.DataFrame, share: float, worst: int) -> None:
    """One line for all, then the sessions with the least, in order of time."""
    n_whole = int((table["share"] >= 1.0).sum())
    print(
        f"{one.source} {data_coverage.name_of(one)} {one.timeframe}: {output.percent(share)} % of "
        f"{int(table['expected'].sum()):,} {_unit(one, table)}, {n_whole:,} of {len(table):,} sessions whole"
    )
    low = table.filter(table["share"] < 1.0).sort("share", "date").head(worst).sort("date")
    if low.is_empty():
        return
    rows = [
        (str(row["date"]), row["there"], row["expected"], output.percent(row["share"]), *_of_chain(row))
        for row in low.iter_rows(named=True)
    ]
    chain = ("contracts", "any contract %") if "contracts" in table.columns else ()
    output.print_table(("session", "there", "of", "%", *chain), rows)


def _of_chain(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["contracts"], output.percent(row["quoted"])) if "contracts" in row else ()


def _unit(one: Series, table: pl.DataFrame) -> str:
    if one.kind != "option":
        return "scheduled bars"
    return (
        "contracts' bars with a standing quote"
        if one.quotes or one.n_two_sided
        else "scheduled bars with a print"
    )
