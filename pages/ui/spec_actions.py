"""What the Specs page writes: drafts, versions, and the run that somebody asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from engine.core.errors import ArgusError
from engine.core.spec_text import canonical, parse_json, parse_spec, with_overrides
from engine.data.calls import MADE_UP
from engine.packs.pack import SYNTHETIC
from engine.signals.logic import named_calls
from engine.store import drafts, specs
from pages.ui import actions, guard, state
from pages.ui.spec_text import Path, checked, dumped, put, value_at

_SAID = "_specs_said"
_UPLOADED = "_specs_uploaded"
_DEMO_RUNS = "_specs_demo_runs"


def say(kind: str, text: str) -> None:
    """Leave a message (success, warning, error) for the next time the page is drawn."""
    st.session_state[_SAID] = (kind, text)


def show_said() -> None:
    kind, text = st.session_state.pop(_SAID, ("", ""))
    if kind:
        icon = {"success": ":material/check:", "warning": ":material/warning:", "error": ":material/error:"}[
            kind
        ]
        getattr(st, kind)(guard.plain(text), icon=icon)


def _told(act: Callable[[], Any]) -> Any:
    """What `act` returns; its error becomes the next message, and None is returned."""
    try:
        return act()
    except ArgusError as error:
        say("error", str(error))
        return None


def close() -> None:
    """Back to the list."""
    for name in (state.SPEC, state.DRAFT, state.JOB, state.VIEW, state.FORM_PART, state.OLD, state.NEW):
        st.query_params.pop(name, None)


def open_version(spec_hash: str) -> None:
    """One parameter, one step for the browser's back button: it opens at its reading, a draft at its form."""
    close()
    state.put_in_url(state.SPEC, [spec_hash])


def open_draft(draft_id: str, view: str = "") -> None:
    close()
    state.put_in_url(state.DRAFT, [draft_id])
    state.put_in_url(state.VIEW, [view] if view else [])


def begin_draft(text: str, origin: str) -> None:
    """A draft of a text, opened."""
    draft = _told(lambda: drafts.new_draft(guard.store(), text, origin))
    if draft is not None:
        open_draft(draft.id)


def take_files(files: Sequence[Any]) -> None:
    """Uploaded files as drafts; each once, though Streamlit hands them over at every rerun."""
    known = st.session_state.setdefault(_UPLOADED, set())
    new = [file for file in files if file.file_id not in known]
    known.update(file.file_id for file in new)
    refused, kept = [], []
    for file in new:
        try:
            text = _text_of(file.name, file.getvalue())
            kept.append(drafts.new_draft(guard.store(), text, _file_name(file.name)))
        except ArgusError as error:
            refused.append(str(error))
    if refused:
        say("error", "\n\n".join(refused))
    elif len(kept) == 1:
        open_draft(kept[0].id, "JSON" if checked(kept[0].text).tree is None else "")
    elif kept:
        say("success", f"{len(kept)} files are drafts now.")


