"""Packs on disk: `data/packs/<hash>/`, written whole or not at all, never changed.

manifest.json               what the pack is; arrays are in the files it names
NN_SYMBOL_TIMEFRAME.parquet          one row a scheduled bar
NN_SYMBOL_TIMEFRAME.sessions.parquet one row a session
NN_SYMBOL_TIMEFRAME.calls.parquet    one row a trade call, where there are any
NN_SYMBOL_options.*                  chains: see `disk_chains`
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from engine.core.bars import BarSeries
from engine.core.durable import sync_file, sync_folder
from engine.core.errors import NotFound
from engine.core.sessions import SessionTable
from engine.core.settings import Settings
from engine.packs.calls import read_calls, write_calls
from engine.packs.carry import dividends_of, plain_dividends, plain_rates, rates_of
from engine.packs.chains import SESSION_ARRAYS
from engine.packs.disk_chains import read_chain_files, write_chain
from engine.packs.pack import BAR_ARRAYS, FORMAT, QUOTE_ARRAYS, Dividend, Pack, Roll, describe
from engine.packs.tables import damaged, read_table, write_table

MANIFEST = "manifest.json"
_HASH = re.compile(r"[0-9a-f]{6,64}")
_QUOTE_PARTS = ("open", "high", "low", "close")


def save_pack(settings: Settings, pack: Pack) -> Path:
    """Write `pack` to its folder and return that; a pack that is there already is left as it is."""
    final = settings.packs / pack.hash
    if (final / MANIFEST).is_file():
        return final
    for folder in (settings.packs, settings.locks):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.locks / "packs.lock"):
        if (final / MANIFEST).is_file():  # another process was first with the same pack
            return final
        for leaving in settings.packs.glob(".building-*"):  # of a process that died: the lock is ours
            shutil.rmtree(leaving, ignore_errors=True)
        building = settings.packs / f".building-{pack.hash}"
        building.mkdir()
        try:
            _write_files(building, pack)
            os.rename(building, final)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        sync_folder(settings.packs)
    return final


def load_pack(settings: Settings, pack_hash: str) -> Pack:
    """The pack of a hash, or of its first letters where they name one pack only.

    NotFound if there is none, DataError if its files are damaged. The hash is not recomputed: `verify_pack` does.
    """
    folder = find_pack(settings, pack_hash)
    manifest = read_manifest(folder)
    try:
        series = [_read_series(folder, entry, manifest["source"]) for entry in manifest["series"]]
        start, end = (dt.date.fromisoformat(day) for day in manifest["window"])
        return Pack(
            manifest["hash"],
            manifest["source"],
            start,
            end,
            {(one.symbol, one.timeframe): one for one in series},
            tuple(
                Dividend(s, dt.date.fromisoformat(day), amount) for s, day, amount in manifest["dividends"]
            ),
            tuple(Roll(s, dt.date.fromisoformat(day), *rest) for s, day, *rest in manifest["rolls"]),
            tuple(manifest["notes"]),
            {
                entry["symbol"]: read_chain_files(folder, entry, manifest["source"])
                for entry in manifest.get("chains", ())
            },
            rates_of(manifest.get("rates")),
            dividends_of(manifest.get("ex_dividends", {})),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder / MANIFEST, str(error)) from error


def list_packs(settings: Settings) -> list[dict[str, Any]]:
    """Manifests of all packs, by hash."""
    if not settings.packs.is_dir():
        return []
    return [
        read_manifest(path)
        for path in sorted(settings.packs.iterdir())
        if re.fullmatch(r"[0-9a-f]{64}", path.name) and (path / MANIFEST).is_file()
    ]


def find_pack(settings: Settings, pack_hash: str) -> Path:
    """Folder of a pack by its hash or the hash's first letters (6 at least)."""
    if not _HASH.fullmatch(pack_hash):
        raise NotFound(
            f"pack {pack_hash!r}: not a hash. Give 6 to 64 of its letters; `pack list` shows them."
        )
    found = [path for path in settings.packs.glob(f"{pack_hash}*") if (path / MANIFEST).is_file()]
    if not found:
        raise NotFound(
            f"pack {pack_hash}: there is none. `pack list` shows what there is; `pack build` makes one."
        )
    if len(found) > 1:
        raise NotFound(f"pack {pack_hash}: {len(found)} packs begin so. Give more letters.")
    return found[0]


def read_manifest(folder: Path) -> dict[str, Any]:
    """manifest.json of a pack's folder; DataError if it cannot be read or is of another format."""
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("ascii"))
        known = manifest["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, str(error)) from error
    if not known:
        raise damaged(path, f"format {manifest['format']!r} is not {FORMAT}")
    return manifest


def _write_files(folder: Path, pack: Pack) -> None:
    entries = []
    for number, one in enumerate(pack.series.values()):
        stem = f"{number:02d}_{one.symbol}_{one.timeframe}"
        write_table(folder / f"{stem}.parquet", _bar_columns(one))
        write_table(
            folder / f"{stem}.sessions.parquet",
            {name: getattr(one.sessions, name) for name in SESSION_ARRAYS},
        )
        if one.calls is not None:
            write_calls(folder / f"{stem}.calls.parquet", one.calls)
        entries.append(
            describe(one) | {"file": f"{stem}.parquet", "sessions_file": f"{stem}.sessions.parquet"}
        )
    manifest = {
        "format": FORMAT,
        "hash": pack.hash,
        "source": pack.source,
        "synthetic": pack.is_synthetic,
        "window": [pack.window_start.isoformat(), pack.window_end.isoformat()],
        "series": entries,
        "dividends": [[symbol, day.isoformat(), amount] for symbol, day, amount in pack.dividends],
        "rolls": [[roll.symbol, roll.session_date.isoformat(), *roll[2:]] for roll in pack.rolls],
        "notes": list(pack.notes),
    }
    if pack.chains:
        manifest["chains"] = [
            write_chain(folder, number, one)
            for number, one in enumerate(pack.chains.values(), len(pack.series))
        ]
    if pack.rates is not None:
        manifest["rates"] = plain_rates(pack.rates)
    if pack.ex_dividends:
        manifest["ex_dividends"] = plain_dividends(pack.ex_dividends)
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False) + "\n", "ascii")
    for written in folder.iterdir():
        sync_file(written)
    sync_folder(folder)


def _bar_columns(one: BarSeries) -> dict[str, np.ndarray]:
    columns = {name: getattr(one, name) for name in BAR_ARRAYS}
    for side in QUOTE_ARRAYS:
        values = getattr(one, side)
        if values is not None:
            columns |= {f"{side}_{part}": values[:, i] for i, part in enumerate(_QUOTE_PARTS)}
    return columns


def _read_series(folder: Path, entry: dict[str, Any], source: str) -> BarSeries:
    bars = read_table(folder / entry["file"], entry["bars"])
    sessions = read_table(folder / entry["sessions_file"], entry["sessions"])
    quotes = {
        side: np.column_stack([bars.pop(f"{side}_{part}") for part in _QUOTE_PARTS])
        if entry["quoted"]
        else None
        for side in QUOTE_ARRAYS
    }
    table = SessionTable(entry["calendar"], entry["timezone"], **sessions)
    calls = None
    if "calls" in entry:
        path = folder / entry["file"].replace(".parquet", ".calls.parquet")
        name, n_calls = entry["calls"]
        calls = read_calls(path, name, entry["symbol"], n_calls)
    return BarSeries(
        entry["symbol"], entry["kind"], entry["timeframe"], source, table, **bars, **quotes, calls=calls
    )
