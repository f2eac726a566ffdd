"""The parameters of a grid and the conditions between them, each with its own fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from engine.core.spec import StrategySpec
from engine.sweep.axes import Axis
from engine.sweep.candidates import Candidate, twins
from engine.sweep.review import Review
from engine.sweep.suggest import suggested
from pages.ui import formats, guard, sweep_builder_state
from pages.ui.sweep_builder_draft import (
    LIST,
    LOG,
    MAX_AXES,
    MAX_CONDITIONS,
    MODES,
    RANGE,
    AxisDraft,
    Draft,
    added,
    parsed_list,
    shown,
    with_axis_paths,
)

Candidates = Mapping[str, Candidate]
ADD = "add_parameter"
PAUSE = "400ms"  # without a key struck, then the count follows what was typed
BOXES = {
    RANGE: (("start", "First"), ("stop", "Last"), ("step", "Step")),
    LOG: (("start", "First"), ("stop", "Last"), ("num", "How many")),
}


def show_axes(spec: StrategySpec, draft: Draft, known: Candidates, review: Review) -> None:
    st.subheader("Parameters", anchor=False)
    if not draft.axes:
        st.info("No parameter varies yet. Add one below; a range around its present value is filled in.",
                icon=":material/tune:")  # fmt: skip
    for axis, read, fault in zip(draft.axes, review.axes, review.faults, strict=True):
        _show_axis(spec, axis, known, read, fault)
    _show_add(spec, draft, known)


def show_conditions(draft: Draft, review: Review) -> None:
    st.subheader("Conditions", anchor=False)
    names = " ".join(f"`{axis.name}`" for axis in draft.axes)
    st.caption(
        "Combinations that do not meet every condition are left out."
        + (f" Names to use: {names}" if names else "")
    )
    faults = iter(review.where_faults)
    for i, text in enumerate(draft.where):
        fault = next(faults, None) if text.strip() else None
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text_input(
                f"Condition {i + 1}", text, key=sweep_builder_state.key(f"where_{len(draft.where)}_{i}"),
                label_visibility="collapsed", placeholder=_example(draft),
                on_change=_type_condition, args=(i, len(draft.where)), live=PAUSE,
            )  # fmt: skip
            st.button("", key=sweep_builder_state.key(f"drop_where_{i}"), icon=":material/close:", type="tertiary",
                      help="Take this condition out", on_click=_drop_condition, args=(i,))  # fmt: skip
        show_fault(fault)
    if len(draft.where) < MAX_CONDITIONS:
        st.button("Add a condition", key="add_condition", icon=":material/add:", on_click=_add_condition)


def show_fault(fault: str | None) -> None:
    """One line at the place of the fault."""
    if fault:
        st.markdown(f":red[:material/error: {guard.plain(fault)}]")


# ---------------------------------------------------------------- one parameter


def _show_axis(
    spec: StrategySpec, axis: AxisDraft, known: Candidates, read: Axis | None, fault: str | None
) -> None:
    one = known.get(" ".join(axis.paths)) or known.get(axis.paths[0])
    with st.container(border=True, key=f"axis_{axis.id}", gap="small"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            st.markdown(
                _title(axis, one), width="stretch", help="  \n".join(f"`{path}`" for path in axis.paths)
            )
            with st.container(horizontal=True, gap="small", width="content", vertical_alignment="center"):
                _show_together(spec, axis, known)
                st.button("", key=sweep_builder_state.key(f"drop_{axis.id}"), icon=":material/delete:",
                          type="tertiary", help=f"Take {axis.name} out", on_click=_drop, args=(axis.id,))  # fmt: skip
        _show_boxes(axis, one)
        if fault:
            show_fault(fault)
        elif read is not None:
            st.caption(guard.plain(preview(read)))


def _title(axis: AxisDraft, one: Candidate | None) -> str:
    """'**fast** · SMA(10): length and 1 more together · now 10 bars'."""
    parts = [f"**{guard.plain(axis.name)}**"]
    if one is not None:
        label = one.label.removeprefix(f"{axis.name}: ")
        extra = len(axis.paths) - len(one.paths)
        more = f" and {extra} more together" if extra > 0 else ""
        parts.append(
            guard.plain(f"{one.part}: {label}{more}" if one.part != "Named by the spec" else label + more)
        )
        parts.append(f":gray[{guard.plain(present(one))}]")
    else:
        parts.append(guard.plain(axis.paths[0]))
    return " · ".join(parts)


def present(one: Candidate) -> str:
    """'now 10 bars', 'not set'."""
    if one.present is None:
        return f"not set, {one.unit}" if one.unit else "not set"
    return f"now {shown(one.present)} {one.unit}".rstrip()


def _show_boxes(axis: AxisDraft, one: Candidate | None) -> None:
    if one is not None and one.kind in ("bool", "choice"):
        _show_choices(axis, one)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        if one is None or one.kind in ("int", "float"):
            _control(axis, "mode", lambda key: st.segmented_control(
                "Values as", MODES, default=axis.mode, key=key, required=True, width="content",
                label_visibility="collapsed", on_change=_type, args=(axis.id, "mode")))  # fmt: skip
        if axis.mode == LIST:
            _box(axis, "values", "Values", axis.values, "5, 10, 20")
        for name, label in BOXES.get(axis.mode, ()):
            _box(axis, name, label, getattr(axis, name), "", width=72)


def _control(axis: AxisDraft, name: str, draw: Any) -> None:
    draw(sweep_builder_state.key(f"{axis.id}_{name}"))


def _box(axis: AxisDraft, name: str, label: str, text: str, example: str, width: Any = "stretch") -> None:
    st.text_input(label, text, key=sweep_builder_state.key(f"{axis.id}_{name}"), placeholder=example, width=width,
                  on_change=_type, args=(axis.id, name), live=PAUSE)  # fmt: skip


def _show_choices(axis: AxisDraft, one: Candidate) -> None:
    options = [shown(choice) for choice in one.choices]
    chosen = [shown(value) for value in parsed_list(axis.values)]
    st.pills("Values", options, selection_mode="multi", default=[c for c in options if c in chosen],
             key=sweep_builder_state.key(f"{axis.id}_values"), on_change=_type, args=(axis.id, "values"))  # fmt: skip


def _show_together(spec: StrategySpec, axis: AxisDraft, known: Candidates) -> None:
    """Name, and the other paths that take the same value in every config."""
    with st.popover(
        "", icon=":material/link:", type="tertiary", help="Its name, and what moves together with it"
    ):
        st.text_input("Name in conditions and results", axis.name, key=sweep_builder_state.key(f"{axis.id}_name"),
                      on_change=_type, args=(axis.id, "name"))  # fmt: skip
        near = list(dict.fromkeys([*axis.paths[1:], *twins(spec, axis.paths[0])]))
        single = [one.path for one in known.values() if len(one.paths) == 1]
        options = [*near, *(path for path in single if path not in near and path != axis.paths[0])]
        st.multiselect(
            "Moves together with", options, default=[path for path in axis.paths[1:] if path in options],
            key=sweep_builder_state.key(f"{axis.id}_together"), format_func=lambda path: _worded(path, known),
            on_change=_tie, args=(axis.id,), placeholder="Nothing else",
            help="They take the same value in every config, such as the fast average of the entry and of the exit.",
        )  # fmt: skip


def _worded(path: str, known: Candidates) -> str:
    one = known.get(path)
    return path if one is None else f"{one.part}: {one.label}"


def preview(axis: Axis) -> str:
    """'5, 10, 15, ..., 60: 12 values'."""
    values = [shown(value) for value in axis.values]
    told = values if len(values) <= 12 else [*values[:5], "…", values[-1]]
    return f"{', '.join(told)}: {formats.plural(len(values), 'value')}"


def _show_add(spec: StrategySpec, draft: Draft, known: Candidates) -> None:
    if len(draft.axes) >= MAX_AXES:
        st.caption(f"{MAX_AXES} parameters are the most that a grid holds.")
        return
    used = {axis.paths for axis in draft.axes}
    options = [name for name, one in known.items() if one.paths not in used]
    st.selectbox(
        "Add a parameter", options, index=None, key=ADD, placeholder="Add a parameter: type to search",
        format_func=lambda name: f"{known[name].part} · {known[name].label} · {present(known[name])}",
        on_change=_add, args=(spec, known), label_visibility="collapsed",
    )  # fmt: skip


def _example(draft: Draft) -> str:
    names = [axis.name for axis in draft.axes]
    return f"{names[0]} < {names[1]}" if len(names) > 1 else "fast < slow"


# ---------------------------------------------------------------- actions


def _type(axis_id: int, name: str) -> None:
    typed = sweep_builder_state.value(f"{axis_id}_{name}")
    text = ", ".join(typed) if isinstance(typed, list | tuple) else str(typed or "").strip()
    sweep_builder_state.change(lambda draft: _typed(draft, axis_id, name, text))


def _typed(draft: Draft, axis_id: int, name: str, text: str) -> Draft:
    if name == "mode":
        axis = draft.axis(axis_id)
        return draft if axis is None else draft.with_axis(axis_id, **in_mode(axis, text))
    return draft.with_axis(axis_id, **{name: text})


def in_mode(axis: AxisDraft, mode: str) -> dict[str, str]:
    """What changes with another way to give values; boxes that are empty begin with what the others say."""
    changes = {"mode": mode}
    numbers = [v for v in parsed_list(axis.values) if isinstance(v, int | float) and not isinstance(v, bool)]
    if mode != LIST and numbers:
        changes |= {"start": axis.start or shown(min(numbers)), "stop": axis.stop or shown(max(numbers))}
    if mode == LOG and not axis.num:
        changes["num"] = "8"
    return changes


def _tie(axis_id: int) -> None:
    others = tuple(sweep_builder_state.value(f"{axis_id}_together") or ())
    sweep_builder_state.change(lambda draft: with_axis_paths(draft, axis_id, others))


def _drop(axis_id: int) -> None:
    sweep_builder_state.change(lambda draft: draft.without(axis_id))


def _add(spec: StrategySpec, known: Candidates) -> None:
    one = known.get(st.session_state.get(ADD) or "")
    st.session_state[ADD] = None
    if one is not None:
        sweep_builder_state.change(lambda draft: added(draft, one, suggested(spec, one)))


def _type_condition(i: int, n: int) -> None:
    text = str(sweep_builder_state.value(f"where_{n}_{i}") or "")
    sweep_builder_state.change(
        lambda draft: replace(draft, where=(*draft.where[:i], text, *draft.where[i + 1 :]))
    )


def _drop_condition(i: int) -> None:
    sweep_builder_state.change(lambda draft: replace(draft, where=(*draft.where[:i], *draft.where[i + 1 :])))
    here = sweep_builder_state.held()
    if here is not None:
        sweep_builder_state.put(here.draft, anew=True)


def _add_condition() -> None:
    sweep_builder_state.change(lambda draft: replace(draft, where=(*draft.where, "")))
