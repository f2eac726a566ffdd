"""The command line: the table of verbs, and the boundary where errors become one line and an exit code.

Only the module of the verb asked for is imported, so that every start is light.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from engine import __version__
from engine.core.errors import ArgusError, BadInput
from engine.core.settings import Settings, load_settings

# group -> verb -> (module in engine/verbs, what it does)
VERBS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "up": ("up", "set up on first use and serve the app on http://127.0.0.1:8501"),
        "test": ("test", "set up and run the test suite (further words go to pytest)"),
        "verify": ("verify", "check the health of this installation"),
    },
    "Market data": {
        "data": ("data", "import market data and trade calls; list; coverage, gaps, health; export; the demo market"),
        "pack": ("pack", "build, list, show and verify replay packs"),
    },
    "Strategies": {
        "spec": ("spec", "check, show and save strategy specs; their JSON Schema"),
        "run": ("run", "one backtest with all its artifacts"),
        "sweep": ("sweep", "a grid of parameters, ranked"),
        "runs": ("runs", "list and show runs"),
    },
    "Work": {
        "worker": ("worker", "do queued jobs; `up` starts two of these"),
    },
    "Trust": {
        "parity": ("parity", "one spec through several engines, compared trade by trade"),
        "lookahead": ("parity", "prove that a spec does not see the future"),
        "bench": ("bench", "speed against other libraries"),
    },
}

USAGE = "python -m engine VERB [ARGS]"


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line: what was wrong, what is allowed, what to do."""

    def __init__(self, **options) -> None:  # type: ignore[no-untyped-def]
        options.setdefault("allow_abbrev", False)  # scripts rely on full names
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}. Run `{self.prog} --help` for what is allowed.")

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Refuse a missing or mistyped word below a verb (`data lsit`) by the words that there are."""
        below = next((a for a in self._actions if isinstance(a, argparse._SubParsersAction)), None)
        given = [word for word in args or () if not word.startswith("-")]
        wants_help = {"-h", "--help"}.intersection(args or ())
        if below is not None and not wants_help and (not given or given[0] not in below.choices):
            raise BadInput(f"{_unknown(self.prog, given, list(below.choices))} Run `{self.prog} --help`.")
        return super().parse_known_args(args, namespace)


def _unknown(prog: str, given: list[str], known: list[str]) -> str:
    """What is wrong with the word after `prog`, and the words there are."""
    verb = prog.rpartition(" ")[2]
    if not given:
        return f"{verb}: say what to do. Verbs: {', '.join(known)}."
    near = difflib.get_close_matches(given[0], known, n=1)
    hint = f" Did you mean {verb} {near[0]}?" if near else ""
    return f"{verb} {given[0]}: no such verb.{hint} Verbs: {', '.join(known)}."


def main(argv: list[str]) -> int:
    """Run one verb; the exit code is 0, 1 (failed), 2 (bad input) or 130 (interrupted)."""
    settings = load_settings()
    try:
        code = _dispatch(argv, settings)
        sys.stdout.flush()
        return code
    except ArgusError as error:
        _complain(" ".join(str(error).split()))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader (`| head`) has gone: nobody is left to tell. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        unusable = _unusable_home(error, settings)
        _complain(unusable or _unexpected(error, argv, settings))
        return 2 if unusable else 1
    except Exception as error:
        _complain(_unexpected(error, argv, settings))
        return 1


def _dispatch(argv: list[str], settings: Settings) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(overview())
        return 0
    if argv[0] == "--version":
        print(__version__)
        return 0
    verb = importlib.import_module(f"engine.verbs.{_module_of(argv[0])}")
    if hasattr(verb, "pass_through"):  # a verb whose arguments belong to another program
        return int(verb.pass_through(argv[1:], settings))
    parser = Parser(prog="python -m engine")
    verb.add_arguments(parser.add_subparsers(dest="verb", required=True))
    args, more = parser.parse_known_args(argv)
    if more:
        parser.prog = f"{parser.prog} {argv[0]}"
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    return int(args.handler(args, settings) or 0)


def _module_of(name: str) -> str:
    known = {verb: module for group in _built().values() for verb, (module, _) in group.items()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise BadInput(f"{name}: no such verb.{hint} Verbs: {', '.join(known)}. Run `python -m engine --help`.")


def _built() -> dict[str, dict[str, tuple[str, str]]]:
    """The table without verbs whose module has not come yet."""
    here = Path(__file__).with_name("verbs")
    groups = {
        group: {verb: row for verb, row in verbs.items() if (here / f"{row[0]}.py").exists()}
        for group, verbs in VERBS.items()
    }
    return {group: verbs for group, verbs in groups.items() if verbs}


def overview() -> str:
    """The help of the whole command line."""
    lines = [f"usage: {USAGE}", "", "Argus, a research desk for systematic traders."]
    for group, verbs in _built().items():
        lines += ["", f"{group}:", *(f"  {verb:<10} {does}" for verb, (_, does) in verbs.items())]
    lines += ["", "`python -m engine VERB --help` tells more of a verb. --json prints one JSON object on stdout."]
    lines += ["ARGUS_HOME moves the workspace (default: data/ in the checkout)."]
    return "\n".join(lines)


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _unusable_home(error: OSError, settings: Settings) -> str | None:
    """The line for a workspace that is no folder or cannot be made or written; None for any other fault."""
    refused = (NotADirectoryError, PermissionError, FileExistsError, FileNotFoundError)
    if not isinstance(error, refused) or not isinstance(error.filename, str):
        return None
    at, home = Path(error.filename), settings.home
    made = home.is_dir() and os.access(home, os.W_OK)
    if made or not (at == home or home in at.parents or at in home.parents):
        return None
    reason = error.strerror or type(error).__name__
    return f"{home}: cannot be the workspace ({reason}). Make it a writable folder, or name another by ARGUS_HOME."


def _unexpected(error: Exception, argv: list[str], settings: Settings) -> str:
    """Write the traceback to the workspace's logs and return the line that says so."""
    first = (str(error).splitlines() or [""])[0]
    at = datetime.now(UTC)
    text = f"{at.isoformat()} python -m engine {' '.join(argv)}\n{traceback.format_exc()}"
    for folder in (settings.logs, Path(tempfile.gettempdir())):
        path = folder / f"error-{at:%Y%m%dT%H%M%S}-{os.getpid()}.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"Unexpected {type(error).__name__}: {first} (a fault of Argus; the details are in {path})"
    return f"Unexpected {type(error).__name__}: {first} (a fault of Argus; no log could be written)"
