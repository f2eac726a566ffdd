"""Which dialect a file is in: by keys that one dialect alone writes, never by values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.dialects.records import Dialect
from engine.core.dialects.v1 import is_v1
from engine.core.spec_errors import Fault

MOST_NAMED = 4


@dataclass(frozen=True)
class Found:
    dialect: Dialect | None = None
    known_by: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class Detector:
    """Knows the keys of all dialects that Spec v1 does not have, and who writes each."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._rest = dialects[-1]
        self._writers: dict[tuple[str, ...], list[Dialect]] = {}
        self._inner: set[tuple[str, ...]] = set()
        for dialect in dialects:
            for path in dialect.paths:
                self._learn(dialect, tuple(path.split(".")))

    def _learn(self, dialect: Dialect, path: tuple[str, ...]) -> None:
        for length in range(1, len(path) + 1):
            head = path[:length]
            self._inner.add(head[:-1])
            if not is_v1(head):
                writers = self._writers.setdefault(head, [])
                if dialect not in writers:
                    writers.append(dialect)

    def of(self, tree: dict[str, Any]) -> Found:
        """The dialect of a tree; none for Spec v1, and a fault that names both where there are two."""
        seen = list(self._seen(tree, ()))
        if not seen:
            return Found()
        marks: dict[str, list[str]] = {}
        for path in seen:
            if len(self._writers[path]) == 1:
                marks.setdefault(self._writers[path][0].key, []).append(".".join(path))
        if len(marks) > 1:
            return Found(faults=(Fault((), self._several(marks)),))
        names = {d.key: d for writers in self._writers.values() for d in writers}
        if marks:
            key, known_by = next(iter(marks.items()))
            return Found(names[key], tuple(_deepest(known_by)))
        unclear = [path for path in seen if self._rest not in self._writers[path]]
        if not unclear:
            return Found(self._rest, tuple(_deepest([".".join(path) for path in seen])))
        return Found(faults=(Fault(unclear[0], self._unclear(unclear[0])),))

    def _seen(self, node: dict[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for key, value in node.items():
            path = (*at, key)
            if path in self._writers:
                yield path
            if path in self._inner and isinstance(value, dict):
                yield from self._seen(value, path)

    def _several(self, marks: dict[str, list[str]]) -> str:
        names = {d.key: d.name for writers in self._writers.values() for d in writers}
        told = [f"{names[key]} ({_listed(_deepest(paths))})" for key, paths in marks.items()]
        return (
            f"written in two dialects, {' and '.join(told)}, whose units differ. "
            "Keep the keys of one, or write all of it in Spec v1."
        )

    def _unclear(self, path: tuple[str, ...]) -> str:
        names = " and ".join(one.name for one in self._writers[path])
        return f"a key of the dialects {names}, and nothing else tells which. Write it in Spec v1."


def _deepest(paths: list[str]) -> list[str]:
    """Without those that only lead to another one."""
    return [one for one in paths if not any(other.startswith(f"{one}.") for other in paths)]


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"{', '.join(paths[:MOST_NAMED])}{more}"
