"""Conditions of a spec as small forms: a column, how it compares, a value or another column."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import TypeAdapter, ValidationError

from engine.core.condition_words import condition_words
from engine.core.conditions import OPENING_RANGE_NAMES, PRICE_NAMES, Comparison, Condition, Operand
from engine.core.fields import ParamValue, field
from engine.signals.indicator_table import Function, find, functions, plain
from pages.ui import guard, spec_actions, spec_fields
from pages.ui.spec_fields import Doc, show_faults, show_field, show_json, slot
from pages.ui.spec_text import Path, put, scalar, shown, value_at

KINDS = {
    "indicator": "Indicator",
    "price": "Price",
    "vwap": "VWAP",
    "opening_range": "Opening range",
    "gap": "Opening gap",
    "day_of_week": "Weekday",
    "time": "Time",
    "regime": "Regime",
}
OPERATORS = {
    "cross_above": "crosses above", "cross_below": "crosses below", ">": "is above", "<": "is below",
    ">=": "is at or above", "<=": "is at or below", "==": "is", "between": "is between",
}  # fmt: skip
NEW = {"name": "SMA", "params": {"length": 20}, "operator": "cross_above",
       "target": {"name": "SMA", "params": {"length": 50}}}  # fmt: skip
NEW_GROUP = {"any": [NEW, {"not": {"type": "time", "operator": "<", "value": "10:00"}}]}
_NAMES = {"price": PRICE_NAMES, "opening_range": OPENING_RANGE_NAMES, "regime": ("", "trend", "volatility")}
_FIRST = {"indicator": {"name": "SMA", "params": {"length": 20}}, "price": {"name": "close"},
          "opening_range": {"name": "high", "params": {"minutes": 30}}, "regime": {"name": "trend"}}  # fmt: skip
_PARAM = field(None, "A parameter of the indicator; without it TA-Lib's own default.")
_CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


def show_conditions(doc: Doc, path: Path, title: str, without: str) -> None:
    """A list of conditions that must all hold; `without` says what none means."""
    held = doc.value(path)
    st.markdown(f"**{title}**")
    show_faults(doc.checked.at(path))
    if held is not None and not isinstance(held, list):
        show_json(doc, path, title)
        return
    if not held:
        st.caption(without)
    for i, item in enumerate(held or []):
        _show_item(doc, (*path, str(i)), item, i)
    if not doc.locked:
        with st.container(horizontal=True, gap="small"):
            st.button("Add condition", key=f"add_{'.'.join(path)}", icon=":material/add:",
                      on_click=spec_actions.add_item, args=(doc.draft, path, NEW))  # fmt: skip
            st.button("Add any / all / not", key=f"group_{'.'.join(path)}", icon=":material/account_tree:",
                      type="tertiary", on_click=spec_actions.add_item, args=(doc.draft, path, NEW_GROUP))  # fmt: skip


def words_of(item: Any) -> str:
    """A condition in words; nothing where it is not valid."""
    try:
        return condition_words(_CONDITION.validate_python(item))
    except (ValidationError, RecursionError):
        return ""


def _show_item(doc: Doc, path: Path, item: Any, i: int) -> None:
    with st.container(border=True, key=f"condition_{'.'.join(path)}"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        words = words_of(item)
        lead = "and " if i else "when "
        left.markdown(f"{lead}**{guard.plain(words)}**" if words else f"{lead}…")
        if not doc.locked:
            right.button("Remove", key=f"remove_{'.'.join(path)}", icon=":material/close:", type="tertiary",
                         width="stretch", on_click=spec_actions.remove_item, args=(doc.draft, path))  # fmt: skip
        if _is_plain(item):
            _show_comparison(doc, path, item)
        else:
            show_json(doc, path, "Condition", height=190)
            for one in doc.checked.problems:
                if one.path[: len(path)] == path:
                    show_faults([f"At {one}"])


def _is_plain(item: Any) -> bool:
    """Is it one comparison, whose parts have the types that the form can show?"""
    return (
        isinstance(item, dict)
        and not {"all", "any", "not"} & set(item)
        and isinstance(item.get("name", ""), str)
        and isinstance(item.get("params", {}), dict)
        and item.get("type", "indicator") in KINDS
    )


def _show_comparison(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    show_faults(doc.checked.at(path))
    fields = Comparison.model_fields
    with st.container(horizontal=True, gap="medium", vertical_alignment="top"):
        _show_operand(doc, path, item)
        with st.container(horizontal=True, gap="small", width="content"):
            _show_operator(doc, path)
            _show_right_kind(doc, path, item)
        target = doc.value((*path, "target"))
        if isinstance(target, dict) and _is_plain(target):
            _show_operand(doc, (*path, "target"), target)
        elif target is not None:
            show_field(doc, (*path, "target"), fields["target"], label="Column")
        else:
            _show_value(doc, path, item)


def _show_operator(doc: Doc, path: Path) -> None:
    at = (*path, "operator")
    held = doc.value(at)
    held = held if held is None or isinstance(held, str) else shown(held)
    options = [*OPERATORS, *([] if held in (None, *OPERATORS) else [held])]
    with slot(doc, at, 170):
        st.selectbox("Compares", options, index=None if held is None else 0,
                     format_func=lambda one: OPERATORS.get(one, one),
                     **spec_fields.bound(doc, at, _as_it_is, held))  # fmt: skip


def _show_right_kind(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    key = f"right_{'.'.join(path)}"
    st.session_state[key] = "column" if "target" in item else "value"
    st.selectbox("With", ["value", "column"], format_func={"value": "a value", "column": "a column"}.get, key=key,
                 disabled=doc.locked, width=112, on_change=_turn_right, args=(doc.draft, path, key))  # fmt: skip


def _turn_right(draft: str, path: Path, key: str) -> None:
    """Action: compare with a value or with a column."""
    to_column = st.session_state[key] == "column"

    def turn(tree: dict[str, Any]) -> None:
        put(tree, (*path, "value"), None if to_column else 50)
        put(tree, (*path, "target"), {"name": "SMA", "params": {"length": 50}} if to_column else None)

    spec_actions.change(draft, turn)


def _show_value(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    at = (*path, "value")
    held, kind = doc.value(at), item.get("type", "indicator")
    pair = item.get("operator") == "between"
    text = ", ".join(map(shown, held)) if isinstance(held, list) else shown(held)
    label = {
        "time": "Time, HH:MM",
        "day_of_week": "Weekday, Monday = 1",
        "regime": "Label",
        "gap": "Value, %",
    }.get(kind, "Value")
    with slot(doc, at, 150):
        st.text_input("Low, high" if pair else label, placeholder="30, 70" if pair else "",
                      help="A number; `low, high` for between; HH:MM for a time; a label such as `up` for a regime.",
                      **spec_fields.bound(doc, at, _typed_value, text))  # fmt: skip


def _typed_value(typed: str) -> Any:
    parts = [scalar(part) for part in typed.split(",") if part.strip()]
    return parts if len(parts) > 1 else parts[0] if parts else None


def _as_it_is(value: Any) -> Any:
    return value


def _show_operand(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    """Which column: its kind, its name, its parameters; other bars behind a button."""
    kind = str(item.get("type", "indicator"))
    with st.container(horizontal=True, gap="small", width="content", vertical_alignment="top"):
        _show_kind(doc, path, kind)
        known = find(str(item.get("name", ""))) if kind == "indicator" else None
        if kind == "indicator":
            _show_name(doc, path, item)
        elif kind in _NAMES:
            _show_part_name(doc, path, kind, str(item.get("name", "")))
        _show_params(doc, path, item.get("params", {}), known, kind)
        _show_other_bars(doc, path, item)


def _show_kind(doc: Doc, path: Path, kind: str) -> None:
    key = f"kind_{'.'.join(path)}"
    st.session_state[key] = kind
    st.selectbox("Column", list(KINDS), format_func=KINDS.get, key=key, disabled=doc.locked, width=150,
                 on_change=_turn_kind, args=(doc.draft, path, key))  # fmt: skip


def _show_part_name(doc: Doc, path: Path, kind: str, held: str) -> None:
    at = (*path, "name")
    with slot(doc, at, 120):
        options = [*_NAMES[kind], *([] if held in _NAMES[kind] else [held])]
        st.selectbox("Which", options, format_func=lambda one: one or "both",
                     **spec_fields.bound(doc, at, _as_it_is, held))  # fmt: skip


def _turn_kind(draft: str, path: Path, key: str) -> None:
    """Action: another kind of column, with a first choice of its name; operator and right side stay."""
    kind = st.session_state[key]

    def turn(tree: dict[str, Any]) -> None:
        put(tree, (*path, "type"), None if kind == "indicator" else kind)
        for part in ("name", "params"):
            put(tree, (*path, part), _FIRST.get(kind, {}).get(part))
        if value_at(tree, path) is None:  # VWAP without a field of its own would have vanished
            put(tree, path, {"type": kind})

    spec_actions.change(draft, turn)


def _show_name(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    at = (*path, "name")
    held = str(item.get("name", ""))
    options = list(functions())
    if held.upper() in functions():
        held = held.upper()
    elif held:
        options.append(held)
    with slot(doc, at, 250):
        st.selectbox("Indicator", options, index=0 if held else None, format_func=_title, accept_new_options=True,
                     help="TA-Lib's name. Type to search; a name with an output, such as MACD_HIST, can be typed.",
                     **spec_fields.bound(doc, at, _as_it_is, held or None))  # fmt: skip


def _title(name: str) -> str:
    one = functions().get(name)
    return f"{name} · {one.title}" if one is not None else name


def _show_params(doc: Doc, path: Path, params: dict[str, Any], known: Function | None, kind: str) -> None:
    """A field for each parameter that is set or could be; one that is spelled otherwise keeps its spelling."""
    possible = known.params if known is not None else {"minutes": 30.0} if kind == "opening_range" else {}
    spelled = {plain(key): key for key in params}
    names = [spelled.get(plain(name), name) for name in possible]
    names += [key for key in params if key not in names]
    if known is not None and known.outputs and "output" not in names:
        names.append("output")
    for name in names:
        default = next((value for one, value in possible.items() if plain(one) == plain(name)), None)
        at = (*path, "params", name)
        with slot(doc, at, 104):
            hint = (
                f"{default:g}"
                if default is not None
                else ", ".join(known.outputs)
                if known and name == "output"
                else ""
            )
            st.text_input(_param_label(name), placeholder=hint, help=_PARAM.description,
                          **spec_fields.bound(doc, at, _typed_param, shown(params.get(name))))  # fmt: skip


def _param_label(name: str) -> str:
    """'fastperiod' -> 'Fast': TA-Lib's names without what they all end in."""
    words = name.removesuffix("period").replace("_", " ").strip()
    return (words or "length").capitalize()


def _typed_param(typed: str) -> ParamValue | None:
    return scalar(typed) if typed.strip() else None


def _show_other_bars(doc: Doc, path: Path, item: dict[str, Any]) -> None:
    """Symbol, timeframe and shift: seldom set, so behind a button that says when they are."""
    is_set = [name for name in ("symbol", "timeframe", "shift") if item.get(name)]
    label = ", ".join(str(item[name]) for name in is_set) if is_set else "Bars"
    with st.container(width="content", gap="xxsmall"):
        st.caption("Other bars" if is_set else "&nbsp;")
        with st.popover(label, icon=":material/tune:", help="Another symbol, other bars, an earlier bar"):
            for name in ("symbol", "timeframe", "shift"):
                show_field(doc, (*path, name), Operand.model_fields[name])
