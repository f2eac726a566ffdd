"""The spec reference, `docs/spec-reference.md`, made from the models; `engine.signals.reference` adds named logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from engine.core.conditions import OPENING_RANGE_NAMES, PRICE_NAMES, Comparison, Operand
from engine.core.spec_text import dumps
from engine.core.spec_walk import bare, bounds, is_model, leaves, tagged_models, unit, words

HEAD = "| field | type | unit | bounds | default | meaning |\n|---|---|---|---|---|---|"

INTRO = """# Strategy Spec v1: reference

Made from the models by `python -m engine.signals.reference > docs/spec-reference.md`; a test keeps it fresh.

A spec is one JSON object. `python -m engine spec check FILE` tells every fault, `spec show FILE` prints the canonical
form (without defaults, keys sorted), `spec schema` prints the JSON Schema. Percent fields hold percent: 50 means 50 %.
Numbers are finite JSON numbers; a whole number may be written 50.0. Unknown fields are errors. A file has at most
1,000,000 bytes and 24 levels. `[]` stands for a place in a list (in a path `risk_exits.targets.0.gain_pct`), `*` for a
name of yours.
"""

CONDITIONS = """## Conditions

`entry.signal_logic` and its siblings are lists of conditions that must all be true. A condition is a comparison or
one of these:

| form | true where |
|---|---|
| `{"all": [...]}` | every part is true |
| `{"any": [...]}` | at least one part is true |
| `{"not": {...}}` | the part is false |

An indicator that is not warm yet is undefined; a comparison with it is neither true nor false, and only true acts.

A comparison names its left side by its own fields, then `operator`, then one right side: `value` or `target`.

```json
{"name": "SMA", "params": {"length": 20}, "operator": "cross_above", "target": "SMA_50"}
{"type": "price", "name": "close", "operator": ">",
 "target": {"type": "opening_range", "name": "high", "params": {"minutes": 30}}}
{"name": "RSI", "params": {"length": 14}, "operator": "between", "value": [30, 70]}
{"not": {"type": "day_of_week", "operator": "==", "value": 5}}
{"type": "time", "operator": ">=", "value": "10:00"}
{"any": [{"name": "SMA", "symbol": "QQQ", "timeframe": "1D", "operator": ">", "target": "SMA_200"},
         {"type": "regime", "name": "trend", "operator": "==", "value": "up"}]}
```

Operators: `<` `<=` `>` `>=` `==`, `between` (both ends included, `value: [low, high]`), `cross_above` and `cross_below`
(on this bar beyond, on the bar before not; equality is not beyond).

Short forms of `target`: `SMA_50` (an indicator and its length), `close` (a price field), `vwap`. The canonical form
writes them out.

| type | names | meaning |
|---|---|---|
"""

TYPES = (
    ("indicator", "TA-Lib names: SMA, EMA, RSI, ATR, ...", "an indicator on the series' own bars"),
    ("price", ", ".join(PRICE_NAMES), "a field of the bar"),
    ("vwap", "", "volume-weighted average price since the session's open"),
    (
        "opening_range",
        ", ".join(OPENING_RANGE_NAMES),
        "range of the session's first `params.minutes`, known once complete",
    ),
    ("gap", "", "the session's open against the close before, in percent"),
    ("day_of_week", "", "weekday of the session date, Monday = 1"),
    ("time", "", "clock time of the bar's end in the exchange's zone"),
    (
        "regime",
        "trend, volatility; empty for both",
        "a label of market state (`up`, `calm`, `up_calm`), compared with ==",
    ),
)

SWEEP = """## Sweeps

`sweep.grid` maps a parameter's path, or an alias, to a list (`values`), a range (`start`, `stop`, `step`; decimals are
exact and the stop is included when a step meets it) or a log range (`start`, `stop`, `num`, `log`). `sweep.aliases`
names paths; an alias with several paths moves them together. `sweep.where` holds conditions between parameters by
alias, or by the last part of the path: names, numbers, `+ - * /`, comparisons, `and`, `or`, `not`. Examples:
`fast < slow`, `slow >= 2 * fast`.

Configs are ordered by the parameters' first paths, the last one moving fastest.
"""


NAMED = """## Named logic

`entry.logic` chooses one of these instead of conditions; its parameters stand under `entry.logic_params` and can be
swept there. [Named logic](named-logic.md) tells how they work and how to add one.
"""


class LogicEntry(NamedTuple):
    """A named logic as the reference shows it. bars: any, intraday or daily."""

    name: str
    title: str
    bars: str
    params: type[BaseModel]


def reference(logics: Sequence[LogicEntry]) -> str:
    """The whole reference as markdown."""
    parts = [
        INTRO,
        "## Fields\n",
        HEAD,
        *(_row(path, info) for path, _, info in leaves()),
        "",
        CONDITIONS.rstrip(),
    ]
    parts += [f"| `{name}` | {names} | {meaning} |" for name, names, meaning in TYPES]
    parts += ["", "### Fields of a comparison\n", HEAD]
    parts += [_row(name, info) for name, info in Comparison.model_fields.items()]
    parts += [
        "",
        "A `target` in its long form has the fields " + _listed(Operand) + ".",
        "",
        NAMED.rstrip(),
        *(line for one in logics for line in _named(one)),
        "",
        SWEEP.rstrip(),
        "",
    ]
    return "\n".join(parts)


def _named(one: LogicEntry) -> list[str]:
    rows = [_row(f"entry.logic_params.{name}", info) for name, info in one.params.model_fields.items()]
    return ["", f"### `{one.name}`: {one.title}, on {one.bars} bars\n", HEAD, *rows]


def defaults() -> dict[str, Any]:
    """Default of every field by path; required fields are left out."""
    every = [*leaves(), *((f"condition.{n}", Comparison, f) for n, f in Comparison.model_fields.items())]
    return {path: _default(info) for path, _, info in every if info.default is not PydanticUndefined}


def _row(path: str, info: FieldInfo) -> str:
    default = "required" if info.default is PydanticUndefined else _shown(_default(info))
    cells = [f"`{path}`", _type(info.annotation), unit(info), bounds(info), default, info.description or ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(kind: Any) -> str:
    kind = bare(kind)
    if getattr(kind, "__origin__", None) is tuple and kind.__args__[-1] is Ellipsis:
        inner = bare(kind.__args__[0])
        return "list of conditions" if tagged_models(inner) else f"list, each {_type(inner)}"
    if getattr(kind, "__origin__", None) is dict:
        return f"object, each value {_type(kind.__args__[1])}"
    return "object" if is_model(kind) else words(kind)


def _default(info: FieldInfo) -> Any:
    value = info.default
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return to_jsonable_python(value)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return f"`{dumps(int(value) if isinstance(value, float) and value.is_integer() else value)}`"


def _listed(model: type[BaseModel]) -> str:
    return ", ".join(f"`{name}`" for name in model.model_fields)
