"""Files that survive a crash: bytes and names are on the disk when these return, or the file was never there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def sync_file(path: Path) -> None:
    """The file's bytes are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Names made or moved in `folder` are on the disk (Windows cannot open a folder, and keeps them by itself)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> Path:
    """The file whole or not at all: written beside its place, synced, renamed. The caller syncs the folder."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
