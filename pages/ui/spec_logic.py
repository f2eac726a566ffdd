"""The form of a named logic: which one, its rules in words, and a field for each of its parameters."""

from __future__ import annotations

import streamlit as st

from engine.core.spec import EntrySpec
from engine.signals.logic import REGISTRY, logic_sentences
from engine.signals.logic.contract import NamedLogic
from pages.ui import guard, spec_actions
from pages.ui.spec_calls import show_calls
from pages.ui.spec_fields import Doc, help_of, key_of, plain_fields, show_faults, show_field, slot
from pages.ui.spec_text import Path, shown

NAME: Path = ("entry", "logic")
PARAMS: Path = ("entry", "logic_params")


def show_named_logic(doc: Doc) -> None:
    held = doc.value(NAME)
    _show_choice(doc, held)
    logic = REGISTRY.get(held) if isinstance(held, str) else None
    if logic is None or not isinstance(doc.value(PARAMS), dict | None):
        if logic is not None or doc.value(PARAMS) is not None:
            show_field(doc, PARAMS, EntrySpec.model_fields[PARAMS[-1]])
        return
    _show_rules(doc)
    _show_params(doc, logic)
    if "calls" in logic.params.model_fields:
        named = (doc.value(PARAMS) or {}).get("calls", logic.params.model_fields["calls"].default)
        show_calls(doc, (*PARAMS, "calls"), str(named))


def _show_choice(doc: Doc, held: object) -> None:
    options: list[str | None] = [None, *sorted(REGISTRY)]
    value = held if held in options else shown(held)
    if value not in options:
        options.append(value)
    key = key_of(NAME)
    st.session_state[key] = value
    with slot(doc, NAME, 320):
        st.selectbox("Logic", options, key=key, disabled=doc.locked, help=help_of(EntrySpec.model_fields[NAME[-1]]),
                     format_func=_title, on_change=spec_actions.choose_logic,
                     args=(doc.draft, NAME, PARAMS, key))  # fmt: skip


def _title(name: str | None) -> str:
    if name is None:
        return "none: conditions decide"
    return REGISTRY[name].title if name in REGISTRY else name


def _show_rules(doc: Doc) -> None:
    if doc.checked.spec is not None:
        st.caption(guard.plain(" ".join(logic_sentences(doc.checked.spec))))


def _show_params(doc: Doc, logic: NamedLogic) -> None:
    known = {name for name, _ in plain_fields(logic.params)}
    show_faults(doc.checked.at(PARAMS))
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        for name, info in plain_fields(logic.params):
            show_field(doc, (*PARAMS, name), info)
    for name in doc.value(PARAMS) or {}:
        if name not in known:
            show_faults(doc.checked.at((*PARAMS, name)))
