"""A draft in an older dialect: what each of its keys means in Spec v1, and the way there."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from engine.core.dialects import Normal
from pages.ui import formats, spec_actions, state
from pages.ui.spec_fields import Doc


def show_older(doc: Doc) -> None:
    """Above every view of the draft: the dialect, its mappings, and the button that rewrites it."""
    older = doc.checked.older
    if older is None or older.dialect is None:
        return
    n = formats.plural(len(older.mappings), "mapping")
    with st.container(border=True, key="spec_older"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f":material/history: **Written in the dialect of {older.dialect.name}; {n} to Spec v1.** "
                        "It runs as it is; the form opens once it is converted.", width="stretch")  # fmt: skip
            st.button("Convert to v1", key=state.CONVERT_SPEC, icon=":material/published_with_changes:",
                      disabled=doc.checked.spec is None, on_click=spec_actions.convert, args=(doc.draft,),
                      help=None if doc.checked.spec else "Mend the faults below first.")  # fmt: skip
        with st.expander("What each key becomes, and why"):
            st.dataframe(mapping_rows(older), hide_index=True, placeholder=formats.DASH, height="content",
                         column_config=_columns(), alt="Keys of the older dialect and those of Spec v1")  # fmt: skip


def mapping_rows(older: Normal) -> list[dict[str, str]]:
    """One row a mapping; a key without effect has no new one."""
    return [
        {
            "Key": one.old,
            "Value": _shown(one.before),
            "In Spec v1": one.new or "no effect",
            "Becomes": _shown(one.after) if one.new else "",
            "Why": one.why,
        }
        for one in older.mappings
    ]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _columns() -> dict[str, Any]:
    widths = {"Key": 260, "Value": 110, "In Spec v1": 260, "Becomes": 110, "Why": 380}
    return {name: st.column_config.TextColumn(name, width=width) for name, width in widths.items()}
