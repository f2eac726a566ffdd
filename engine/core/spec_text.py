"""Spec texts in and out: safe parsing, one-line errors, canonical JSON, hashes, overrides by path."""

from __future__ import annotations

import difflib
import hashlib
import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from engine.core.errors import NotFound, SpecError
from engine.core.spec import StrategySpec

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
NOT_TRADING = ("name", "slug", "idea_family", "description", "broker", "kpi_thresholds", "outputs", "sweep")


def parse_json(text: str | bytes, where: str = "spec") -> Any:
    """JSON with caps on bytes and depth, no duplicate keys, no NaN or infinity."""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{where}: {len(raw):,} bytes; at most {MAX_BYTES:,} are allowed. Shorten the file.")
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise SpecError(f"{where}: not UTF-8 at byte {err.start}; save the file as UTF-8.") from None
    _check_depth(decoded, where)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise SpecError(f"{where}: key {key!r} stands twice in one object; keep one of them.")
        return dict(pairs)

    def no_constant(name: str) -> Any:
        raise SpecError(f"{where}: {name} is not a number that a spec may hold; write a finite number.")

    try:
        return json.loads(decoded, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as err:
        raise SpecError(f"{where}: not JSON at line {err.lineno}, column {err.colno}: {err.msg}.") from None
    except ValueError as err:
        raise SpecError(f"{where}: {err}.") from None


def _check_depth(text: str, where: str) -> None:
    depth, in_string, escaped = 0, False, False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise SpecError(f"{where}: nested deeper than {MAX_DEPTH} levels; flatten it.")
        elif char in "]}":
            depth -= 1


def parse_spec(text: str | bytes, where: str = "spec") -> StrategySpec:
    """A checked spec from its JSON text. Raises SpecError with one line."""
    return build_spec(parse_json(text, where), where)


def build_spec(tree: Any, where: str = "spec") -> StrategySpec:
    """A checked spec from decoded JSON."""
    if not isinstance(tree, dict):
        raise SpecError(f"{where}: must be one JSON object, got {type(tree).__name__}.")
    try:
        return StrategySpec.model_validate(tree)
    except ValidationError as err:
        raise SpecError("; ".join(f"{where}: {line}" for line in field_errors(err)[:1])) from None
    except RecursionError:
        raise SpecError(f"{where}: nested too deep; flatten it.") from None


def load_spec(path: Path) -> StrategySpec:
    """The spec in a file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"{path}: no such spec file; give the path of a JSON file, for example specs/sma_crossover.json."
        ) from None
    except OSError as err:
        raise SpecError(f"{path}: cannot be read ({err.strerror}); give the path of a JSON file.") from None
    return parse_spec(raw, path.name)


def field_errors(err: ValidationError) -> list[str]:
    """One sentence a fault, first the field's path, worst first as pydantic reports them."""
    return [_sentence(e) for e in err.errors(include_url=False, include_input=True)]


def _sentence(error: Any) -> str:
    loc = [str(p) for p in error["loc"] if p not in ("comparison", "all-of", "function-after")]
    path = ".".join(loc) or "spec"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        owner = _model_at(tuple(error["loc"][:-1]))
        names = [f.alias or n for n, f in owner.model_fields.items()] if owner else []
        close = difflib.get_close_matches(loc[-1], names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"{path}: unknown field.{hint} Fields: {', '.join(names)}"
    if error["type"] == "missing":
        return f"{path}: required field is missing"
    shown = repr(error.get("input"))
    return f"{path}: {message}" + (
        f", got {shown}" if len(shown) <= 60 and error["type"] != "value_error" else ""
    )


def _model_at(loc: tuple[Any, ...]) -> type[BaseModel] | None:
    """The model that owns a location of a validation error."""
    models: list[type[BaseModel]] = [StrategySpec]
    for part in loc:
        following: list[type[BaseModel]] = []
        for model in models:
            info = model.model_fields.get(str(part))
            if info is None:
                info = next((f for f in model.model_fields.values() if f.alias == part), None)
            if info is not None:
                following += _models_in(info.annotation)
        tagged = [m for m in models if m.__name__.lower() in (f"{part}of", str(part))]
        models = following or tagged or models
    return models[-1] if models else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is None:
        return []
    found: list[type[BaseModel]] = []
    for arg in get_args(annotation):
        if (
            get_origin(arg) in (Union, types.UnionType, tuple, list, dict)
            or isinstance(arg, type)
            or get_origin(arg)
        ):
            found += _models_in(arg)
    return found


def _plain(value: Any) -> Any:
    """Numbers in one spelling (50.0 is 50), keys in order."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {k: _plain(value[k]) for k in sorted(value)}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def canonical(spec: StrategySpec) -> dict[str, Any]:
    """The spec without defaults, keys sorted, numbers in one spelling. Frozen within v1."""
    tree: dict[str, Any] = _plain(spec.model_dump(mode="json", exclude_defaults=True, by_alias=True))
    return tree


def canonical_json(spec: StrategySpec) -> str:
    """Canonical JSON as one line; its hash is the spec version."""
    return dumps(canonical(spec))


def dumps(tree: Any) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def spec_hash(spec: StrategySpec) -> str:
    """sha256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()


def trading_hash(spec: StrategySpec) -> str:
    """sha256 over what can affect a trade: names, grid, thresholds and outputs left out."""
    return trading_hash_of(canonical(spec))


def trading_hash_of(tree: Mapping[str, Any]) -> str:
    """`trading_hash` of a canonical tree."""
    kept = {k: v for k, v in tree.items() if k not in NOT_TRADING}
    if isinstance(kept.get("backtest"), Mapping):
        kept["backtest"] = {k: v for k, v in kept["backtest"].items() if k != "benchmark"}
        if not kept["backtest"]:
            del kept["backtest"]
    return hashlib.sha256(dumps(kept).encode()).hexdigest()


def set_path(tree: Any, path: str, value: Any) -> None:
    """Set `risk_exits.take_profit_pct` or `entry.signal_logic.0.params.length` in a decoded spec, in place."""
    parts = path.split(".")
    node = tree
    for i, part in enumerate(parts[:-1]):
        if isinstance(node, list):
            node = node[_index(node, part, path)]
            continue
        child = node.get(part)
        if child is None:
            child = node[part] = {}
        elif isinstance(child, str) and i < len(parts) - 1 and part == "target":
            from engine.core.conditions import operand_of

            child = node[part] = operand_of(child)
        if not isinstance(child, dict | list):
            raise SpecError(f"{path}: {part} is {child!r}, which has no fields; set it as a whole.")
        node = child
    if isinstance(node, list):
        node[_index(node, parts[-1], path)] = value
    else:
        node[parts[-1]] = value


def _index(node: list[Any], part: str, path: str) -> int:
    if not (part.isascii() and part.isdigit() and int(part) < len(node)):
        raise SpecError(f"{path}: {part!r} is not a place in a list of {len(node)}; use 0..{len(node) - 1}.")
    return int(part)


def with_overrides(spec: StrategySpec, overrides: Mapping[str, Any]) -> StrategySpec:
    """The spec with values set by path, checked again."""
    tree = spec.model_dump(mode="json", exclude_unset=True, by_alias=True)
    for path, value in overrides.items():
        set_path(tree, path, value)
    return build_spec(tree)
