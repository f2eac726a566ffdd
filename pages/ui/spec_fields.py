"""Widgets made from the fields of the spec models: label, unit, help, bounds and default come from the field.

Numbers and times are text fields on purpose: a value out of bounds stays as it was typed, with the engine's own words
below it, where a number field would change it silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from engine.core.condition_words import WEEKDAYS, number
from engine.core.spec_walk import bare, bounds, is_model, is_union, unit
from pages.ui import guard, spec_actions, state
from pages.ui.palette import palette
from pages.ui.spec_text import Checked, Path, fragment, scalar, shown, value_at

WIDE = {"description", "universe", "where", "outputs", "waive", "name"}
NARROW = {"start", "stop", "step", "num", "log"}
LINES = {"where"}  # lists whose items may hold a comma: one a line
_UNSET = "not set"
_MEASURED = re.compile("_(pct|bps|minutes|days|bars|ticks)$")
_SAID = {"cash_rate": "interest on cash", "dow_in": "weekdays", "tz": "time zone", "signal_logic": "conditions",
         "max_trades_per_day": "trades a day", "dte": "days to expiration", "qty": "quantity"}  # fmt: skip


@dataclass(frozen=True)
class Doc:
    """What a form shows. draft: its id, "" for a version, which nobody edits."""

    draft: str
    checked: Checked

    @property
    def locked(self) -> bool:
        return not self.draft

    def value(self, path: Path) -> Any:
        return value_at(self.checked.tree, path)


def key_of(path: Path) -> str:
    return state.FIELD + ".".join(path)


def label_of(name: str, info: FieldInfo | None = None) -> str:
    """'stop_loss_pct' -> 'Stop loss, % of entry'; a unit that the name says anyhow is not said twice."""
    measure = unit(info) if info is not None else ""
    words = _MEASURED.sub("", name) if measure else name.removesuffix("_pct")
    words = _SAID.get(words, words.replace("_", " "))
    label = words[:1].upper() + words[1:]
    says_it = measure.rpartition(" ")[2] in words.split() or measure.startswith("ISO")
    return f"{label}, {measure}" if measure and not says_it else label


def show_field(doc: Doc, path: Path, info: FieldInfo, *, label: str = "", width: int = 0) -> None:
    """One field with its faults below it."""
    name, kind = path[-1], bare(info.annotation)
    draw = _widget_for(kind, doc.value(path))
    fitting = 480 if name in WIDE or draw is _show_json else 104 if name in NARROW else 226
    with slot(doc, path, width or fitting):
        draw(doc, path, info, label or label_of(name, info))


@contextmanager
def slot(doc: Doc, path: Path, width: int) -> Iterator[None]:
    """The place of one widget, its faults below it."""
    faults = doc.checked.at(path)
    with st.container(width=width, gap="xxsmall", key=f"{'bad' if faults else 'ok'}_{key_of(path)}"):
        yield
        show_faults(faults)


def show_faults(faults: Sequence[str]) -> None:
    for said in faults:
        st.markdown(f":small[:red[:material/error: {guard.plain(said[:1].upper() + said[1:])}]]")


def show_style() -> None:
    """A red frame around a field with a fault, for which the theme has no state; code letters for JSON."""
    inputs = "[data-testid='stTextInputRootElement'], [data-testid='stTextAreaRootElement'], [role='group']"
    red = st.get_option(f"theme.{'dark' if palette().is_dark else 'light'}.redColor")
    code = f".st-key-{state.SPEC_JSON} textarea, [class*='_json'] textarea"
    st.html(
        f"<style>[class*='st-key-bad_'] :is({inputs}) {{ border-color: {red} !important; }}"
        f"{code} {{ font-family: {st.get_option('theme.codeFont')}; font-size: .8125rem; line-height: 1.5;"
        "white-space: pre; overflow-x: auto; }</style>"
    )


Draw = Callable[[Doc, Path, FieldInfo, str], None]


def _widget_for(kind: Any, value: Any) -> Draw:
    """The widget that can show the value; a text field shows any."""
    if kind is bool and isinstance(value, bool | None):
        return _show_toggle
    if get_origin(kind) is Literal:
        return _show_choice
    if get_origin(kind) is dict or (get_origin(kind) is tuple and not isinstance(value, list | None)):
        return _show_json
    if get_origin(kind) is tuple:
        return _show_list
    return _show_text if not isinstance(value, dict | list) else _show_json


def bound(doc: Doc, path: Path, read: Callable[[Any], Any], value: Any, suffix: str = "") -> dict[str, Any]:
    """Arguments that every widget has: it shows the draft's value, whoever changed it, and writes what it is given.

    read : makes the JSON value of what the widget holds. suffix: keeps kinds of widgets at one path apart.
    """
    key = key_of(path) + suffix
    st.session_state[key] = value
    return {
        "key": key,
        "disabled": doc.locked,
        "on_change": spec_actions.write_field,
        "args": (doc.draft, path, key, read),
    }


def _show_text(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    is_text = bare(info.annotation) is str
    read = _typed_text if is_text else _typed_scalar
    common = bound(doc, path, read, shown(doc.value(path)))
    if path[-1] == "description":
        st.text_area(label, help=help_of(info), height=110, **common)
        return
    st.text_input(label, help=help_of(info), placeholder=default_of(info), **common)


def _typed_text(typed: str) -> str | None:
    return typed or None


def _typed_scalar(typed: str) -> Any:
    return scalar(typed) if typed.strip() else None


def _show_toggle(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    held = doc.value(path)
    common = bound(doc, path, bool, bool(info.default) if held is None else held)
    st.toggle(label, help=help_of(info), **common)


def _show_choice(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    options: list[Any] = list(get_args(bare(info.annotation)))
    held = doc.value(path)
    if held is None and info.default is not PydanticUndefined:
        held = info.default
    if held is not None and held not in options:
        options.append(shown(held))
    shown_as = None if held is None else held if held in options else shown(held)
    common = bound(doc, path, lambda value: value, shown_as)
    st.selectbox(
        label,
        options,
        help=help_of(info),
        placeholder=default_of(info),
        index=None if info.default is None else 0,
        **common,
    )


def _show_list(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    held = doc.value(path)
    if path[-1] == "dow_in" and all(day in range(1, 8) for day in held or []):
        _show_weekdays(doc, path, info, label)
        return
    if path[-1] in LINES:
        common = bound(doc, path, _typed_lines, "\n".join(map(shown, held or [])))
        st.text_area(f"{label}, one a line", help=help_of(info), height=80, **common)
        return
    read = _typed_symbols if path[-1] == "universe" else _typed_list
    common = bound(doc, path, read, ", ".join(map(shown, held or [])))
    st.text_input(label, help=help_of(info), placeholder=default_of(info), **common)


def _show_weekdays(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    held = doc.value(path) or list(info.default)
    common = bound(doc, path, sorted, list(held), "_days")
    st.pills(label, range(1, 8), selection_mode="multi", format_func=lambda day: WEEKDAYS[day - 1][:3],
             help=help_of(info), **common)  # fmt: skip


def _typed_list(typed: str) -> list[Any] | None:
    return [scalar(part) for part in typed.split(",") if part.strip()] or None


def _typed_symbols(typed: str) -> list[str] | None:
    return [part.upper() for part in typed.replace(",", " ").split()] or None


def _typed_lines(typed: str) -> list[str] | None:
    return [line.strip() for line in typed.splitlines() if line.strip()] or None


def _show_json(doc: Doc, path: Path, info: FieldInfo, label: str) -> None:
    show_json(doc, path, label, help_of(info))


def show_json(doc: Doc, path: Path, label: str, help_text: str = "", *, height: int = 110) -> None:
    """A part of the JSON as text; what is no JSON stays as it was typed."""
    import json

    held = doc.value(path)
    text = (
        held
        if isinstance(held, str)
        else ""
        if held is None
        else json.dumps(held, indent=2, ensure_ascii=False)
    )
    common = bound(doc, path, _typed_fragment, text, "_json")
    st.text_area(f"{label}, JSON", help=help_text or None, height=height, **common)


def _typed_fragment(typed: str) -> Any:
    return fragment(typed) if typed.strip() else None


def help_of(info: FieldInfo) -> str | None:
    """Meaning, bounds and default, from the field."""
    parts = [info.description or ""]
    allowed = bounds(info)
    if allowed:
        parts.append(f"Allowed: {allowed}.")
    default = default_of(info)
    if default not in (_UNSET, "required", ""):
        parts.append(f"Default: {default}.")
    return guard.plain(" ".join(part for part in parts if part)) or None


def default_of(info: FieldInfo) -> str:
    """The default in short; what a field shows while it is empty."""
    value = info.default
    if value is PydanticUndefined:
        return "required"
    if value is None or value == ():
        return _UNSET
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number(value)
    plain = to_jsonable_python(value)
    return (
        ", ".join(map(str, plain))
        if isinstance(plain, list)
        else shown(plain)
        if not isinstance(plain, dict)
        else ""
    )


def plain_fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Fields that one widget can show, in the order of the model; the other ones have a form of their own."""
    return [(info.alias or name, info) for name, info in model.model_fields.items() if not _has_form(info)]


def _has_form(info: FieldInfo) -> bool:
    kind = bare(info.annotation)
    inner = [bare(arg) for arg in get_args(kind)] if get_origin(kind) in (tuple, dict) else []
    return is_model(kind) or any(
        is_model(one) or (is_union(one) and any(map(is_model, _branches(one)))) for one in inner
    )


def _branches(kind: Any) -> list[Any]:
    return [bare(arg) for arg in get_args(kind)]
