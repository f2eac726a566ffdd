"""What of a spec can be swept: every number, switch and choice that may differ between the configs of one sweep.

Read from the spec's models, so that a new field needs no second entry here. Nothing heavy is imported: pages ask this.
Names that the spec itself gives to parameters (`sweep.aliases`) stand first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.core.conditions import AllOf, AnyOf, Comparison, Condition, NotOf, Operand
from engine.core.spec import StrategySpec
from engine.core.spec_options import LegSpec
from engine.core.spec_walk import bare, is_model, leaves, unit
from engine.signals.indicator_table import find
from engine.signals.logic import REGISTRY
from engine.signals.talib_names import ALIASES
from engine.signals.tree import PLACES
from engine.sweep.leg_names import short_name
from engine.sweep.option_candidates import leg_bounds, leg_label, leg_part, suits, suits_leg
from engine.sweep.paths import ONE_FOR_ALL

Kind = Literal["int", "float", "bool", "choice", "clock", "text"]
Value = bool | int | float | str

NAMED = "Named by the spec"
PARTS = {
    "timeframe": "Bars",
    "direction": "Entry",
    "entry": "Entry",
    "legs": "Legs",
    "conversion": "Conversion",
    "roll": "Rolling",
    "risk_exits": "Exits",
    "sizing": "Sizing",
    "costs": "Costs",
    "backtest": "Account",
}
PLACE_WORDS = {
    "entry.signal_logic": "Entry",
    "entry.short_signal_logic": "Short entry",
    "risk_exits.signal_logic": "Exit",
    "risk_exits.short_signal_logic": "Short exit",
}
SIZES = (
    "equity_pct",
    "quantity",
    "cash",
    "risk_pct",
    "debit_pct",
)  # the one that `sizing.mode` names decides, so mode stays
COUNTS = ("length", "fast", "slow", "signal", "minutes")  # parameters in whole bars or minutes
OPERATOR_WORDS = {
    "cross_above": "crosses above",
    "cross_below": "crosses below",
    "==": "is",
    "between": "between",
}


@dataclass(frozen=True)
class Candidate:
    """One parameter that a sweep may vary.

    paths   : what it sets; several move together. name: what conditions and results would call it.
    part    : part of the spec, for grouping; label: what a person reads; help: what it means.
    present : its value in the spec, None where it is not set.
    lower, upper : bounds, both allowed; None where there is none. `open_lower`: the lower bound itself is not allowed.
    """

    paths: tuple[str, ...]
    name: str
    part: str
    label: str
    kind: Kind
    present: Value | None = None
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    open_lower: bool = False
    choices: tuple[Value, ...] = ()
    help: str = ""

    @property
    def path(self) -> str:
        return self.paths[0]


def candidates(spec: StrategySpec) -> list[Candidate]:
    """All parameters of `spec` that can be swept: its own names, conditions, named logic, then the fields."""
    found = [*_of_conditions(spec), *_of_named_logic(spec), *_of_fields(spec)]
    named = list(_of_aliases(spec, {one.path: one for one in found}))
    known = {one.paths for one in named}
    return [*named, *(one for one in found if one.paths not in known)]


def twins(spec: StrategySpec, path: str) -> list[str]:
    """Other paths of conditions that hold the same parameter of the same operand: what one mostly moves together.

    The fast average of an entry has its twin in the exit.
    """
    operands = dict(_operands(spec))
    owner, _, last = path.rpartition(".params.")
    operand = operands.get(owner)
    if operand is None:
        return []
    return [
        f"{prefix}.params.{last}"
        for prefix, other in operands.items()
        if prefix != owner and last in other.params and _identity(other) == _identity(operand)
    ]


def _identity(operand: Operand) -> tuple[Any, ...]:
    """What makes two operands the same column; the high and the low of an opening range belong together."""
    name = "" if operand.type == "opening_range" else operand.name
    return operand.type, name, operand.params, operand.symbol, operand.timeframe


def _of_aliases(spec: StrategySpec, known: Mapping[str, Candidate]) -> Iterator[Candidate]:
    for name, given in spec.sweep.aliases.items():
        paths = (given,) if isinstance(given, str) else tuple(given)
        like = known.get(paths[0])
        if like is None:
            continue
        together = f" and {len(paths) - 1} more together" if len(paths) > 1 else ""
        yield Candidate(
            **{
                **vars(like),
                "paths": paths,
                "name": name,
                "part": NAMED,
                "label": f"{name}: {_whole_label(like)}{together}",
            }
        )


def _whole_label(like: Candidate) -> str:
    """A leg's field with its leg, which the part of a named parameter does not tell."""
    return f"{like.part}: {like.label.lower()}" if like.path.startswith("legs.") else like.label


# ---------------------------------------------------------------- conditions


def _of_conditions(spec: StrategySpec) -> Iterator[Candidate]:
    for prefix, operand in _operands(spec):
        place = next(place for place in PLACES if prefix.startswith(f"{place}."))
        at = prefix.removeprefix(f"{place}.").partition(".")[0]
        part = f"{PLACE_WORDS[place]} condition {int(at) + 1}"
        yield from _of_operand(prefix, operand, part)


