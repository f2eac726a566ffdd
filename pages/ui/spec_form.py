"""The form of a spec, part by part. Which part is open stands in the URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.core.spec import AxisSpec, EntrySpec, ExitSpec, SpecModel, StrategySpec
from engine.core.spec_walk import bare, is_model
from pages.ui import guard, spec_actions, state
from pages.ui.spec_conditions import show_conditions
from pages.ui.spec_fields import Doc, help_of, label_of, plain_fields, show_faults, show_field, show_json
from pages.ui.spec_logic import NAME, PARAMS, show_named_logic
from pages.ui.spec_text import Path

_FIRST_ITEM: dict[str, Any] = {
    "targets": {"gain_pct": 1, "share_pct": 50},
    "legs": {"right": "CALL", "dte": 30, "delta": 0.3},
}


def show_form(doc: Doc) -> None:
    """The parts as a row of buttons, faults counted, and the one that is chosen."""
    if doc.checked.tree is None:
        st.info("The form opens once the text is a JSON object. Mend it in the JSON view.")
        return
    state.from_url(state.FORM_PART, list(PARTS), "Idea")
    chosen = st.pills("Part", list(PARTS), key=state.FORM_PART, required=True, label_visibility="collapsed",
                      format_func=lambda part: _counted(doc, part), on_change=state.to_url,
                      args=(state.FORM_PART,))  # fmt: skip
    if doc.locked:
        st.caption("A version never changes. Edit begins a draft of it.")
    PARTS[chosen or "Idea"](doc)


def part_of(path: Path) -> str:
    """The part of the form that shows a path."""
    for part, heads in _HEADS.items():
        if any(path[: len(head)] == head for head in heads):
            return part
    return "Idea"


def _counted(doc: Doc, part: str) -> str:
    n = sum(bool(one.path) and part_of(one.path) == part for one in doc.checked.problems)
    return f"{part} · {n}" if n else part


def _show_fields(doc: Doc, path: Path, model: type[BaseModel], *names: str) -> None:
    """Fields side by side, as many as fit; all plain ones where no names are given."""
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        for name, info in plain_fields(model):
            if not names or name in names:
                show_field(doc, (*path, name), info)


def _show_part(doc: Doc, name: str, title: str = "") -> None:
    """All of one part: its plain fields, then each part inside it."""
    info = StrategySpec.model_fields[name]
    show_model(doc, (name,), bare(info.annotation), title)


def show_model(doc: Doc, path: Path, model: type[BaseModel], title: str = "") -> None:
    if title:
        st.markdown(f"**{title}**")
    show_faults(doc.checked.at(path))
    held = doc.value(path)
    if held is not None and not isinstance(held, dict):
        show_json(doc, path, label_of(path[-1]))
        return
    _show_fields(doc, path, model)
    for name, info in model.model_fields.items():
        kind = bare(info.annotation)
        if is_model(kind):
            _show_inner(doc, (*path, name), kind, info)
        elif get_origin(kind) is tuple and is_model(bare(get_args(kind)[0])):
            show_items(doc, (*path, name), bare(get_args(kind)[0]))


def _show_inner(doc: Doc, path: Path, model: type[BaseModel], info: FieldInfo) -> None:
    """A part of its own, such as day rules; one that may be absent has a switch."""
    if info.default is not None:
        show_model(doc, path, model, label_of(path[-1]))
        return
    key = f"has_{'.'.join(path)}"
    st.session_state[key] = is_set = doc.value(path) is not None
    st.toggle(label_of(path[-1]), key=key, disabled=doc.locked, help=help_of(info), on_change=_switch,
              args=(doc.draft, path, key))  # fmt: skip
    if is_set:
        show_model(doc, path, model)


def _switch(draft: str, path: Path, key: str) -> None:
    """Action: put an optional part in, empty, or take it out."""
    spec_actions.write_value(draft, path, {} if st.session_state[key] else None)


def show_items(doc: Doc, path: Path, model: type[BaseModel]) -> None:
    """A list of parts, such as targets: each with its fields, one more, one less."""
    st.markdown(f"**{label_of(path[-1])}**")
    show_faults(doc.checked.at(path))
    held = doc.value(path) or []
    if not isinstance(held, list):
        show_json(doc, path, label_of(path[-1]))
        return
    for i, _ in enumerate(held):
        with st.container(
            border=True, horizontal=True, vertical_alignment="top", key=f"item_{'.'.join(path)}_{i}"
        ):
            with st.container(width="stretch"):
                show_model(doc, (*path, str(i)), model)
            _show_remove(doc, (*path, str(i)))
    if doc.locked and not held:
        st.caption("None.")
    if not doc.locked:
        st.button(f"Add {label_of(path[-1]).lower().removesuffix('s')}", key=f"add_{'.'.join(path)}",
                  icon=":material/add:", on_click=spec_actions.add_item,
                  args=(doc.draft, path, _FIRST_ITEM.get(path[-1], {})))  # fmt: skip


def _show_remove(doc: Doc, path: Path) -> None:
    if not doc.locked:
        st.button("Remove", key=f"remove_{'.'.join(path)}", icon=":material/close:", type="tertiary",
                  on_click=spec_actions.remove_item, args=(doc.draft, path))  # fmt: skip


# ---------------------------------------------------------------- the parts


def _idea(doc: Doc) -> None:
    _show_fields(doc, (), StrategySpec, "name", "slug", "idea_family", "description")
    st.markdown("**Market**")
    _show_fields(doc, (), StrategySpec, "universe", "timeframe", "direction", "asset_class")


def _entry(doc: Doc) -> None:
    """Conditions or a named logic, whichever the draft has; then limits."""
    is_named = doc.value(NAME) is not None or doc.value(PARAMS) is not None
    if is_named:
        show_named_logic(doc)
    if not is_named or any(doc.value(("entry", name)) for name in ("signal_logic", "short_signal_logic")):
        _show_entry_conditions(doc)
    _show_without_logic(doc, "entry", EntrySpec)
    if not is_named:
        with st.expander("A named logic instead of conditions"):
            show_named_logic(doc)


def _show_entry_conditions(doc: Doc) -> None:
    both = doc.value(("direction",)) == "both"
    show_conditions(doc, ("entry", "signal_logic"), "Open a long when" if both else "Open a position when",
                    "No condition: a position is wanted at every bar.")  # fmt: skip
    if both or doc.value(("entry", "short_signal_logic")):
        show_conditions(doc, ("entry", "short_signal_logic"), "Open a short when", "No condition yet.")


def _exits(doc: Doc) -> None:
    both = doc.value(("direction",)) == "both"
    _show_without_logic(doc, "risk_exits", ExitSpec)
    show_conditions(doc, ("risk_exits", "signal_logic"), "Close a long when" if both else "Close the position when",
                    "No condition closes a position.")  # fmt: skip
    if both or doc.value(("risk_exits", "short_signal_logic")):
        show_conditions(
            doc, ("risk_exits", "short_signal_logic"), "Close a short when", "No condition closes a short."
        )


def _show_without_logic(doc: Doc, name: str, model: type[SpecModel]) -> None:
    """The rest of entry or exits; option filters stand under Options."""
    st.markdown("**Limits**" if name == "entry" else "**Stops, target, time**")
    show_faults(doc.checked.at((name,)))
    held = doc.value((name,))
    if held is not None and not isinstance(held, dict):
        show_json(doc, (name,), label_of(name))
        return
    elsewhere = {NAME[-1], PARAMS[-1], *(head[-1] for head in _HEADS["Options"])}
    _show_fields(doc, (name,), model, *(n for n, _ in plain_fields(model) if n not in elsewhere))
    for field, info in model.model_fields.items():
        kind = bare(info.annotation)
        if is_model(kind) and field != "filters":
            _show_inner(doc, (name, field), kind, info)
    if name == "risk_exits":
        show_items(doc, (name, "targets"), bare(get_args(bare(model.model_fields["targets"].annotation))[0]))


def _options(doc: Doc) -> None:
    st.caption(
        "The legs of one position, and what it becomes later. The reading of the spec shows what it pays off."
    )
    show_items(doc, ("legs",), bare(get_args(bare(StrategySpec.model_fields["legs"].annotation))[0]))
    for name in ("conversion", "roll"):
        info = StrategySpec.model_fields[name]
        _show_inner(doc, (name,), bare(info.annotation), info)
    filters = EntrySpec.model_fields["filters"]
    show_model(doc, ("entry", "filters"), bare(filters.annotation), "Filters of the chain")
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        for head, name in (head for head in _HEADS["Options"] if head[0] == "risk_exits"):
            show_field(doc, (head, name), ExitSpec.model_fields[name])
        show_field(doc, ("monitor_greeks",), StrategySpec.model_fields["monitor_greeks"])


def _more(doc: Doc) -> None:
    _show_part(doc, "kpi_thresholds", "What makes a candidate")
    _show_part(doc, "broker", "Deployment")
    show_field(doc, ("outputs",), StrategySpec.model_fields["outputs"])


def _sweep(doc: Doc) -> None:
    """The grid: one row a parameter, by path or alias."""
    grid = doc.value(("sweep", "grid"))
    st.markdown("**Parameters**")
    show_faults(doc.checked.at(("sweep",)))
    if isinstance(grid, dict | None):
        for name in grid or {}:
            with st.container(border=True, key=f"axis_{name}"):
                with st.container(
                    horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
                ):
                    st.markdown(f"**{guard.plain(name)}**", width="content")
                    _show_remove(doc, ("sweep", "grid", name))
                show_faults(doc.checked.at(("sweep", "grid", name)))
                _show_fields(doc, ("sweep", "grid", name), AxisSpec)
    else:
        show_json(doc, ("sweep", "grid"), "Grid")
    if not doc.locked:
        _show_new_axis(doc)
    _show_fields(doc, ("sweep",), bare(StrategySpec.model_fields["sweep"].annotation), "where", "aliases")


def _show_new_axis(doc: Doc) -> None:
    with (
        st.form("new_axis", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(
            "Sweep another parameter", key="axis_path", placeholder="risk_exits.stop_loss_pct", width=320
        )
        st.form_submit_button("Add", icon=":material/add:", on_click=_add_axis, args=(doc.draft,))


def _add_axis(draft: str) -> None:
    name = st.session_state["axis_path"].strip()
    if name:
        spec_actions.write_value(draft, ("sweep", "grid", name), {"start": 1, "stop": 5, "step": 1})


def _named(name: str) -> Callable[[Doc], None]:
    return lambda doc: _show_part(doc, name)


PARTS: dict[str, Callable[[Doc], None]] = {
    "Idea": _idea,
    "Entry": _entry,
    "Exits": _exits,
    "Size": _named("sizing"),
    "Costs": _named("costs"),
    "Window": _named("backtest"),
    "Data": _named("data"),
    "Options": _options,
    "Sweep": _sweep,
    "More": _more,
}
_HEADS: dict[str, tuple[Path, ...]] = {
    "Options": (
        ("legs",), ("conversion",), ("roll",), ("entry", "filters"), ("risk_exits", "max_loss_is_initial_debit"),
        ("risk_exits", "close_before_expiry_days"), ("risk_exits", "let_expire"),
        ("risk_exits", "target_of_max_value_pct"),
        ("monitor_greeks",),
    ),
    "Entry": (("entry",),),
    "Exits": (("risk_exits",),),
    "Size": (("sizing",),),
    "Costs": (("costs",),),
    "Window": (("backtest",),),
    "Data": (("data",),),
    "Sweep": (("sweep",),),
    "More": (("kpi_thresholds",), ("broker",), ("outputs",)),
}  # fmt: skip
