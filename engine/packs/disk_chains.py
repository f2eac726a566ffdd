"""Chains of a pack on disk: arrays as they lie in memory, so that loading is opening.

NN_SYMBOL_options.contracts.parquet   one row a contract and session
NN_SYMBOL_options.bars.parquet        one row a bar of a session
NN_SYMBOL_options.sessions.parquet    one row a session of the calendar
NN_SYMBOL_options.<array>.npy         one session after the other, contract by contract, float32
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.chains import ChainSeries, ChainSession, Contracts
from engine.core.sessions import SessionTable
from engine.packs.chains import (
    CONTRACT_ARRAYS,
    OTHER_ARRAYS,
    ROW_ARRAYS,
    SESSION_ARRAYS,
    arrays_of,
    describe_chain,
)
from engine.packs.tables import damaged, read_table, write_table


def write_chain(folder: Path, number: int, one: ChainSeries) -> dict[str, Any]:
    """Write a chain's files; its entry of the manifest."""
    stem = f"{number:02d}_{one.symbol}_options"
    held = [session for _, session in sorted(one.by_session.items())]
    names = arrays_of(one)
    contracts: dict[str, Any] = {
        name: np.concatenate([getattr(session.contracts, name) for session in held])
        for name in CONTRACT_ARRAYS
    }
    contracts["root"] = [root for session in held for root in session.contracts.root]
    bars = {"start": np.concatenate([session.start for session in held])}
    for name, along in OTHER_ARRAYS.items():
        if name in names:
            table = contracts if along == "contracts" else bars
            table[name] = np.concatenate([getattr(session, name) for session in held])
    write_table(folder / f"{stem}.contracts.parquet", contracts)
    write_table(folder / f"{stem}.bars.parquet", bars)
    write_table(
        folder / f"{stem}.sessions.parquet", {name: getattr(one.sessions, name) for name in SESSION_ARRAYS}
    )
    for name in ROW_ARRAYS:
        if name in names:
            _write_array(folder / f"{stem}.{name}.npy", [getattr(session, name) for session in held])
    return describe_chain(one) | {"stem": stem}


def read_chain_files(folder: Path, entry: dict[str, Any], source: str) -> ChainSeries:
    """A chain of its files. The big arrays are mapped: pages are read when they are looked at, and changes to them
    stay in memory (compiled code would treat read-only arrays as another type). DataError where a file is damaged."""
    stem, shapes = entry["stem"], entry["shapes"]
    n_contracts, n_bars = sum(k for _, k, _ in shapes), sum(m for _, _, m in shapes)
    contracts = read_table(folder / f"{stem}.contracts.parquet", n_contracts)
    bars = read_table(folder / f"{stem}.bars.parquet", n_bars)
    sessions = read_table(folder / f"{stem}.sessions.parquet", entry["sessions"])
    roots = contracts.pop("root").tolist()
    rows = {
        name: _map_array(folder / f"{stem}.{name}.npy", sum(k * m for _, k, m in shapes))
        for name in entry["arrays"]
        if name in ROW_ARRAYS
    }
    by_session = {}
    at, bar, cell = 0, 0, 0
    for i, k, m in shapes:
        of_contract, of_bar, of_cell = slice(at, at + k), slice(bar, bar + m), slice(cell, cell + k * m)
        by_session[i] = ChainSession(
            i,
            bars["start"][of_bar],
            Contracts(
                **{name: contracts[name][of_contract] for name in CONTRACT_ARRAYS},
                root=tuple(roots[of_contract]),
            ),
            **{name: rows[name][of_cell].reshape(k, m) if name in rows else None for name in ROW_ARRAYS},
            open_interest=contracts["open_interest"][of_contract] if "open_interest" in contracts else None,
            underlying=bars["underlying"][of_bar] if "underlying" in bars else None,
        )
        at, bar, cell = at + k, bar + m, cell + k * m
    table = SessionTable(entry["calendar"], entry["timezone"], **sessions)
    return ChainSeries(entry["symbol"], entry["timeframe"], source, table, by_session)


def _write_array(path: Path, parts: list[np.ndarray]) -> None:
    """The parts one after the other as one flat array, without a copy of them all."""
    n = sum(part.size for part in parts)
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n,)}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype="<f4").tobytes())


def _map_array(path: Path, n: int) -> np.ndarray:
    try:
        values = np.load(path, mmap_mode="c", allow_pickle=False) if n else np.empty(0, dtype=np.float32)
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    if values.shape != (n,) or values.dtype != np.float32:
        raise damaged(path, f"{values.size} numbers where the manifest says {n}")
    return np.asarray(values)
