"""`parity SPEC` and `lookahead SPEC`: can the engines be trusted, and can the spec?"""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import output
from engine.verbs.run import ENGINES, add_spec_arguments, spec_of

if TYPE_CHECKING:
    from engine.core.spec import StrategySpec
    from engine.packs.pack import Pack
    from engine.sim.lookahead import WarmUp
    from engine.sim.parity import Parity

QUICK_SESSIONS = {"1D": 250}
QUICK_SESSIONS_INTRADAY = 10
SHOWN = 20


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("parity", help="one spec through several engines, compared trade by trade")
    add_spec_arguments(parser)
    parser.add_argument(
        "--engines",
        metavar="A,B",
        help=f"of {', '.join(ENGINES)}; all are compared with the first "
        "(default: reference, native, and lumibot and vectorbt where they can express the spec)",
    )
    _add_common(parser, "the first 10 sessions only (250 of daily bars)")
    parser.set_defaults(handler=run_parity)
    parser = subparsers.add_parser("lookahead", help="prove that a spec does not see the future")
    add_spec_arguments(parser)
    _add_common(parser, "fewer points")
    parser.set_defaults(handler=run_lookahead)


def _add_common(parser: argparse.ArgumentParser, quick: str) -> None:
    parser.add_argument("--pack", metavar="HASH", help="a replay pack instead of one built from the store")
    parser.add_argument("--quick", action="store_true", help=quick)
    output.add_json_flag(parser)


def run_parity(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: verdict (agree, differ, unknown), n_trades, differences, engines, spec_hash, pack_hash. Exit 0: agree."""
    from engine.core.spec_text import spec_hash
    from engine.sim.inputs import pack_for
    from engine.sim.parity import DEFAULT_ENGINES, parity
    from engine.sim.simulate import prepare
    from engine.sim.simulate_options import option_run

    spec = spec_of(args)
    engines = _engines(args.engines)
    pack = pack_for(settings, spec, pack_hash=args.pack, progress=output.progress)
    if args.quick:
        pack = _first_sessions(spec, pack)
    output.progress(f"parity: {spec.name} on {pack.label}, {pack.window_start} to {pack.window_end}")
    ready = option_run(spec, pack) if spec.is_options else prepare(spec, pack)
    found = parity(ready, engines or DEFAULT_ENGINES, optional=not engines, progress=output.progress)
    if args.json:
        output.print_json({**_as_json(found), "spec_hash": spec_hash(spec), "pack_hash": pack.hash})
    else:
        _show_parity(found)
    return 0 if found.verdict == "agree" else 1


def _engines(text: str | None) -> tuple[Any, ...]:
    from engine.core.errors import BadInput

    names = tuple(name.strip() for name in text.split(",")) if text else ()
    wrong = [name for name in names if name not in ENGINES]
    if wrong or len(set(names)) != len(names) or len(names) == 1:
        raise BadInput(
            f"--engines {text}: give at least two different ones of {', '.join(ENGINES)}, such as reference,lumibot."
        )
    return names


def _first_sessions(spec: StrategySpec, pack: Pack) -> Pack:
    """The pack with its window ended early, for this comparison only."""
    from engine.core.sessions import day_of
    from engine.sim.market import build_market

    days = build_market(pack, spec.universe, spec.timeframe).days
    wanted = QUICK_SESSIONS.get(spec.timeframe, QUICK_SESSIONS_INTRADAY)
    return dataclasses.replace(pack, window_end=day_of(days[min(wanted, len(days)) - 1]))


def _as_json(found: Parity) -> dict[str, Any]:
    outcomes = found.outcomes
    return {
        "verdict": found.verdict,
        "n_trades": outcomes[0].n_trades,
        "n_unexplained": sum(len(o.unexplained) for o in outcomes),
        "n_explained": sum(len(o.differences) - len(o.unexplained) for o in outcomes),
        "compared_with": outcomes[0].engine,
        "engines": {
            o.engine: {
                "seconds": o.seconds,
                "n_trades": None if o.result is None else o.n_trades,
                "refused": o.refused or None,
                "differences": [dataclasses.asdict(d) for d in o.differences[:SHOWN]],
            }
            for o in outcomes
        },
    }


def _show_parity(found: Parity) -> None:
    rows = [
        (
            o.engine,
            None if o.result is None else o.n_trades,
            None if o.result is None else len(o.unexplained),
            None if o.result is None else len(o.differences) - len(o.unexplained),
            round(o.seconds, 2),
        )
        for o in found.outcomes
    ]
    output.print_table(("engine", "trades", "unexplained", "explained", "seconds"), rows)
    for o in found.outcomes:
        if o.refused:
            print(f"{o.engine} did not run: {o.refused}")
        for d in o.differences[:SHOWN]:
            left, right = output.show(d.left), output.show(d.right)
            why = f" (expected: {d.reason})" if d.reason else ""
            print(
                f"{o.engine}: {d.table} {d.row}, {d.field}: {left} in {found.outcomes[0].engine}, {right} here{why}"
            )
        if len(o.differences) > SHOWN:
            print(f"{o.engine}: and {len(o.differences) - SHOWN} more")
    words = {"agree": "the engines agree", "differ": "the engines differ"}
    print(f"verdict: {words.get(found.verdict, 'unknown: no trades, or no second engine to compare with')}")


def run_lookahead(args: argparse.Namespace, settings: Settings) -> int:
    """JSON: verdict (clean, look-ahead, unknown), n_points, n_trades, n_signals, findings, warm_up. Exit 0: clean."""
    from engine.core.spec_text import spec_hash
    from engine.signals.required import required_series
    from engine.sim.inputs import pack_for
    from engine.sim.lookahead import look_ahead

    spec = spec_of(args)
    pack = pack_for(settings, spec, pack_hash=args.pack, progress=output.progress)
    warmer = None
    if args.pack is None:
        doubled = {key: 2 * bars for key, bars in required_series(spec).items()}
        warmer = pack_for(settings, spec, needs=doubled)
    output.progress(f"lookahead: {spec.name} on {pack.label}, {pack.window_start} to {pack.window_end}")
    found = look_ahead(spec, pack, quick=args.quick, warmer=warmer, progress=output.progress)
    if args.json:
        tree = {"verdict": found.verdict, **dataclasses.asdict(found)}
        output.print_json({**tree, "spec_hash": spec_hash(spec), "pack_hash": pack.hash})
        return 0 if found.verdict == "clean" else 1
    print(f"{found.n_points} points, {found.n_signals} signals, {found.n_trades} trades")
    for one in found.findings[:SHOWN]:
        print(f"future {one.change} after {output.show(_instant(one.at))}: {one.what}")
    print(_warm_up_line(found.warm_up))
    words = {
        "clean": "clean: the past never changed with the future",
        "look-ahead": "this spec sees the future",
    }
    print(f"verdict: {words.get(found.verdict, 'unknown: nothing was traded')}")
    return 0 if found.verdict == "clean" else 1


def _instant(ns: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(ns // 1_000_000_000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _warm_up_line(found: WarmUp | None) -> str:
    if found is None:
        return "warm-up: not checked with a given pack"
    if not found.longer:
        return "warm-up: no earlier bars in the store to double it with"
    return (
        f"warm-up: doubled, it changes signals on {found.n_signals_changed} of {found.n_bars} bars "
        f"and {found.n_trades_changed} of {found.n_trades} trades"
    )