def _operands(spec: StrategySpec) -> Iterator[tuple[str, Operand]]:
    """(path, operand) of both sides of every comparison; the left side's path is the comparison's."""
    for place in PLACES:
        logic = reduce(getattr, place.split("."), spec)
        for i, condition in enumerate(logic):  # type: ignore[var-annotated, arg-type]
            for prefix, comparison in _comparisons(f"{place}.{i}", condition):
                yield prefix, comparison
                if comparison.target is not None:
                    yield f"{prefix}.target", comparison.target


def _comparisons(prefix: str, node: Condition) -> Iterator[tuple[str, Comparison]]:
    if isinstance(node, NotOf):
        yield from _comparisons(f"{prefix}.not", node.not_)
    elif isinstance(node, AllOf | AnyOf):
        name = "all" if isinstance(node, AllOf) else "any"
        for i, part in enumerate(getattr(node, name)):
            yield from _comparisons(f"{prefix}.{name}.{i}", part)
    else:
        yield prefix, node


def _of_operand(prefix: str, operand: Operand, part: str) -> Iterator[Candidate]:
    what = words_of(operand)
    for key, value in {**operand.params, **_defaults(operand)}.items():
        counts = key in COUNTS or key.endswith("period")
        yield Candidate(
            (f"{prefix}.params.{key}",), _plain_name(key), part, f"{what}: {key}",
            "int" if counts else _free_kind(value), value, "minutes" if key == "minutes" else "bars" if counts else "",
            1 if counts else None, (1439 if key == "minutes" else 100_000) if counts else None,
            help=f"Parameter {key} of {what}.",
        )  # fmt: skip
    if isinstance(operand, Comparison):
        yield from _of_value(prefix, operand, part, what)
    yield Candidate(
        (f"{prefix}.shift",), "shift", part, f"{what}: shift", "int", operand.shift, "bars", 0, 10_000,
        help=f"Take {what} this many bars ago.",
    )  # fmt: skip


def _defaults(operand: Operand) -> dict[str, Value]:
    """Parameters of an indicator that the spec leaves at their defaults."""
    found = find(operand.name) if operand.type == "indicator" else None
    if found is None:
        return {}
    given = {ALIASES.get(key.lower(), key.lower()) for key in operand.params}
    given |= {"length"} if "timeperiod" in given else set()
    plain = {name: int(value) if value == int(value) else value for name, value in found.params.items()}
    return {name: value for name, value in plain.items() if name not in given and not name.endswith("matype")}


def _of_value(prefix: str, one: Comparison, part: str, what: str) -> Iterator[Candidate]:
    """The number or text on the right side; both ends of `between`."""
    said = OPERATOR_WORDS.get(one.operator, one.operator)
    if isinstance(one.value, tuple):
        for i, (word, value) in enumerate(zip(("low", "high"), one.value, strict=True)):
            yield Candidate((f"{prefix}.value.{i}",), word, part, f"{what} {said}: {word}", "float", value)
    elif isinstance(one.value, str):
        kind: Kind = "clock" if one.type == "time" else "text"
        yield Candidate((f"{prefix}.value",), "value", part, f"{what} {said}", kind, one.value)
    elif one.value is not None:
        help = f"Right side of the comparison with {what}."
        yield Candidate(
            (f"{prefix}.value",), "level", part, f"{what} {said}: level", "float", one.value, help=help
        )


def words_of(operand: Operand) -> str:
    """'SMA(10)', 'close', 'high of the opening range', with the symbol or bars if they are others."""
    given = ", ".join(str(value) for value in operand.params.values())
    if operand.type == "opening_range":
        text = f"{operand.name} of the opening range"
    else:
        text = operand.name or operand.type.replace("_", " ")
        text += f"({given})" if given else ""
    return " ".join(part for part in (operand.symbol, text, operand.timeframe) if part)


# ---------------------------------------------------------------- fields


def _of_fields(spec: StrategySpec) -> Iterator[Candidate]:
    for path, owner, info in leaves():
        head = path.partition(".")[0]
        if path == "legs" and spec.is_options:
            yield from _of_legs(spec)
        if head not in PARTS or head == "legs" or path in PLACES or _is_fixed(path) or not suits(spec, path):
            continue
        if path in {f"sizing.{size}" for size in ("mode", *SIZES)} and path != f"sizing.{spec.sizing.mode}":
            continue
        for place in _places(spec, path):
            found = _of_field(spec, place, owner, info)
            if found is not None:
                yield found


def _is_fixed(path: str) -> bool:
    """One for all configs of a sweep."""
    return any(path == head or path.startswith(f"{head}.") for head in ONE_FOR_ALL)


