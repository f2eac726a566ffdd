"""Finding one's way in the spec models: which model and field a path means, and their types in words."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from engine.core.fields import PATTERN_WORDS
from engine.core.spec import StrategySpec

WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "date": "a date",
}
CONDITION_EXAMPLE = (
    'a condition such as {"name": "SMA", "params": {"length": 20}, "operator": ">", "target": "SMA_50"}, '
    "or all, any, not"
)


@dataclass(frozen=True)
class Place:
    """Where a location of a validation error leads.

    path  : names and list positions as they stand in the spec, without the names of union branches.
    owner : the innermost model on the way; info: its field; kind: the type at the end.
    union : the location ends inside a union, so that several faults of this path mean one.
    """

    path: tuple[str, ...]
    owner: type[BaseModel]
    info: FieldInfo | None
    kind: Any
    union: bool = False


def walk(loc: tuple[Any, ...], root: type[BaseModel] = StrategySpec) -> Place:
    """Follow an error's location from a model, the whole spec's by default, down."""
    path: list[str] = []
    owner: type[BaseModel] = root
    info: FieldInfo | None = None
    kind: Any = root
    for part in loc:
        kind = bare(kind)
        if is_model(kind):
            owner, info = kind, field_of(kind, str(part))
            kind = info.annotation if info else None
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif (tagged := tagged_models(kind)) and part in tagged:
            kind = tagged[part]
            continue
        else:  # a branch of a plain union, or the `[key]` mark of a dict's key
            return Place(tuple(path), owner, info, kind, union=is_union(kind))
        path.append(str(part))
    return Place(tuple(path), owner, info, bare(kind))


def bare(kind: Any) -> Any:
    """A type without its Annotated coat and without None."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if is_union(kind):
        rest = [arg for arg in get_args(kind) if arg is not type(None)]
        if len(rest) == 1:
            return bare(rest[0])
    return kind


def is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def tagged_models(kind: Any) -> dict[str, type[BaseModel]]:
    """The models of a discriminated union by their tag."""
    if not is_union(kind):
        return {}
    found = {}
    for arg in get_args(kind):
        tags = (
            [m.tag for m in get_args(arg)[1:] if isinstance(m, Tag)] if get_origin(arg) is Annotated else []
        )
        found.update({tag: get_args(arg)[0] for tag in tags})
    return found


def field_of(model: type[BaseModel], name: str) -> FieldInfo | None:
    """The field that JSON calls `name`."""
    return next((f for n, f in model.model_fields.items() if (f.alias or n) == name), None)


def json_names(model: type[BaseModel]) -> list[str]:
    """The names of a model's fields as JSON spells them."""
    return [f.alias or n for n, f in model.model_fields.items()]


def words(kind: Any) -> str:
    """A type in words: `a whole number`, `a list`, `one of CALL, PUT`."""
    kind = bare(kind)
    if is_union(kind):
        if tagged_models(kind):
            return CONDITION_EXAMPLE
        parts = list(dict.fromkeys(words(arg) for arg in get_args(kind) if arg is not type(None)))
        if "a number" in parts and "a whole number" in parts:
            parts.remove("a whole number")
        return f"{', '.join(parts[:-1])} or {parts[-1]}" if len(parts) > 1 else parts[0]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        return "a list" if inner[-1] is Ellipsis else f"a list of {len(inner)} numbers"
    if get_origin(kind) is dict or is_model(kind):
        return CONDITION_EXAMPLE if getattr(kind, "__name__", "") == "Comparison" else "an object {...}"
    return WORDS.get(getattr(kind, "__name__", ""), "another type")


def bounds(info: FieldInfo) -> str:
    """The bounds of a field: `> 0, <= 1000`."""
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    found = []
    for m in info.metadata:
        found += [f"{sign} {_short(getattr(m, name))}" for name, sign in signs.items() if hasattr(m, name)]
        if getattr(m, "min_length", None) is not None:
            found.append(f"at least {m.min_length:,} long")
        if getattr(m, "max_length", None) is not None:
            found.append(f"at most {m.max_length:,} long")
        if getattr(m, "pattern", None):
            found.append(PATTERN_WORDS.get(m.pattern, f"the pattern {m.pattern}"))
    return ", ".join(found)


def unit(info: FieldInfo) -> str:
    """The unit of a field; empty where it has none."""
    extra = info.json_schema_extra
    named = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    return "" if named == "none" else named


def _short(bound: Any) -> str:
    return (
        f"{bound:.0e}".replace("e+", "e") if bound >= 1e9 and bound == float(f"{bound:.0e}") else f"{bound:,}"
    )


def leaves(
    model: type[BaseModel] = StrategySpec, prefix: str = ""
) -> Iterator[tuple[str, type[BaseModel], FieldInfo]]:
    """(path, owner, field) of every field outside conditions, depth first in the order of the models.

    A list's items stand under `legs[]`, a mapping's values under `sweep.grid.*`.
    """
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        yield path, model, info
        kind, suffix = bare(info.annotation), ""
        if get_origin(kind) is tuple:
            kind, suffix = bare(get_args(kind)[0]), "[]"
        elif get_origin(kind) is dict:
            kind, suffix = bare(get_args(kind)[1]), ".*"
        if is_model(kind):
            yield from leaves(kind, f"{path}{suffix}.")
