"""Grids that somebody began to write and has not started, so that closing the browser loses nothing.

One small file a spec version, `grids/<spec hash>.json` in the workspace. They are not in the store: every keystroke
there would make all pages read anew. What is lost with the folder is what was typed since the last start or save.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from engine.core.durable import write_atomically
from engine.core.settings import Settings

MAX_KEPT = 50
MAX_BYTES = 5_000_000
_NAME = re.compile(r"[0-9a-f]{64}\.json")


class GridDraft(NamedTuple):
    """What was typed for one spec version, and when last."""

    spec_hash: str
    tree: dict[str, Any]
    typed_at: datetime


def keep(settings: Settings, spec_hash: str, tree: Mapping[str, Any]) -> None:
    """Remember a grid in place of the one before for this spec; of more than fifty the oldest go."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(settings, spec_hash)
    text = json.dumps(dict(tree), ensure_ascii=False)
    if len(text) > MAX_BYTES:
        return
    write_atomically(path, text.encode())
    for old in _files(settings)[MAX_KEPT:]:
        old.unlink(missing_ok=True)


def forget(settings: Settings, spec_hash: str) -> None:
    """It was started, saved or given up."""
    _path(settings, spec_hash).unlink(missing_ok=True)


def unfinished(settings: Settings, limit: int = 3) -> list[GridDraft]:
    """The grids typed last; damaged files are left out."""
    found = []
    for path in _files(settings)[:limit]:
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (OSError, ValueError):
            continue
        if isinstance(tree, dict):
            found.append(GridDraft(path.stem, tree, at))
    return found


def _folder(settings: Settings) -> Path:
    return settings.home / "grids"


def _path(settings: Settings, spec_hash: str) -> Path:
    if not _NAME.fullmatch(f"{spec_hash}.json"):
        raise ValueError(f"{spec_hash!r} is not the hash of a spec")
    return _folder(settings) / f"{spec_hash}.json"


def _files(settings: Settings) -> list[Path]:
    """Newest first."""
    found = []
    for path in _folder(settings).glob("*.json") if _folder(settings).is_dir() else ():
        try:
            found.append((path.stat().st_mtime_ns, path))
        except OSError:  # another session has just forgotten it
            continue
    return [path for _, path in sorted(found, reverse=True) if _NAME.fullmatch(path.name)]
