"""The versions of a strategy, and two of them field by field and line by line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from pages.ui import formats, guard, spec_actions, state
from pages.ui.compare import flattened
from pages.ui.spec_queries import MOST_VERSIONS, Version

DEFAULT = "default"
THIS = "this draft"


def changes(old: Any, new: Any) -> list[tuple[str, str, str]]:
    """(field, before, after) of every field in which two specs differ."""
    before, after = flattened(old), flattened(new)
    told = ((name, _told(before, name), _told(after, name)) for name in dict.fromkeys([*before, *after]))
    return [one for one in told if one[1] != one[2]]


def _told(flat: dict[str, str], name: str) -> str:
    """A field that is not set stands at its default; a place in a list, such as a condition, is just not there."""
    in_list = any(part.isdecimal() for part in name.split("."))
    return flat.get(name, formats.DASH if in_list else DEFAULT)


def show_changes(old: str, new: str, names: tuple[str, str]) -> None:
    """Two JSON texts: a table of the fields that differ, then the lines."""
    found = changes(json.loads(old), json.loads(new))
    if not found:
        st.caption("They are the same in every field.")
        return
    frame = pl.DataFrame(found, schema=["Field", f"{names[0]} ", f"{names[1]}"], orient="row")
    st.markdown(f"**{formats.plural(len(found), 'field differs', 'fields differ')}**")
    st.dataframe(frame, hide_index=True, height="content" if len(found) < 15 else 520, key="spec_changes",
                 alt="Fields in which the two differ")  # fmt: skip
    with st.expander("Line by line"):
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=2)
        st.code("\n".join(lines), language="diff")


def show_versions(versions: Sequence[Version], at_hash: str, draft_text: str | None) -> None:
    """Two of a strategy's versions to compare; a draft is compared with the version it began from."""
    if not versions:
        st.caption("Nothing to compare with: no version of this strategy is saved yet.")
        return
    by_hash = {one.hash: one for one in versions}
    if draft_text is None and len(versions) < 2:
        st.caption("This is the only version that somebody wrote. Edit begins a draft of it.")
        return
    if len(versions) >= MOST_VERSIONS:
        st.caption(f"The newest {MOST_VERSIONS} versions that somebody wrote.")
    new_options = ([THIS] if draft_text is not None else []) + list(by_hash)
    old, new = _show_choice(by_hash, new_options, at_hash, draft_text is not None)
    new_text = draft_text if new == THIS else by_hash[new].text
    show_changes(by_hash[old].text, new_text or "{}", (_short(by_hash, old), _short(by_hash, new)))
    if new != THIS and new != at_hash:
        st.button(f"Open {new[:12]}", key="open_new", icon=":material/open_in_new:",
                  on_click=spec_actions.open_version, args=(new,))  # fmt: skip


def _show_choice(
    by_hash: dict[str, Version], new_options: list[str], at_hash: str, is_draft: bool
) -> tuple[str, str]:
    hashes = list(by_hash)
    start_new = THIS if is_draft else at_hash if at_hash in hashes else hashes[0]
    others = [one for one in hashes if one != start_new]
    start_old = at_hash if is_draft and at_hash in hashes else _before(hashes, start_new) or others[0]
    with st.container(horizontal=True, gap="medium"):
        old = st.selectbox("From", hashes, index=hashes.index(start_old), key=state.OLD, width=420,
                           format_func=lambda one: _label(by_hash[one]))  # fmt: skip
        new = st.selectbox("To", new_options, index=new_options.index(start_new), key=state.NEW, width=420,
                           format_func=lambda one: THIS if one == THIS else _label(by_hash[one]))  # fmt: skip
    return old, new


def _before(hashes: list[str], one: str) -> str:
    """The version saved before this one; hashes are newest first."""
    at = hashes.index(one) + 1 if one in hashes else len(hashes)
    return hashes[at] if at < len(hashes) else ""


def _label(one: Version) -> str:
    return f"{one.created_at:%Y-%m-%d %H:%M} · {one.hash[:12]} · {guard.plain(one.name)}"


def _short(by_hash: dict[str, Version], one: str) -> str:
    return one if one == THIS else f"{one[:12]}"
