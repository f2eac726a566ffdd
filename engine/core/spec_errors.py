"""Faults of a spec as sentences: the field's path, what was wrong, what is allowed, what to do."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from engine.core.fields import PATTERN_WORDS
from engine.core.spec import StrategySpec
from engine.core.spec_walk import Place, bounds, json_names, leaves, unit, walk, words

_TYPE_FAULTS = (
    *("int_type", "int_from_float", "int_parsing", "int_parsing_size", "float_type", "string_type"),
    *("bool_type", "tuple_type", "dict_type", "model_type", "date_type"),
)
_BOUND_FAULTS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
ONE_LETTER = 0.9
"""difflib's ratio of names that differ in one letter of five or more."""
_RANK = {"extra_forbidden": 0, "missing": 2}


class Fault(NamedTuple):
    """One fault: the names and places that lead to it (none for the spec as a whole), and its sentence without them."""

    path: tuple[str, ...]
    said: str

    def __str__(self) -> str:
        path = ".".join(_part(p) for p in self.path)
        return f"{path}: {self.said}" if path else self.said


def fault_of(said: str) -> Fault:
    """A sentence that begins with a path, `legs.0.delta: ...`, as a fault at that place; any other at none."""
    path, _, rest = said.partition(": ")
    parts = tuple(path.split("."))
    return Fault(parts, rest) if rest and parts[0] in StrategySpec.model_fields else Fault((), said)


def field_errors(err: ValidationError, root: type[BaseModel] = StrategySpec) -> list[Fault]:
    """One fault a place. Unknown fields stand first and missing ones last: the one often explains the other.

    root : the model that was checked; paths begin there.
    """
    faults = sorted(err.errors(include_url=False), key=lambda e: _RANK.get(e["type"], 1))
    found: dict[Any, Fault] = {}
    for fault in faults:
        if _only_follows(fault):
            continue
        place = walk(fault["loc"], root)
        key = (place.path, "union" if place.union else fault["type"])
        found.setdefault(key, Fault(place.path, _said(fault, place)))
    return list(found.values())


def _only_follows(fault: Any) -> bool:
    """pydantic counts sound items alone and calls a list too short whose items have faults of their own."""
    return bool(fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"])


def _said(fault: Any, place: Place) -> str:
    kind, ctx, got = fault["type"], fault.get("ctx") or {}, _got(fault.get("input"))
    if kind == "extra_forbidden":
        return _unknown(place)
    if kind == "missing":
        return f"required field is missing. Add it: {words(place.kind)}."
    if kind == "value_error":
        said = str(fault["msg"]).removeprefix("Value error, ")
        return f"{said}." if _is_big(fault.get("input")) else f"{said}{got}."
    if kind == "string_unicode":
        return "has half of a surrogate pair, which is no character. Remove it."
    if place.union:
        return f"must be {words(place.kind)}, finite and not null{got}."
    if kind == "literal_error":
        return f"must be {words(place.kind)}{got}.{_meant(fault, place)}"
    if kind == "string_pattern_mismatch":
        pattern = str(ctx.get("pattern"))
        return f"must be {PATTERN_WORDS.get(pattern, f'of the pattern {pattern}')}{got}."
    if kind in _BOUND_FAULTS:
        of = f" ({unit(place.info)})" if place.info and unit(place.info) else ""
        allowed = bounds(place.info) if place.info else ""
        return f"must be {allowed or str(fault['msg']).removeprefix('Input should be ')}{of}{got}."
    if kind in ("too_long", "too_short", "string_too_long", "string_too_short"):
        return _length(fault, ctx)
    if kind == "finite_number":
        return f"must be a finite number{got}."
    if kind in _TYPE_FAULTS:
        return f"must be {words(place.kind)}{got}."
    return f"{str(fault['msg']).replace('Input should be', 'must be')}{got}."


def _length(fault: Any, ctx: dict[str, Any]) -> str:
    what = "characters" if fault["type"].startswith("string") else "items"
    least, most = ctx.get("min_length"), ctx.get("max_length")
    allowed = f"at least {least:,}" if least is not None else f"at most {most:,}"
    return f"has {len(fault['input']):,} {what}; {allowed} allowed."


def _meant(fault: Any, place: Place) -> str:
    near = closest(str(fault.get("input")), [str(a) for a in get_args(place.kind)])
    return f" Did you mean {near}?" if near else ""


def _unknown(place: Place) -> str:
    name, names = place.path[-1], json_names(place.owner)
    parts = names + ["all", "any", "not"] if place.owner.__name__ == "Comparison" else names
    elsewhere = [path for path, _, _ in leaves() if path.rpartition(".")[2] == name]
    only = elsewhere[0] if len(elsewhere) == 1 else None
    near = closest(name, parts, least=ONE_LETTER) or only or closest(name, parts)
    return f"unknown field.{f' Did you mean {near}?' if near else ''} Fields: {', '.join(parts)}."


def closest(name: str, names: list[str], least: float = 0.6) -> str | None:
    """The name that was probably meant, whatever its capitals."""
    folded = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name[:80].casefold(), folded, n=1, cutoff=least)
    return folded[near[0]] if near else None


def _part(part: str) -> str:
    """A piece of a path, safe to print."""
    return part if re.fullmatch(r"[\w-]{1,60}", part, re.ASCII) else _cut(ascii(part))


def _is_big(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) or hasattr(value, "model_fields")


def _got(value: Any) -> str:
    return f", got {shorten(value)}"


def shorten(value: Any) -> str:
    """A value in JSON's spelling, in ASCII, cut to a readable length."""
    try:
        return _cut(json.dumps(value))
    except (TypeError, ValueError):
        return "a number of thousands of digits" if isinstance(value, int) else _cut(ascii(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
