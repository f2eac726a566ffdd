"""One spec, open: a draft or a version. What it is, what can be done with it, and its views."""

from __future__ import annotations

import json

import streamlit as st

from pages.ui import formats, guard, jobs, shell, spec_actions, spec_queries, state
from pages.ui.queries import Revision
from pages.ui.spec_fields import Doc, show_style
from pages.ui.spec_form import show_form
from pages.ui.spec_json import show_json_view, show_problems
from pages.ui.spec_made import show_made
from pages.ui.spec_older import show_older
from pages.ui.spec_queries import DraftText, Version
from pages.ui.spec_reading import show_reading
from pages.ui.spec_text import checked, dumped
from pages.ui.spec_versions import changes, show_versions

VIEWS = ("Reading", "Form", "JSON", "Versions", "Runs")
MOST_NAMED = 4  # changes named under the button that saves them


def show_version(at: Revision, version: Version) -> None:
    doc = Doc("", checked(version.text))
    below = f"{version.slug} · idea {version.idea_family} · saved {version.created_at:%Y-%m-%d %H:%M} UTC"
    _show_head(version.name, f"version {version.hash[:12]}", ":material/verified:", "blue", below)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Edit", key=state.EDIT_SPEC, icon=":material/edit:", help="Begins a draft of this version.",
                  on_click=spec_actions.begin_draft, args=(version.text, version.hash))  # fmt: skip
        _show_starts(doc, version.hash)
        _show_download(doc, version.slug)
    if doc.checked.problems:
        st.warning(guard.plain(f"This Argus does not take the version as it is: {doc.checked.problems[0]} Edit it and "
                               "save another one."))  # fmt: skip
    _show_left_open(doc)
    jobs.show_asked()
    _show_view(at, doc, version.slug, version.hash)


def show_draft(at: Revision, draft: DraftText) -> None:
    doc = Doc(draft.id, checked(draft.text))
    tree = doc.checked.tree or {}
    name = (
        tree["name"]
        if isinstance(tree.get("name"), str) and tree["name"].strip()
        else draft.file or "Untitled"
    )
    origin = draft.origin
    begun = (
        f"began from version {origin.hash[:12]}"
        if origin
        else f"from {draft.file}"
        if draft.file
        else "a new one"
    )
    _show_head(
        name, "draft", ":material/edit_note:", "orange", f"{begun} · every change is kept as you make it"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Save version", key=state.SAVE_SPEC, type="primary", icon=":material/save:",
                  disabled=doc.checked.spec is None, on_click=spec_actions.save, args=(draft.id,),
                  help=None if doc.checked.spec else "Mend the faults below first.")  # fmt: skip
        _show_starts(doc, "")
        _show_download(doc, _slug(doc) or "spec")
        st.button("Delete draft", key=state.DELETE_DRAFT, icon=":material/delete:", type="tertiary",
                  on_click=spec_actions.delete, args=(draft.id,))  # fmt: skip
    _show_what_changed(doc, origin)
    show_older(doc)
    _show_left_open(doc)
    show_problems(doc, listed=st.query_params.get(state.VIEW) != "JSON")
    slug = origin.slug if origin else _slug(doc)
    _show_view(at, doc, slug, origin.hash if origin else "")


def _slug(doc: Doc) -> str:
    """As the text has it, or as an older dialect's name gives it; empty where neither does."""
    spec = doc.checked.spec
    return str((doc.checked.tree or {}).get("slug") or (spec.slug if spec else ""))


