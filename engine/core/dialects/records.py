"""What a dialect is made of, and what reading a file of one tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.spec_errors import Fault, shorten

if TYPE_CHECKING:
    from engine.core.dialects.rewriting import Rewriting

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Row:
    """One key of a dialect. new: where it stands in Spec v1, "" where it has no effect.

    change : the value in v1's unit or words; ValueError with what is allowed where it has none.
    """

    old: str
    new: str
    why: str
    change: Change = lambda value: value


@dataclass(frozen=True)
class Dialect:
    """A way in which older files are written.

    key, name   : for machines and for people.
    table       : keys that become one other key.
    grouped     : keys whose meaning depends on others; `rewrite` takes them.
    is_fraction : its percents are fractions, so that a percent of Spec v1 beside them would have an unclear unit.
    """

    key: str
    name: str
    table: tuple[Row, ...]
    grouped: tuple[str, ...]
    rewrite: Callable[[Rewriting], None]
    is_fraction: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return (*(row.old for row in self.table), *self.grouped)


@dataclass(frozen=True)
class Mapping:
    """What became of one key. old and new: paths with dots; new is "" where the key has no effect."""

    old: str
    new: str
    before: Any
    after: Any
    why: str

    @property
    def is_conversion(self) -> bool:
        """Has the value changed, and not only its place?"""
        return bool(self.new) and self.before != self.after

    def __str__(self) -> str:
        after = f"{self.new} {shorten(self.after)}" if self.new else "no effect"
        return f"{self.old} {shorten(self.before)} -> {after}: {self.why}"


@dataclass(frozen=True)
class Normal:
    """A decoded spec as Spec v1. dialect: None for v1 itself; known_by: the keys that told it."""

    tree: Any
    dialect: Dialect | None = None
    known_by: tuple[str, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def note(self) -> str:
        """In what the file is written; empty for Spec v1."""
        if self.dialect is None:
            return ""
        n = len(self.mappings)
        told = f"written in the {self.dialect.name} dialect, {n} {'mapping' if n == 1 else 'mappings'} to Spec v1"
        return f"{told} ({self.sweep_note})" if self.sweep_note else told

    @property
    def sweep_note(self) -> str:
        """That swept percents are not in the unit of the file's own; empty where none are swept or units agree."""
        if (
            self.dialect is None
            or not self.dialect.is_fraction
            or not any(map(_is_percent, _swept(self.tree)))
        ):
            return ""
        return f"percents of its sweep are Spec v1's, 5 for 5 %, while those of {self.dialect.name} are fractions"

    def as_written(self, fault: Fault) -> Fault:
        """A fault of the v1 tree at the key that the file has; of what is missing, at the key that the dialect has."""
        path = ".".join(fault.path)
        for length in range(len(fault.path), 0, -1):
            new = ".".join(fault.path[:length])
            moved = next((m for m in self.mappings if m.new == new and m.old != new), None)
            if moved is not None:
                inside = fault.path[length:] if moved.before == moved.after else ()
                return Fault((*moved.old.split("."), *inside), f"as {path}: {fault.said}")
        rows = self.dialect.table if self.dialect is not None and not _holds(self.tree, fault.path) else ()
        old = next((row.old for row in rows if row.new == path and row.old != path), None)
        return fault if old is None else Fault(tuple(old.split(".")), f"as {path}: {fault.said}")


def _swept(tree: Any) -> list[str]:
    """The paths that the sweep of a v1 tree names, aliases followed; none where it is no sweep."""
    sweep = tree.get("sweep") if isinstance(tree, dict) else None
    grid, aliases = ((sweep.get(key) if isinstance(sweep, dict) else None) for key in ("grid", "aliases"))
    found: list[str] = []
    for name in grid if isinstance(grid, dict) else ():
        paths = aliases.get(name, name) if isinstance(aliases, dict) else name
        found += [str(path) for path in (paths if isinstance(paths, list) else [paths])]
    return found


def _is_percent(path: str) -> bool:
    """Every percent that a sweep may vary says so by its name."""
    return path.endswith("_pct")


def _holds(tree: Any, path: tuple[str, ...]) -> bool:
    """Is there anything at a path of objects?"""
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True
