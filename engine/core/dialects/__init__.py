"""Older spec files as Spec v1: which dialect a file is in, what each of its keys becomes, and why.

A dialect is known by keys that it alone writes, and its units by dialect and key (semantics §8, §9): the size of a
number decides nothing. A file of Spec v1 passes through untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.core.dialects import ghetto_spread, put_credit_spread, skeleton, zrce
from engine.core.dialects.detection import Detector
from engine.core.dialects.records import Dialect, Mapping, Normal, Row
from engine.core.dialects.rewriting import Rewriting

DIALECTS = (zrce.DIALECT, ghetto_spread.DIALECT, put_credit_spread.DIALECT, skeleton.DIALECT)
"""The last one is what remains where only keys that all write are found."""

_DETECTOR = Detector(DIALECTS)


def normalised(tree: Any) -> Normal:
    """The tree as Spec v1 with every mapping, or with faults (paths as the file writes them). The tree is not changed.

    What it makes has no key of a dialect, so a second time changes nothing.
    """
    if not isinstance(tree, dict):
        return Normal(tree)
    found = _DETECTOR.of(tree)
    if found.dialect is None:
        return Normal(tree, faults=found.faults)
    work = Rewriting(tree, found.dialect, found.known_by[0])
    work.run()
    return Normal(
        work.tree, found.dialect, found.known_by, _in_order(tree, work.mappings), tuple(work.faults)
    )


def _in_order(tree: dict[str, Any], mappings: list[Mapping]) -> tuple[Mapping, ...]:
    """As the file writes its keys."""
    place = {path: n for n, path in enumerate(_paths(tree, ""))}
    return tuple(sorted(mappings, key=lambda one: place.get(one.old, -1)))


def _paths(node: Any, at: str) -> Iterator[str]:
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in members:
        yield f"{at}{key}"
        yield from _paths(value, f"{at}{key}.")


__all__ = ["DIALECTS", "Dialect", "Mapping", "Normal", "Row", "normalised"]
