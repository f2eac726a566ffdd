"""`data export duckdb FILE`: bars, chains, runs, trades, equity, sweeps and their results in one file."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine.core.settings import Settings
from engine.verbs import output

FORMATS = ("duckdb",)
REPORT_EVERY_S = 1.0


def add_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="such as argus.duckdb; written whole or not at all"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    parser.add_argument("--source", metavar="NAME", help="bars and chains of this source only")
    parser.add_argument("--symbols", type=_words, metavar="A,B", help="bars and chains of these symbols only")
    parser.add_argument(
        "--no-bars", action="store_true", help="leave bars and chains out: runs and sweeps alone"
    )
    parser.add_argument("--no-options", action="store_true", help="leave the option chains out")
    output.add_json_flag(parser)
    parser.set_defaults(handler=export)


def export(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: path, n_bytes, n_rows by table, notes."""
    from engine.report import database
    from engine.store.db import open_store

    with closing(open_store(settings)) as store:
        found = database.export(
            store,
            args.file,
            force=args.force,
            source=args.source,
            symbols=args.symbols,
            with_bars=not args.no_bars,
            with_options=not args.no_options,
            progress=_seldom(output.progress),
        )
    for note in found.notes:
        output.progress(note)
    if args.json:
        output.print_json(vars(found))
        return
    for name, n in found.n_rows.items():
        print(f"{name:14} {n:>14,}")
    print(f"{found.path}: {found.n_bytes / 1e6:,.1f} MB")


def _seldom(tell: Callable[[str], None]) -> Callable[[str], None]:
    """A line a second at most."""
    last = time.monotonic()

    def seldom(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_EVERY_S:
            last = now
            tell(line)

    return seldom


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