def _text_of(name: str, raw: bytes) -> str:
    """The text of a file. SpecError where it is no UTF-8 or too large: nothing of it could be kept as a text."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        parse_json(raw, name)  # tells size first, then the byte
        raise
    return text


def _file_name(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:80]


def write_text(draft_id: str, seen: str, key: str) -> None:
    """The whole text of a draft, from the editor; `seen` is what it began from."""
    kept = _told(lambda: drafts.save_draft(guard.store(), draft_id, st.session_state[key], seen=seen))
    if kept is not None and kept.id != draft_id:
        say(
            "warning",
            "Another window changed this draft meanwhile. Your text is kept as this draft of its own.",
        )
        open_draft(kept.id, "JSON")


def tidy(draft_id: str) -> None:
    """The same JSON, indented."""
    change(draft_id, lambda tree: None)


def convert(draft_id: str) -> None:
    """A draft of an older dialect as Spec v1, in its canonical form."""

    def act() -> None:
        row = drafts.get_draft(guard.store(), draft_id)
        spec = parse_spec(row.text, row.origin or "draft")
        drafts.save_draft(guard.store(), draft_id, dumped(canonical(spec)), seen=row.text)
        say("success", "The draft is Spec v1 now; its meaning is the same.")

    _told(act)


def write_field(draft_id: str, path: Path, key: str, read: Callable[[Any], Any]) -> None:
    """One field, from its widget; `read` makes the JSON value of what the widget holds. None takes the field out."""
    value = read(st.session_state[key])
    change(draft_id, lambda tree: put(tree, path, value))


def write_value(draft_id: str, path: Path, value: Any) -> None:
    change(draft_id, lambda tree: put(tree, path, value))


def choose_logic(draft_id: str, path: Path, params: Path, key: str) -> None:
    """Another named logic, or none; parameters belong to one logic and go with it."""
    name = st.session_state[key]

    def choose(tree: dict[str, Any]) -> None:
        put(tree, params, None)
        put(tree, path, name)

    change(draft_id, choose)


def add_item(draft_id: str, path: Path, item: Any) -> None:
    """One more at the end of a list."""

    def add(tree: dict[str, Any]) -> None:
        held = value_at(tree, path)
        put(tree, path, [*held, item] if isinstance(held, list) else [item])

    change(draft_id, add)


def remove_item(draft_id: str, path: Path) -> None:
    """An item out of its list, or a name out of its object; the last one takes the list along."""

    def remove(tree: dict[str, Any]) -> None:
        put(tree, path, None)
        if value_at(tree, path[:-1]) == []:
            put(tree, path[:-1], None)

    change(draft_id, remove)


def change(draft_id: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change a draft's JSON as it stands in the store now, so that two windows can work on different fields."""

    def act() -> None:
        row = drafts.get_draft(guard.store(), draft_id)
        tree = parse_json(row.text, "draft")
        edit(tree)
        drafts.save_draft(guard.store(), draft_id, dumped(tree))

    _told(act)


def save(draft_id: str) -> str | None:
    """Make a version of a draft and open it; its hash, None where it is not valid."""
    version = _told(lambda: drafts.publish(guard.store(), draft_id))
    if version is None:
        return None
    open_version(version.hash)
    say("success", f"Saved as version {version.hash[:12]} of {version.slug}.")
    return str(version.hash)


def delete(draft_id: str) -> None:
    drafts.delete_draft(guard.store(), draft_id)
    close()
    say("success", "The draft is deleted.")


def run_on_demo(text: str, file: str) -> None:
    """Ask for a run of a spec that comes with Argus on made-up prices, and keep what ran as a version.

    The demo market is younger than a year: a filter on the percentile of a year's volatilities is waived. Trade calls
    are the demo's own, since anybody's were made for other prices.
    """

    def ask() -> int:
        spec = parse_spec(text, file)
        asked = spec.entry.filters
        changed: dict[str, Any] = {"data.source": SYNTHETIC}
        if asked.iv_percentile_max is not None or asked.iv_percentile_min is not None:
            changed["data.waive"] = [*spec.data.waive, "iv_percentile"]
        if named_calls(spec) is not None:
            changed["entry.logic_params.calls"] = MADE_UP
        spec = with_overrides(spec, changed)
        actions.save_spec(spec)
        return actions.start_run(spec)

    job = _told(ask)
    if job is not None:
        st.session_state.setdefault(_DEMO_RUNS, {})[file] = job
        state.put_in_url(state.JOB, [str(job)])


def demo_runs() -> dict[str, int]:
    """File of a spec that comes with Argus -> the newest job of it that this session asked for."""
    return dict(st.session_state.get(_DEMO_RUNS, {}))


def run(draft_id: str, spec_hash: str) -> None:
    """Ask for a run; of a draft, the version that it becomes."""
    wanted = save(draft_id) if draft_id else spec_hash
    if wanted is None:
        return

    def ask() -> int:
        spec = parse_spec(specs.get_spec(guard.store(), wanted).canonical, wanted[:12])
        return actions.start_run(spec)

    job = _told(ask)
    if job is not None:
        st.session_state.pop(_SAID, None)
        state.put_in_url(state.JOB, [str(job)])
