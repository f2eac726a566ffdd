"""A draft in an older dialect: what each of its keys means in Spec v1, and the way there."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import streamlit as st

from engine.core.dialects import Mapping, Normal
from pages.ui import formats, spec_actions, state
from pages.ui.palette import Palette, palette
from pages.ui.spec_fields import Doc

MOST_SHOWN = 60  # letters of a value


def show_older(doc: Doc) -> None:
    """Above every view of the draft: the dialect, the button that rewrites it, and its mappings."""
    older = doc.checked.older
    if older is None or older.dialect is None:
        return
    n = formats.plural(len(older.mappings), "mapping")
    with st.container(border=True, key="spec_older"):
        st.markdown(f":material/history: **Written in the {older.dialect.name} dialect, {n} to Spec v1.**")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.button("Convert to v1", key=state.CONVERT_SPEC, icon=":material/published_with_changes:",
                      disabled=doc.checked.spec is None, on_click=spec_actions.convert, args=(doc.draft,),
                      help=None if doc.checked.spec else "Mend the faults below first.")  # fmt: skip
            st.caption(
                "The form opens once it is converted. A saved version is Spec v1 in any case.",
                width="stretch",
            )
        if older.sweep_note:
            st.caption(f":material/percent: {older.sweep_note[0].upper()}{older.sweep_note[1:]}.")
        with st.expander("What each key becomes, and why"):
            st.html(mappings_html(older, palette()))


def mappings_html(older: Normal, colours: Palette) -> str:
    """A row a mapping: the file's key, what it becomes, why; below each other where there is little room."""
    rows = "".join(_row(one) for one in older.mappings)
    style = f"""
    .argus-older {{ container-type: inline-size; font-size: .875rem; line-height: 1.5; }}
    .argus-older > div {{ display: grid; grid-template-columns: 5fr 5fr 4fr; gap: 0 1.25rem; padding: .4rem 0;
      border-top: 1px solid {colours.rule}; overflow-wrap: anywhere; }}
    .argus-older > div:first-of-type {{ border-top: 0; }}
    .argus-older b {{ font-weight: 600; }}
    .argus-older span {{ color: {colours.muted}; }}
    @container (max-width: 640px) {{ .argus-older > div {{ grid-template-columns: 1fr; }}
      .argus-older > div > div:nth-child(2)::before {{ content: "→ "; }} }}"""
    return f"<style>{style}</style><div class='argus-older'>{rows}</div>"


def _row(one: Mapping) -> str:
    """A value that changed is set in bold; a key without effect says so."""
    after = f"<b>{_value(one.after)}</b>" if one.is_conversion else _value(one.after)
    new = f"{escape(one.new)} = {after}" if one.new else "<span>no effect</span>"
    return (
        f"<div><div>{escape(one.old)} = {_value(one.before)}</div><div>{new}</div>"
        f"<div><span>{escape(one.why)}</span></div></div>"
    )


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…")