def _show_head(name: str, kind: str, icon: str, colour: str, below: str) -> None:
    st.button(
        "All specs",
        key="all_specs",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=spec_actions.close,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(guard.plain(name[:120]), width="content", anchor=False)
        st.badge(kind, icon=icon, color=colour)
    st.caption(guard.plain(below))
    spec_actions.show_said()


def _show_starts(doc: Doc, spec_hash: str) -> None:
    """A run or a sweep; of a draft, its version is saved first."""
    is_valid, left_open = doc.checked.spec is not None, doc.checked.left_open
    why = None if is_valid else "A spec with faults cannot be started. Mend them first."
    alone = "Its grid may give what is left open. Start a sweep." if left_open else why
    verb = "Save and " if doc.draft else "Start a "
    st.button(f"{verb}run", key=state.RUN_SPEC, icon=":material/play_arrow:", help=alone,
              disabled=not is_valid or left_open is not None,
              type="secondary" if doc.draft else "primary", on_click=spec_actions.run,
              args=(doc.draft, spec_hash))  # fmt: skip
    wants = st.button(f"{verb}sweep", key=state.SWEEP_SPEC, icon=":material/grid_on:", disabled=not is_valid,
                      help=why or "Opens the grid builder of the Sweeps page.")  # fmt: skip
    if wants:
        wanted = spec_actions.save(doc.draft) if doc.draft else spec_hash
        if wanted is not None:
            st.switch_page(shell.page("sweeps.py"), query_params={state.SPEC: wanted})


def _show_left_open(doc: Doc) -> None:
    """Why there is no run of a spec that can be swept."""
    if doc.checked.left_open is not None:
        said = f"A single run would be refused: {doc.checked.left_open} A sweep over its grid may give it."
        st.info(guard.plain(said), icon=":material/grid_on:")


def _show_download(doc: Doc, slug: str) -> None:
    name = "".join(letter for letter in slug if letter.isalnum() or letter in "_-")[:64] or "spec"
    st.download_button("Download JSON", data=doc.checked.text.encode("utf-8", "replace"), file_name=f"{name}.json",
                       on_click="ignore", mime="application/json", key="download_spec", icon=":material/download:",
                       type="tertiary")  # fmt: skip


def _show_what_changed(doc: Doc, origin: Version | None) -> None:
    """What saving would change, in a line."""
    if doc.checked.tree is None or origin is None:
        return
    found = changes(json.loads(origin.text), json.loads(_canonical(doc)))
    if not found:
        st.caption("Nothing differs yet from the version it began from.")
        return
    named = [
        f"{name} {after}" if before == formats.DASH else f"{name} {before} → {after}"
        for name, before, after in found[:MOST_NAMED]
    ]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    st.caption(
        guard.plain(f"{formats.plural(len(found), 'change')}: {'; '.join(one[:90] for one in named)}{more}")
    )
    slug, family = doc.checked.tree.get("slug"), doc.checked.tree.get("idea_family")
    if family not in (None, origin.idea_family):
        st.warning(guard.plain(f"Its trials would count for the idea {family}, no more for {origin.idea_family}."),
                   icon=":material/warning:")  # fmt: skip
    elif family is None and slug != origin.slug:
        st.caption(
            guard.plain(
                f"The new slug stays in the idea {origin.idea_family}, so that its trials stay counted."
            )
        )


def _canonical(doc: Doc) -> str:
    """The draft as it would be saved, for comparison; as it is written where it is not valid."""
    from engine.core.spec_text import canonical

    return (
        dumped(canonical(doc.checked.spec))
        if doc.checked.spec is not None
        else dumped(doc.checked.tree or {})
    )


def _show_view(at: Revision, doc: Doc, slug: str, at_hash: str) -> None:
    state.from_url(state.VIEW, VIEWS, "Form" if doc.draft and doc.checked.older is None else "Reading")
    view = st.segmented_control("View", VIEWS, key=state.VIEW, required=True, label_visibility="collapsed",
                                on_change=state.to_url, args=(state.VIEW,))  # fmt: skip
    if view == "Form" and doc.checked.older is not None:
        st.info("The form has the fields of Spec v1. Convert the draft above, or change it in the JSON view.")
    elif view == "Form":
        show_style()
        show_form(doc)
    elif view == "JSON":
        show_style()
        show_json_view(doc)
    elif view == "Versions":
        draft_text = _canonical(doc) if doc.draft and doc.checked.tree is not None else None
        show_versions(spec_queries.versions(at, slug, at_hash), at_hash, draft_text)
    elif view == "Runs":
        show_made(at, slug, at_hash)
    else:
        show_reading(doc.checked.spec)
