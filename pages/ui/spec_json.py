"""The JSON of a spec: an editor for a draft, the text with line numbers for a version, faults with their lines."""

from __future__ import annotations

import streamlit as st

from pages.ui import formats, guard, spec_actions, state
from pages.ui.spec_fields import Doc
from pages.ui.spec_form import part_of
from pages.ui.spec_text import Problem

MOST_SHOWN = 12
AROUND = 1  # lines before and after a fault


def show_json_view(doc: Doc) -> None:
    """Text on the left, what is wrong with it on the right."""
    problems = doc.checked.problems
    if doc.locked:
        st.code(doc.checked.text, language="json", line_numbers=True, height=640)
        return
    with st.container(
        horizontal=True, gap="medium", vertical_alignment="top"
    ):  # below each other where it is narrow
        with st.container(width=600 if problems else "stretch"):
            _show_editor(doc)
        if problems:
            with st.container(width=360):
                for one in problems[:MOST_SHOWN]:
                    _show_excerpt(doc.checked.text, one)
                _show_more(len(problems))


def _show_editor(doc: Doc) -> None:
    st.session_state[state.SPEC_JSON] = doc.checked.text
    st.text_area("Text of the draft", key=state.SPEC_JSON, height=600, label_visibility="collapsed",
                 on_change=spec_actions.write_text, args=(doc.draft, doc.checked.text, state.SPEC_JSON))  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        lines = doc.checked.text.count("\n") + (not doc.checked.text.endswith("\n"))
        st.caption(f"Ctrl-Enter keeps the text and checks it, valid or not. {formats.plural(lines, 'line')}.")
        if doc.checked.tree is not None:
            st.button("Indent", key="indent", type="tertiary", icon=":material/format_indent_increase:",
                      on_click=spec_actions.tidy, args=(doc.draft,))  # fmt: skip


def _show_excerpt(text: str, problem: Problem) -> None:
    """A fault, and its line with the ones around it."""
    st.markdown(f":small[:red[:material/error:] {guard.plain(str(problem))}]")
    if problem.line is not None:
        st.code(excerpt(text, problem.line), language=None)


def excerpt(text: str, line: int) -> str:
    """Lines around `line`, numbered, the one that is meant with a mark."""
    lines = text.split("\n")
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    return "\n".join(
        f"{'▸' if n == line else ' '}{n:>4}  {lines[n - 1][:160]}" for n in range(first, last + 1)
    )


def show_problems(doc: Doc, *, listed: bool = True) -> None:
    """What stands in the way, above every view of a draft; a click opens the part of the form that it is in.

    listed : False beside the text, which tells each at its line.
    """
    problems = doc.checked.problems
    if not problems:
        return
    stands = "stands" if len(problems) == 1 else "stand"
    with st.container(border=True, key="spec_problems", gap=None):
        st.markdown(f":red[:material/error:] **{formats.plural(len(problems), 'fault')} {stands} in the way of saving "
                    "and starting.** Your text is kept.")  # fmt: skip
        st.html(
            "<style>.st-key-spec_problems button, .st-key-spec_problems button p { text-align: left; }</style>"
        )
        for i, one in enumerate(problems[:MOST_SHOWN] if listed else ()):
            line = f"line {one.line}: " if one.line is not None and doc.checked.tree is not None else ""
            st.button(guard.plain(line + str(one)), key=f"problem_{i}", type="tertiary", on_click=_go_to,
                      args=(one, doc.checked.tree is not None and doc.checked.older is None))  # fmt: skip
        if listed:
            _show_more(len(problems))


def _go_to(problem: Problem, has_form: bool) -> None:
    """Action: the view where a fault can be mended."""
    state.put_in_url(state.VIEW, ["Form" if has_form else "JSON"])
    if has_form:
        state.put_in_url(state.FORM_PART, [part_of(problem.path)])


def _show_more(n: int) -> None:
    if n > MOST_SHOWN:
        st.caption(f"And {n - MOST_SHOWN:,} more; they show as the first are mended.")