def _places(spec: StrategySpec, path: str) -> list[str]:
    """`targets[].gain_pct` once for each target that the spec has."""
    before, list_mark, after = path.partition("[].")
    if not list_mark:
        return [path]
    items: Sequence[Any] = reduce(getattr, before.split("."), spec)  # type: ignore[arg-type, assignment]
    return [f"{before}.{i}.{after}" for i in range(len(items))]


def _of_field(spec: StrategySpec, path: str, owner: type[BaseModel], info: FieldInfo) -> Candidate | None:
    kind = _kind_of_field(info)
    if kind is None:
        return None
    *above, last = path.split(".")
    low, high, is_open = _bounds(info)
    choices: tuple[Value, ...] = get_args(bare(info.annotation)) if kind == "choice" else ()
    return Candidate(
        (path,), _plain_name(last), PARTS[path.partition(".")[0]], _label(above[1:], last), kind, _present(spec, path),
        unit(info), low, high, is_open, (False, True) if kind == "bool" else choices, info.description or "",
    )  # fmt: skip


def _of_legs(spec: StrategySpec) -> Iterator[Candidate]:
    """The fields of each leg, under names that tell which leg."""
    for i, leg in enumerate(spec.legs):
        for field, info in LegSpec.model_fields.items():
            path = f"legs.{i}.{field}"
            found = _of_field(spec, path, LegSpec, info) if suits_leg(leg, field) else None
            if found is not None:
                lower, upper = leg_bounds(leg, field, found.lower, found.upper)
                yield replace(
                    found, name=short_name(spec, path), part=leg_part(leg, i + 1), label=leg_label(field),
                    unit="" if field == "delta" else found.unit, lower=lower, upper=upper,
                )  # fmt: skip


def _of_named_logic(spec: StrategySpec) -> Iterator[Candidate]:
    """Every parameter of the spec's named logic, set or not; of one that is not known here, those that are set."""
    logic, given = REGISTRY.get(spec.entry.logic or ""), spec.entry.logic_params
    known = {} if logic is None else logic.params.model_fields
    for key, info in known.items():
        found = _of_param(
            f"{spec.entry.logic}: {key.replace('_', ' ')}", key, info, given.get(key, info.default)
        )
        yield from () if found is None else (found,)
    for key in given.keys() - known.keys():
        path, label = f"entry.logic_params.{key}", f"{spec.entry.logic}: {key}"
        yield Candidate((path,), _plain_name(key), "Entry", label, _free_kind(given[key]), given[key])


def _of_param(label: str, key: str, info: FieldInfo, present: Value) -> Candidate | None:
    kind = _kind_of_field(info)
    if kind is None:
        return None
    low, high, is_open = _bounds(info)
    choices = get_args(bare(info.annotation)) if kind == "choice" else (False, True) if kind == "bool" else ()
    return Candidate(
        (f"entry.logic_params.{key}",), _plain_name(key), "Entry", label, kind, present,
        unit(info), low, high, is_open, choices, info.description or "",
    )  # fmt: skip


def _kind_of_field(info: FieldInfo) -> Kind | None:
    """None for what holds other fields, and for texts that are no choice."""
    kind = bare(info.annotation)
    if get_origin(kind) is Literal:
        return "choice"
    if is_model(kind) or get_origin(kind) is not None:
        return None
    if kind is str:
        return "clock" if unit(info) == "HH:MM" else None
    return {bool: "bool", int: "int", float: "float"}.get(kind)  # type: ignore[return-value]


def _free_kind(value: Value) -> Kind:
    """Of a parameter without a field of its own: a whole number may become 1.5."""
    return "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "float"


def _bounds(info: FieldInfo) -> tuple[float | None, float | None, bool]:
    """(least, greatest, whether the least itself is refused)."""
    low = high = None
    is_open = False
    for mark in info.metadata:
        if getattr(mark, "gt", None) is not None:
            low, is_open = mark.gt, True
        low = mark.ge if getattr(mark, "ge", None) is not None else low
        for name in ("le", "lt"):
            high = getattr(mark, name) if getattr(mark, name, None) is not None else high
    return low, high, is_open


def _present(spec: StrategySpec, path: str) -> Value | None:
    node: Any = spec
    for part in path.split("."):
        if node is None:
            return None
        node = node[int(part)] if isinstance(node, tuple) else getattr(node, part)
    return node  # type: ignore[no-any-return]


def _label(middle: Sequence[str], last: str) -> str:
    """risk_exits.trailing.trail_pct -> 'Trailing, trail'; units are told beside it."""
    groups = [f"target {int(part) + 1}" if part.isdigit() else part.replace("_", " ") for part in middle]
    if groups[:1] == ["targets"]:
        groups = groups[1:]
    for suffix in ("_pct", "_bps", "_minutes", "_days"):
        last = last.removesuffix(suffix)
    text = ", ".join([*groups, last.replace("_", " ")]).replace("iv percentile", "IV percentile")
    return text[:1].upper() + text[1:]


def _plain_name(text: str) -> str:
    """A word that conditions may use."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in text)
    return name if name.isidentifier() else f"p_{name}"
