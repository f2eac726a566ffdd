"""`data import`, `data list`, `data coverage`, `data gaps`, `data compare`, `data export`, `data demo`."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.core.settings import Settings
from engine.verbs import data_calls, data_coverage, data_export, data_health, data_preview, output

if TYPE_CHECKING:
    from engine.data.catalog import Series
    from engine.data.importers import ImportReport, SeriesReport
    from engine.data.streams import Meter

FORMATS = ("lean", "polygon", "eod-options", "parquet", "csv", "calls")
REPORT_EVERY_S = 1.0


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser(
        "data",
        help="import market data and trade calls; list; coverage, gaps, health; export; the demo market",
    )
    verbs = parser.add_subparsers(dest="action", required=True)
    _add_import(
        verbs.add_parser("import", help="a file or folder into the market store, whole or not at all")
    )

    listing = verbs.add_parser("list", help="what the store holds: source, symbol, kind, timeframe")
    _add_filters(listing)
    listing.add_argument(
        "--rebuild", action="store_true", help="derive the catalogs from the stored files anew"
    )
    listing.set_defaults(handler=list_series)

    data_coverage.add_parsers(verbs, _add_filters, _chosen)
    data_health.add_parsers(verbs, _add_filters, _chosen)

    data_calls.add_parser(verbs.add_parser("calls", help="sets of trade calls, and one of them row by row"))

    data_export.add_parser(
        verbs.add_parser("export", help="the whole workspace as one DuckDB file, for analysts")
    )

    demo = verbs.add_parser(
        "demo", help="make the demo market (source SYNTHETIC): SPY, QQQ, AMD, EURUSD, XAUUSD"
    )
    demo.add_argument("--quick", action="store_true", help="10 sessions of minutes in place of 120")
    output.add_json_flag(demo)
    demo.set_defaults(handler=make_demo)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument(
        "path", type=Path, help="a file, or a folder of them; of parquet also a path template or a spec"
    )
    parser.add_argument(
        "--symbols", type=_words, metavar="A,B", help="only these (exact names); default: all"
    )
    parser.add_argument("--source", metavar="NAME", help="name in the store; default: the format")
    csv = parser.add_argument_group("of csv and parquet; --map, --tz and --time-format of calls too")
    csv.add_argument("--map", type=_pairs, metavar="open=o,...", help="field=column where the names differ")
    csv.add_argument("--tz", metavar="ZONE", help="zone of times without an offset, such as America/New_York")
    csv.add_argument(
        "--symbol", metavar="NAME", help="of all rows, where no column says it (eod-options too: OptionsDX)"
    )
    csv.add_argument(
        "--kind",
        help="equity (default), forex, cfd, future or index; option (parquet, by its folder's name too)",
    )
    csv.add_argument("--timeframe", help="1min (default), 5min, 15min, 30min, 1h or 1D")
    csv.add_argument(
        "--time-unit", metavar="UNIT", help="s, ms, us or ns, where times are numbers since 1970"
    )
    csv.add_argument(
        "--time-format", metavar="FORMAT", help="of times that are not ISO, such as %%d.%%m.%%Y %%H:%%M"
    )
    csv.add_argument(
        "--spec", metavar="SPEC", help="parquet: the spec whose data.columns and data.tz say how to read it"
    )
    parser.add_argument("--preview", action="store_true", help="say what it would bring; store nothing")
    output.add_json_flag(parser)
    parser.set_defaults(handler=import_data)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", metavar="NAME", help="only this source")
    parser.add_argument("--symbols", type=_words, metavar="A,B", help="only these symbols")
    output.add_json_flag(parser)


def import_data(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: source, n_files, n_rows, n_new, n_replaced, skipped, crossed, quotes, future, expired, series; --preview
    and calls say theirs."""
    from engine.core.condition_words import listing
    from engine.data.importers import ImportCancelled, import_path

    if args.format == "calls":
        return data_calls.import_calls(args, settings)
    names = ("map", "tz", "symbol", "kind", "timeframe", "time_unit", "time_format", "spec")
    options = {name: value for name in names if (value := getattr(args, name)) is not None}
    taken = {
        "csv": names[:-1],
        "parquet": (*names[:-2], "spec"),
        "eod-options": ("symbol",),
        "calls": data_calls.TAKEN,
    }
    if stray := [name for name in options if name not in taken.get(args.format, ())]:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in stray)
        whose = listing([one for one, names_of in taken.items() if stray[0] in names_of])
        raise BadInput(f"{flags}: for {whose} only; {args.format} files say it themselves. Leave them out.")
    if args.preview:
        return data_preview.show(args, settings, options)
    with _interrupts() as interrupted:
        try:
            report = import_path(
                settings,
                args.format,
                args.path,
                symbols=args.symbols,
                source=args.source,
                options=options,
                progress=_progress(),
                cancelled=interrupted.is_set,
                now=dt.datetime.now(dt.UTC),
            )
        except ImportCancelled:
            raise KeyboardInterrupt from None
    _tell(report)
    if args.json:
        output.print_json({**asdict(report), "series": [_plain(one) for one in report.series]})
    return 0


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, and the import ends at its next look: an exception could be lost inside a library.

    A second Ctrl-C does not wait for the look.
    """
    interrupted = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    if threading.current_thread() is not threading.main_thread():  # only the main thread may listen
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(report: ImportReport) -> None:
    """One line a series, then the sums, on stderr."""
    for one in report.series:
        bars = "quotes" if one.quotes else "bars"
        replaced = f", {one.n_replaced:,} replaced" if one.n_replaced else ""
        span = f"{one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}"
        output.progress(
            f"{one.symbol} {one.kind} {one.timeframe} {bars}: {one.n_rows:,} rows, {one.n_new:,} new{replaced}, {span}"
        )
    for symbol, n in report.crossed.items():
        output.progress(f"{symbol}: {n:,} bars with a bid above the ask, kept as they are")
    for symbol, n in report.future.items():
        output.progress(f"{symbol}: {n:,} rows lie in the future, kept as they are; look at their dates")
    for symbol, n in report.expired.items():
        output.progress(
            f"{symbol} options: {n:,} rows lie after their contract's last day, kept as they are and never traded"
        )
    for symbol, counts in report.quotes.items():
        told = ", ".join(
            f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n and name != "rows"
        )
        output.progress(f"{symbol} options: of {counts['rows']:,} rows with quotes {told}; all are kept")
    for what in report.skipped:
        output.progress(f"left out: {what}")
    output.progress(
        f"{report.source}: {report.n_files:,} files, {report.n_rows:,} rows, {report.n_new:,} new"
    )


def list_series(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: {"series": [{source, symbol, kind, timeframe, quotes, first, last, n_rows, n_sessions, n_contracts,
    n_two_sided}], "rates": [{source, name, first, last, n_changes}]}; the last two numbers of options."""
    from engine.data import catalog, partitions

    if args.rebuild:
        for name in [args.source] if args.source else partitions.sources(settings):
            catalog.rebuild(settings, name)
    found, rates = _chosen(args, settings), _rates(args, settings)
    if args.json:
        output.print_json({"series": [_plain(one) for one in found], "rates": rates})
        return
    for one in rates:
        output.progress("rates {name} of {source}: {n_changes:,} changes, {first} to {last}".format(**one))
    if not found:
        output.progress(
            "The market store is empty. Make the demo market with `data demo` or import with `data import`."
        )
        return
    rows = [
        (
            s.source,
            s.symbol,
            s.kind,
            s.timeframe + (" quotes" if s.quotes else ""),
            *_span(s),
            s.n_rows,
            s.n_sessions,
            *_of_chain(s),
        )
        for s in found
    ]
    header = ("source", "symbol", "kind", "timeframe", "first", "last", "rows", "sessions")
    if any(s.kind == "option" for s in found):
        output.print_table((*header, "contracts", "two-sided %"), rows)
    else:
        output.print_table(header, [row[: len(header)] for row in rows])


