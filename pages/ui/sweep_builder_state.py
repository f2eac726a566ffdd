"""The draft that this session works on: kept over reruns and page changes, in the address, and for other sessions.

What is typed goes into the draft by callbacks, before the page is drawn again. Boxes begin with the draft's texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from engine.store import grid_drafts
from engine.store.grid_drafts import GridDraft
from pages.ui import guard, state
from pages.ui.sweep_builder_draft import Draft, as_tree, from_token, from_tree, to_token

GRID = "grid"  # of the address
_HELD, _OTHERS = "_sweep_draft", "_sweep_drafts"
SHORT = 16  # letters of a hash in an address


@dataclass(frozen=True)
class Held:
    """A draft for one spec version. generation: grows when it is replaced as a whole, so that its boxes begin anew."""

    spec_hash: str
    draft: Draft
    own: Draft  # the spec's own grid, which needs no place in the address
    generation: int = 0


def held() -> Held | None:
    """The draft at hand, if there is one."""
    found: Held | None = st.session_state.get(_HELD)
    return found


def take_up(spec_hash: str, own: Draft) -> Held:
    """The draft for a spec: that of the address, else what this session has typed for it, else the spec's own grid."""
    here = held()
    token = st.query_params.get(GRID, "")
    if here is not None and here.spec_hash == spec_hash and token in ("", to_token(here.draft)):
        found = here
    else:
        typed: Draft | None = st.session_state.get(_OTHERS, {}).get(spec_hash)
        found = Held(spec_hash, from_token(token) or typed or own, own, _next())
    _keep(found)
    return found


def put(draft: Draft, *, anew: bool = False) -> None:
    """Replace the draft. anew: its boxes are to show it, for it was not they that changed it."""
    here = held()
    if here is None:
        return
    _keep(replace(here, draft=draft, generation=_next() if anew else here.generation))
    if draft == here.own:
        forget(here.spec_hash)
    elif draft != here.draft:
        grid_drafts.keep(guard.store().settings, here.spec_hash, as_tree(draft))


def change(act: Callable[[Draft], Draft]) -> None:
    """Replace the draft by what `act` makes of it."""
    here = held()
    if here is not None:
        put(act(here.draft))


def choose(spec_hash: str) -> None:
    """Go to another spec; what was typed for this one waits."""
    st.query_params.pop(GRID, None)
    state.put_in_url(state.SPEC, [spec_hash[:SHORT]] if spec_hash else [])


def unfinished() -> list[GridDraft]:
    """Grids of other sessions that were not started; none while this one has typed something itself."""
    here = held()
    if here is None or here.draft != here.own:
        return []
    return grid_drafts.unfinished(guard.store().settings)


def go_on(found: GridDraft) -> None:
    """Take up a grid that another session has left."""
    try:
        token_of = to_token(from_tree(found.tree))
    except (ValueError, TypeError, KeyError):
        forget(found.spec_hash)
        return
    others = st.session_state.get(_OTHERS, {})
    st.session_state[_OTHERS] = {**others, found.spec_hash: from_tree(found.tree)}
    st.session_state.pop(_HELD, None)
    choose(found.spec_hash)
    state.put_in_url(GRID, [token_of] if token_of else [])


def forget(spec_hash: str) -> None:
    """It was started or given up; this session keeps what it has typed."""
    grid_drafts.forget(guard.store().settings, spec_hash)


def key(name: Any) -> str:
    """The key of a box of this draft."""
    here = held()
    return f"sweep_{0 if here is None else here.generation}_{name}"


def value(name: Any) -> Any:
    """What stands in a box now."""
    return st.session_state.get(key(name))


def _keep(now: Held) -> None:
    st.session_state[_HELD] = now
    st.session_state[_OTHERS] = {**st.session_state.get(_OTHERS, {}), now.spec_hash: now.draft}
    token = "" if now.draft == now.own else to_token(now.draft)
    if st.query_params.get(GRID, "") != token:
        state.put_in_url(GRID, [token] if token else [])


def _next() -> int:
    n = st.session_state.get("_sweep_generation", 0) + 1
    st.session_state["_sweep_generation"] = n
    return int(n)
