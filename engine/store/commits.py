"""Committing a run: whole or not at all.

Artifacts are written to a staging folder, checked against their manifest, flushed to the disk and renamed to
`runs/<id>/`; then the run's row is committed. A run exists once its row does. Whatever a killed writer left
is taken away by `sweep_leftovers`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlmodel import Session

from engine.core.durable import sync_file, sync_folder
from engine.core.errors import BadInput, NotFound, RunError
from engine.store import sweep_runs
from engine.store.db import Store, read, to_json, write
from engine.store.models import RunRow, RunSymbol, SpecVersion

MANIFEST = "manifest.json"
STAGING = ".staging"


@contextmanager
def staged(store: Store, run_id: str) -> Iterator[Path]:
    """An empty folder for a run's artifacts; gone afterwards unless `commit_run` took it.

    A lock beside the folder is held while the writer lives; the system releases it when the writer is killed.
    """
    _check_id(run_id)
    root = _staging_root(store)
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{run_id}-{uuid.uuid4().hex[:12]}"
    with _lock_of(folder):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # Windows keeps a locked file; the next clean-up takes it
                Path(f"{folder}.lock").unlink()


def write_manifest(folder: Path) -> Path:
    """Write manifest.json: {"files": {relative name: sha256}} of every artifact below `folder`."""
    path = folder / MANIFEST
    path.write_text(to_json({"files": _hashes(folder)}) + "\n", encoding="utf-8")
    return path


def commit_run(store: Store, row: RunRow, staging_dir: Path, *, rank: int | None = None) -> RunRow:
    """Make the run exist: its artifacts under `runs/<id>/`, its row in the store. Returns the row kept.

    staging_dir : a folder of `staged`. Its manifest is written here unless the caller did.
    rank : its place in the sweep that the row names, which is linked to the run in any case.
    Committing an id again keeps the first row and artifacts (the same run has the same bytes).
    RunError: the artifacts are not what the manifest says. NotFound: the spec version has not been saved.
    """
    _check_id(row.id)
    if staging_dir.parent != _staging_root(store):
        raise RunError(
            f"{staging_dir}: not a staging folder of this workspace. Write artifacts inside `staged`."
        )
    row.manifest_sha256 = _checked_manifest(staging_dir)
    row.artifacts = f"{store.settings.runs.name}/{row.id}"
    _flush_to_disk(staging_dir)
    final = store.settings.runs / row.id
    moved = False
    try:
        with write(store) as session:  # the write lock also keeps two writers of one id apart
            kept = session.get(RunRow, row.id)
            if kept is None or not final.exists():
                _discard(store, final)  # of a writer killed between rename and commit
                moved = True
                os.rename(staging_dir, final)
                sync_folder(store.settings.runs)
            if kept is None:
                _insert(session, row)
            if row.sweep_id is not None:
                sweep_runs.link(session, row.sweep_id, row.id, rank)
    except BaseException:
        if moved and not _exists(store, row.id):
            _discard(store, final)
        raise
    return kept or row


def verify_run(store: Store, row: RunRow) -> list[str]:
    """What is wrong with a run's artifacts, one line each; empty if they are as committed."""
    folder = store.settings.home / row.artifacts
    try:
        found = _checked_manifest(folder)
    except (RunError, OSError) as error:
        return [f"{row.id}: {error}"]
    return [] if found == row.manifest_sha256 else [f"{row.id}: {MANIFEST} is not the one committed"]


def sweep_leftovers(store: Store) -> int:
    """Remove what killed writers left: staging folders whose lock is free, and run folders without a row."""
    n_removed = 0
    root = _staging_root(store)
    folders = {path.with_suffix("") if path.suffix == ".lock" else path for path in _children(root)}
    for folder in sorted(folders):
        try:
            with _lock_of(folder, timeout=0):
                n_removed += folder.exists()
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    Path(f"{folder}.lock").unlink()
        except Timeout:  # its writer lives
            continue
    for path in _without_row(store, [path for path in _children(store.settings.runs) if path != root]):
        with write(store) as session:  # no writer is between rename and commit now
            if session.get(RunRow, path.name) is None:
                n_removed += _discard(store, path)
    return n_removed


def _insert(session: Session, row: RunRow) -> None:
    spec = session.get(SpecVersion, row.spec_hash)
    if spec is None:
        raise NotFound(
            f"{row.spec_hash[:12]}: no such spec version in the store. Save the spec before its run."
        )
    row.name, row.slug, row.idea_family = spec.name, spec.slug, spec.idea_family
    session.add(row)
    session.flush()
    session.add_all(RunSymbol(symbol=symbol, run_id=row.id) for symbol in dict.fromkeys(row.symbols))


def _checked_manifest(folder: Path) -> str:
    """sha256 of the manifest, after every file was compared with it."""
    path = folder / MANIFEST
    if not path.exists():
        write_manifest(folder)
    try:
        promised = json.loads(path.read_bytes())["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: not a manifest ({error}). Write it with write_manifest.") from error
    found = _hashes(folder)
    wrong = sorted(name for name in promised.keys() | found.keys() if promised.get(name) != found.get(name))
    if wrong:
        raise RunError(f"{folder}: not as its manifest says: {', '.join(wrong)}. Run it again.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _sha256(path) for name, path in names.items() if name != MANIFEST}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_to_disk(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)
        else:
            sync_folder(path)
    sync_folder(folder)


def _discard(store: Store, folder: Path) -> bool:
    """Move a folder out of sight at once, then delete it; True if it was there."""
    if not folder.exists():
        return False
    trash = _staging_root(store) / f"trash-{uuid.uuid4().hex[:12]}"
    trash.parent.mkdir(parents=True, exist_ok=True)
    os.rename(folder, trash)
    shutil.rmtree(trash, ignore_errors=True)
    return True


def _exists(store: Store, run_id: str) -> bool:
    with read(store) as session:
        return session.get(RunRow, run_id) is not None


def _without_row(store: Store, folders: list[Path]) -> list[Path]:
    with read(store) as session:
        return [folder for folder in folders if session.get(RunRow, folder.name) is None]


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _staging_root(store: Store) -> Path:
    return store.settings.runs / STAGING


def _lock_of(folder: Path, timeout: float = -1) -> FileLock:
    return FileLock(f"{folder}.lock", timeout=timeout)


def _check_id(run_id: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{16}", run_id):  # it becomes a folder's name
        raise BadInput(
            f"{run_id!r}: not a run id. It has 16 of the characters 0-9 and a-f; runs.run_id makes it."
        )
