"""What the Data page writes: dropped files into the inbox, and jobs for the workers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from engine.core.call_symbols import tradable
from engine.core.errors import DataError
from engine.core.settings import CHECKOUT
from engine.core.slugs import MAX_SLUG
from engine.data import inbox
from engine.data.calls import CallSet
from engine.packs.pack import SYNTHETIC
from engine.store import drafts, jobs
from pages.ui import actions, formats, guard, state

SIGNALS = CHECKOUT / "specs" / "signals.json"
IMPORT_PRIORITY = 5  # before sweeps, which need the data; after single runs


@dataclass(frozen=True)
class ImportRequest:
    """An import as the form asks for it. options: (name, value) pairs of csv; `map` as pairs of pairs."""

    format: str
    path: str
    symbols: tuple[str, ...] = ()
    source: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def payload(self) -> dict[str, Any]:
        """As the worker takes it."""
        told = {name: dict(value) if name == "map" else value for name, value in self.options}
        return {
            "format": self.format,
            "path": self.path,
            "symbols": list(self.symbols) or None,
            "source": self.source,
            **told,
        }


def keep_upload(name: str, content: bytes) -> Path:
    """Put a dropped file into the inbox; what to import. DataError for what does not belong there."""
    return inbox.keep(guard.store().settings, name, content)


def checked_path(text: str) -> str:
    """A path on the server, whole, `~` resolved. DataError where it is relative: relative to what, nobody could say."""
    text = text.strip().strip("\"'")
    if "\0" in text:
        raise DataError("the path holds a NUL. Write a path such as /data/lean.")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise DataError(f"{text[:200]}: whose home that is, is not known. Write the whole path.") from None
    if not path.is_absolute():
        raise DataError(f"{text[:200]}: not a whole path. Write it from the root on, such as /data/lean.")
    return str(path)


def start_import(request: ImportRequest) -> None:
    """Action: ask for an import; the URL names its job."""
    what = f" of {formats.listing(request.symbols)}" if request.symbols else ""
    title = f"Import{what} from {request.path} ({request.format})"
    _show(jobs.enqueue(guard.store(), "import", request.payload(), title=title, priority=IMPORT_PRIORITY))
    st.session_state.pop(state.PREVIEW, None)


def start_calls(
    path: str, name: str, tz: str | None, mapping: Sequence[tuple[str, str]], form: str | None
) -> None:
    """Action: ask for an import of trade calls; the URL names its job, and the form is empty again."""
    payload = {"path": path, "name": name, "tz": tz, "map": dict(mapping), "time_format": form}
    title = f"Import of trade calls from {Path(path).name} as {name}"
    _show(jobs.enqueue(guard.store(), "calls", payload, title=title, priority=IMPORT_PRIORITY))
    st.session_state[state.CALLS_PATH] = ""


def draft_of_calls(one: CallSet, held: Collection[str]) -> str:
    """Action: a draft of the shipped strategy Signals that trades this set; the draft's id.

    Its universe are those of the set's symbols that are held in the store, or all where none is. Made-up calls are
    traded on the prices that they were made on.
    """
    tree = json.loads(SIGNALS.read_text(encoding="utf-8"))
    there = dict.fromkeys(name for symbol in one.symbols for name in tradable(symbol) if name in held)
    universe = list(there) or list(one.symbols)
    tree |= {"name": f"Signals: {one.name}", "slug": f"signals_{one.name}"[:MAX_SLUG], "universe": universe}
    tree["entry"]["logic_params"]["calls"] = one.name
    if one.is_synthetic:
        tree["data"] = {"source": SYNTHETIC}
    text = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    return str(drafts.new_draft(guard.store(), text, SIGNALS.name).id)


def start_demo() -> None:
    """Action: ask for the demo market; the URL names its job."""
    state.put_in_url(state.JOB, [str(actions.make_demo())])


def start_export() -> None:
    """Action: ask for the workspace as one DuckDB file; the URL names its job."""
    title = "Export of bars, chains, runs and sweeps to DuckDB"
    _show(jobs.enqueue(guard.store(), "export", {}, title=title, priority=IMPORT_PRIORITY))


def start_pack(
    source: str,
    symbols: Sequence[str],
    timeframes: Sequence[str],
    start: dt.date,
    end: dt.date,
    warmup: int,
    chains: dict[str, Any] | None = None,
) -> None:
    """Action: ask for a replay pack; the URL names its job. chains: as the worker takes them."""
    payload = {
        "source": source,
        "symbols": list(symbols),
        "timeframes": list(timeframes),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "warmup": warmup,
        "chains": chains,
    }
    also = " with option chains" if chains else ""
    title = (
        f"Pack of {formats.listing(symbols)} {', '.join(timeframes)}{also} from {source}, {start} to {end}"
    )
    _show(jobs.enqueue(guard.store(), "pack", payload, title=title, priority=IMPORT_PRIORITY))


def _show(job: jobs.JobRow) -> None:
    state.put_in_url(state.JOB, [str(job.id)])
