"""What of a path Spec v1 knows itself, and which values there are percents."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args, get_origin

from engine.core.spec import StrategySpec
from engine.core.spec_walk import bare, field_of, is_model, json_names, unit

Path = tuple[str, ...]


@lru_cache(maxsize=4096)
def kind_at(path: Path) -> Any:
    """The type that v1 has at a path of objects; None where it has no such field."""
    kind: Any = StrategySpec
    for part in path:
        if is_model(kind):
            info = field_of(kind, part)
            kind = bare(info.annotation) if info is not None else None
        elif get_origin(kind) is dict:
            kind = bare(get_args(kind)[1])
        else:
            return None
    return kind


def is_v1(path: Path) -> bool:
    return kind_at(path) is not None


def names_at(path: Path) -> list[str]:
    """The fields that v1 has below a path."""
    kind = kind_at(path)
    return json_names(kind) if is_model(kind) else []


def percents(path: Path, value: Any) -> Iterator[Path]:
    """Paths of the percents in a value that stands at a path of v1, through lists and objects."""
    if path:
        owner = kind_at(path[:-1])
        info = field_of(owner, path[-1]) if is_model(owner) else None
        if info is not None and unit(info).startswith("%"):
            yield path
            return
    yield from _inner(kind_at(path), value, path)


def _inner(kind: Any, value: Any, at: Path) -> Iterator[Path]:
    if get_origin(kind) is tuple and isinstance(value, list):
        for i, one in enumerate(value):
            yield from _inner(bare(get_args(kind)[0]), one, (*at, str(i)))
    elif is_model(kind) and isinstance(value, dict):
        for name, one in value.items():
            info = field_of(kind, name)
            if info is None:
                continue
            if unit(info).startswith("%"):
                yield (*at, name)
            else:
                yield from _inner(bare(info.annotation), one, (*at, name))
