"""Spec texts in and out: safe parsing, one-line errors, canonical JSON, hashes, overrides by path.

Files of older dialects are read as what they mean in Spec v1 (`engine.core.dialects`); all that goes out is v1.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from engine.core.conditions import operand_of
from engine.core.dialects import Normal, normalised
from engine.core.errors import NotFound, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault, field_errors, shorten

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
NOT_TRADING = (
    *("name", "slug", "idea_family", "description", "broker", "kpi_thresholds", "outputs", "sweep"),
    "monitor_greeks",
)


class Read(NamedTuple):
    """What came of a decoded spec: the spec or its faults, and what an older dialect's keys became."""

    spec: StrategySpec | None
    faults: list[Fault]
    normal: Normal


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

    try:
        tree = json.loads(
            decoded,
            object_pairs_hook=partial(_unique, where),
            parse_constant=partial(_no_constant, where),
            parse_float=partial(_finite, where),
            parse_int=partial(_whole, where),
        )
    except json.JSONDecodeError as err:
        raise SpecError(
            f"{where}: not JSON at line {err.lineno}, column {err.colno}: {err.msg}. Mend it there."
        ) from None
    _check_surrogates(decoded, tree, where)
    return tree


def _unique(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpecError(f"{where}: key {shorten(key)} stands twice in one object; keep one of them.")
        found[key] = value
    return found


def _no_constant(where: str, name: str) -> Any:
    raise SpecError(f"{where}: {name} is not a number that JSON knows; write a finite number.")


def _finite(where: str, text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise SpecError(f"{where}: {text[:40]} is too large for a number; write one under 1.8e308.")
    return number


def _whole(where: str, text: str) -> int:
    if len(text) > 310:
        raise SpecError(f"{where}: a number of {len(text):,} digits is too large; write one under 1.8e308.")
    return int(text)


def _check_surrogates(text: str, tree: Any, where: str) -> None:
    """A lone \\ud800 is legal JSON and no character: it can be neither written nor hashed."""
    if "\\ud" not in text.lower():
        return
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise SpecError(
            f"{where}: a text holds half of a surrogate pair (\\ud800 to \\udfff), which is no character. Remove it."
        ) from None


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
    """A checked spec from decoded JSON. Raises SpecError with the first fault."""
    return _sound(read_tree(tree), where)


def _sound(read: Read, where: str) -> StrategySpec:
    if read.spec is None:
        n = len(read.faults)
        more = f" ({n - 1} more; `python -m engine spec check` lists all.)" if n > 1 else ""
        raise SpecError(f"{where}: {read.faults[0]}{more}")
    return read.spec


def check_tree(tree: Any) -> tuple[StrategySpec | None, list[str]]:
    """The spec of decoded JSON and no faults, or None and every fault as a sentence."""
    spec, faults = check_fields(tree)
    return spec, [str(fault) for fault in faults]


def check_fields(tree: Any) -> tuple[StrategySpec | None, list[Fault]]:
    """`check_tree` with the place of each fault, for a form that shows it at its field."""
    read = read_tree(tree)
    return read.spec, read.faults


def read_tree(tree: Any) -> Read:
    """`check_fields` with the dialect of the tree and every mapping; faults stand where the file has them."""
    try:
        normal = normalised(tree)
    except RecursionError:
        return Read(None, [Fault((), "nested too deep; flatten it.")], Normal(tree))
    if normal.faults and normal.dialect is None:
        return Read(None, list(normal.faults), normal)
    spec, faults = _check_v1(normal.tree)
    faults = [normal.as_written(fault) for fault in faults]
    if normal.faults:  # what only follows from them is not told: of the others, those at a value of the file
        known = {fault.path for fault in normal.faults}
        plain = [one for one in faults if not isinstance(value_at(tree, one.path, {}), dict | list)]
        faults = [*normal.faults, *(one for one in plain if one.path not in known)]
        spec = None
    return Read(spec, faults, normal)


def value_at(tree: Any, path: Iterable[str], default: Any = None) -> Any:
    """What stands at a path of decoded JSON, places of a list by number; `default` where nothing does."""
    for part in path:
        if isinstance(tree, list) and part.isdecimal() and int(part) < len(tree):
            tree = tree[int(part)]
        elif isinstance(tree, dict) and part in tree:
            tree = tree[part]
        else:
            return default
    return tree


def paths_in(tree: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each value of decoded JSON, through objects and lists of objects."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        path = (*at, str(key))
        has_objects = isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if value and (has_objects or isinstance(value, dict)):
            yield from paths_in(value, path)
        else:
            yield path


def _check_v1(tree: Any) -> tuple[StrategySpec | None, list[Fault]]:
    if not isinstance(tree, dict):
        return None, [Fault((), f"must be one JSON object {{...}}, got {type(tree).__name__}.")]
    try:
        return StrategySpec.model_validate(tree), []
    except ValidationError as err:
        return None, field_errors(err)
    except RecursionError:
        return None, [Fault((), "nested too deep; flatten it.")]


def load_spec(path: Path) -> StrategySpec:
    """The spec in a file."""
    return read_spec(path)[0]


def read_spec(path: Path) -> tuple[StrategySpec, Normal]:
    """The spec in a file, and what an older dialect's keys became."""
    read = read_tree(read_json(path))
    return _sound(read, path.name), read.normal


def read_json(path: Path) -> Any:
    """The decoded JSON of a spec file, within the caps of `parse_json`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
            size = path.stat().st_size
    except FileNotFoundError:
        raise NotFound(
            f"{path}: no such spec file; give the path of a JSON file, for example specs/sma_crossover.json."
        ) from None
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or err
        raise SpecError(f"{path}: cannot be read ({reason}); give the path of a JSON file.") from None
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{path.name}: {size:,} bytes; at most {MAX_BYTES:,} are allowed. Shorten the file.")
    return parse_json(raw, path.name)


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


def by_default(normal: Normal, spec: StrategySpec) -> tuple[str, ...]:
    """Keys that an older file has from Spec v1 with their default values: neither mapped nor in the canonical form."""
    mapped, tree = [f"{one.new}." for one in normal.mappings if one.new], canonical(spec)
    found = [".".join(path) for path in paths_in(normal.tree) if value_at(tree, path) is None]
    return tuple(one for one in found if not any(f"{one}.".startswith(new) for new in mapped))


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
    return hashlib.sha256(dumps(trading_part(tree)).encode()).hexdigest()


def trading_part(tree: Mapping[str, Any]) -> dict[str, Any]:
    """What of a canonical tree can affect a trade."""
    kept = {k: v for k, v in tree.items() if k not in NOT_TRADING}
    if isinstance(kept.get("backtest"), Mapping):
        kept["backtest"] = {k: v for k, v in kept["backtest"].items() if k != "benchmark"}
        if not kept["backtest"]:
            del kept["backtest"]
    return kept


def set_path(tree: Any, path: str, value: Any) -> None:
    """Set `risk_exits.take_profit_pct` or `entry.signal_logic.0.params.length` in a decoded spec, in place.

    A part that is not there yet is made; a short `target` (`SMA_50`) is written out first. SpecError where a part
    of the path has no fields, or a list has no such place.
    """
    parts = path.split(".")
    if not all(parts):
        raise SpecError(
            f"{path!r} is not a path; write names with single dots, such as risk_exits.stop_loss_pct."
        )
    node = tree
    for i, part in enumerate(parts[:-1]):
        node = _step(node, part, path, of_list=parts[i + 1].isdigit())
    last = parts[-1]
    if isinstance(node, list):
        node[_index(node, last, path)] = value
    else:
        node[last] = value


def _step(node: Any, part: str, path: str, *, of_list: bool) -> Any:
    """The child `part` of `node`; made if absent, unless a place in a list is asked of it (`of_list`)."""
    key: Any = _index(node, part, path) if isinstance(node, list) else part
    child = node[key] if isinstance(node, list) else node.get(key)
    if child is None:
        if of_list:
            raise SpecError(f"{path}: {part} is empty, it has no places; set {part} as a whole.")
        child = node[key] = {}
    elif part == "target" and isinstance(child, str):
        try:
            child = node[key] = operand_of(child)
        except ValueError as err:
            raise SpecError(f"{path}: {err}.") from None
    if not isinstance(child, dict | list):
        raise SpecError(f"{path}: {part} is {shorten(child)}, which has no fields; set it as a whole.")
    return child


def _index(node: list[Any], part: str, path: str) -> int:
    if part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(node):
        return int(part)
    allowed = f"use 0 to {len(node) - 1}" if node else "it is empty; set it as a whole"
    raise SpecError(f"{path}: {part!r} is not a place in a list of {len(node)}; {allowed}.")


def with_overrides(spec: StrategySpec, overrides: Mapping[str, Any], where: str = "spec") -> StrategySpec:
    """The spec with values set by path, checked again (about 0.05 ms).

    Paths and units are Spec v1's, in whatever dialect its file is. What the spec leaves open stays open, so a hash
    differs by what was set and nothing else.
    """
    tree = spec.model_dump(mode="json", exclude_unset=True, by_alias=True)
    for path, value in overrides.items():
        set_path(tree, path, copy.deepcopy(value) if isinstance(value, dict | list) else value)
    return _sound(Read(*_check_v1(tree), Normal(tree)), where)


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a spec file."""
    schema = StrategySpec.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_standard_bounds(schema)}


_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def _standard_bounds(node: Any) -> Any:
    """pydantic leaves `ge` where a validator stands before an optional number; JSON Schema calls it `minimum`."""
    if isinstance(node, dict):
        return {
            _BOUNDS.get(k, k) if isinstance(v, int | float) else k: _standard_bounds(v)
            for k, v in node.items()
        }
    return [_standard_bounds(v) for v in node] if isinstance(node, list) else node