def _rates(args: argparse.Namespace, settings: Settings) -> list[dict[str, Any]]:
    """Interest rates of the store, or of one source; symbols do not filter them."""
    from engine.core.sessions import day_of
    from engine.data.rates import sources_with_rates, stored_rates

    return [
        {
            "source": source, "name": one.name, "n_changes": len(one.day),
            "first": str(day_of(one.day[0])), "last": str(day_of(one.day[-1])),
        }
        for source in sources_with_rates(settings)
        if args.source in (None, source)
        for one in stored_rates(settings, source)
    ]  # fmt: skip


def _of_chain(one: Series) -> tuple[Any, Any]:
    """Contracts a session, and the share of rows that bring both bid and ask; nothing for bars."""
    if one.kind != "option":
        return None, None
    share = output.percent(one.n_two_sided / one.n_rows) if one.n_two_sided else None
    return round(one.n_contracts / one.n_sessions, 1), share


def _chosen(args: argparse.Namespace, settings: Settings) -> list[Series]:
    """Series of the store that the filters leave; BadInput naming what is there for a symbol that is not."""
    from engine.data import catalog

    found = catalog.series(settings, args.source)
    if args.source and not found and (all_of := catalog.series(settings)):
        there = ", ".join(sorted({one.source for one in all_of}))
        raise BadInput(f"--source {args.source}: not in the store. There are: {there}.")
    absent = sorted(set(args.symbols or ()) - {one.symbol for one in found})
    if absent:
        there = ", ".join(sorted({one.symbol for one in found})[:40]) or "none"
        raise BadInput(
            f"{', '.join(absent)}: not in the store. There are: {there}. Add some with `data import`."
        )
    return [one for one in found if args.symbols is None or one.symbol in args.symbols]


def make_demo(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: source, symbols, first, last, n_sessions, n_minutes, n_days, n_quotes, pairs, n_calls."""
    from engine.packs import synthetic

    demo = synthetic.make_demo(settings, quick=args.quick, progress=output.progress)
    if args.json:
        output.print_json({"source": "SYNTHETIC", **asdict(demo)})
        return
    print(
        f"SYNTHETIC: {', '.join(demo.symbols)}, {demo.n_sessions} sessions of minutes from {demo.first} "
        f"to {demo.last}, and {demo.n_quotes:,} quotes of their options; {' and '.join(demo.pairs)} by bid and ask, "
        f"and {demo.n_calls:,} trade calls on them. Made up, for trying things out."
    )


def _progress() -> Callable[[Meter], None]:
    """A line on stderr, once a second at most."""
    last = time.monotonic()

    def tell(meter: Meter) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_EVERY_S:
            last = now
            done, total = (meter.n_parts_done, meter.n_parts) if meter.n_parts else (meter.done, meter.total)
            share = f"{100 * done / total:.0f} %  " if total else ""
            output.progress(f"{share}{meter.note}")

    return tell


def _plain(one: Series | SeriesReport) -> dict[str, Any]:
    return {**asdict(one), "first": one.first.isoformat(), "last": one.last.isoformat()}


def _span(one: Series) -> tuple[str, str]:
    return f"{one.first:%Y-%m-%d %H:%M}", f"{one.last:%Y-%m-%d %H:%M}"


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _pairs(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in _words(text)]
    if not all(field and column for field, _, column in pairs):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a mapping; write field=column pairs such as open=o,high=h"
        )
    return {field.strip(): column.strip() for field, _, column in pairs}
