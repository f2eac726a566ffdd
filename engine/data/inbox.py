"""Files that a person dropped on a page, kept until they are imported: inbox/<hash of the content>/<name>.

The name comes from outside, so only its plain letters are used. A zip of CSV files is unpacked into its folder,
entry by entry, with the guards of every import against bombs and tricks with paths.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path, PureWindowsPath

from engine.core.durable import write_atomically
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.streams import Meter, zip_texts

ENDINGS = (".csv", ".csv.gz", ".zip")
_MOST_LETTERS = 80
_DEVICES = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE
)  # names that Windows keeps for itself


def keep(settings: Settings, name: str, content: bytes) -> Path:
    """Put a file into the inbox; the path to import: the file, or for a zip the folder of its CSV files.

    The same content lies there once. DataError for other files, and for a zip that holds something else.
    """
    plain = _plain(name)
    if not content:
        raise DataError(f"{plain}: an empty file. Choose one with a header and rows.")
    folder = settings.inbox / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = write_atomically(folder / plain, content)
    if not plain.lower().endswith(".zip"):
        return path
    try:
        return _unpacked(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def discard(settings: Settings, path: Path | str) -> None:
    """Remove what was imported from the inbox; paths elsewhere are left alone."""
    folder = Path(path) if Path(path).parent == settings.inbox else Path(path).parent
    if folder.parent == settings.inbox:
        shutil.rmtree(folder, ignore_errors=True)


def _plain(name: str) -> str:
    """The file's own name, in letters that no file system minds."""
    last = (
        re.sub(r"[^A-Za-z0-9._\-]+", "_", PureWindowsPath(name).name)
        .strip("._-")[-_MOST_LETTERS:]
        .lstrip("._-")
    )
    if not last.lower().endswith(ENDINGS):
        raise DataError(
            f"{last or 'this file'}: not a file that can be dropped here. Allowed: {', '.join(ENDINGS)}."
        )
    return f"_{last}" if _DEVICES.match(last) else last


def _unpacked(path: Path) -> Path:
    """The CSV files of a zip beside it; their folder."""
    is_bars = False
    for entry, text in zip_texts(path, Meter()):
        if not entry.lower().endswith(".csv"):
            raise DataError(
                f"{path.name}: holds {entry!r}. A zip that is dropped here holds CSV files and nothing else; "
                "LEAN's folders are imported by their path on the server."
            )
        write_atomically(path.parent / _plain(entry), text)
        is_bars = is_bars or bool(text)
    if not is_bars:
        raise DataError(f"{path.name}: its files are empty. Choose a zip of CSV files with rows.")
    return path.parent
