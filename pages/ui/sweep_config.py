"""One config of a sweep: its figures, whether its neighbours agree, and what to make of it."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.core.spec_text import parse_spec
from engine.sweep.origins import save_as
from pages.ui import actions, formats, guard, html, jobs, shell, state, sweep_queries, sweep_table
from pages.ui.guard import plain
from pages.ui.palette import palette
from pages.ui.queries import Revision
from pages.ui.sweep_filters import label, shown
from pages.ui.sweep_look import Look


def show(at: Revision, look: Look) -> None:
    """The config that the address names; nothing without one."""
    index = sweep_table.chosen()
    if index is None:
        st.caption(
            "Choose a config to see its figures and its neighbours, to run it, or to save it as a spec version."
        )
        return
    row = sweep_queries.config(look.of, index)
    if row is None:
        st.warning(
            f"Config {index:,} has no result in this sweep: it has {look.sweep.n_configs:,}, counted from 0."
        )
        return
    with st.container(border=True, key="config_panel"):
        _show_head(look, row)
        _show_buttons(at, look, index)
        _show_figures(row)
        _show_neighbours(look, row)
        with st.expander("All parameters and metrics"):
            _show_all(look, row)


def _show_head(look: Look, row: dict[str, Any]) -> None:
    params = ", ".join(
        f"{label(name)} {shown(name, row[name])}" for name in look.kinds if name.startswith("param.")
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"#### {plain(params[:160])}", width="content")
        st.button("Close", key="close_config", type="tertiary", icon=":material/close:", on_click=_close)
    value = row[look.metric]
    if value is None:
        place = f"{label(look.metric)} is undefined"
    else:
        rank = sweep_queries.rank(look.of, look.metric, value, look.descending)
        place = f"place {rank:,} of {look.sweep.n_configs:,} by {label(look.metric)}"
    st.caption(f"Config {row['config']:,} · {place}")


def _show_figures(row: dict[str, Any]) -> None:
    cards = []
    for name in formats.HEADLINE:
        one = formats.METRIC[name]
        cards.append((one.label, formats.metric(row[f"metric.{name}"], one.unit), "", one.help))
    st.html(html.cards(cards, palette()))


def _show_neighbours(look: Look, row: dict[str, Any]) -> None:
    """One step in each parameter: a peak that its neighbours do not share is luck more often than skill."""
    found = sweep_queries.neighbours(look.of, row["config"])
    if found.is_empty():
        st.caption("No config is one step away in a single parameter.")
        return
    st.markdown(f"**Neighbours** · {plain(_verdict(look, row, found))}")
    metrics = list(dict.fromkeys([look.metric, *(f"metric.{name}" for name in sweep_table.MAIN[:6])]))
    steps = [
        f"{label(param)} {shown(param, row[param])} → {shown(param, value)}"
        for param, value in ((one["param"], one[one["param"]]) for one in found.iter_rows(named=True))
    ]
    configs = found["config"].to_list()
    frame = sweep_table.frame(found, metrics).insert_column(0, pl.Series("step", steps))
    key = f"{state.NEIGHBOURS}_{look.sweep.id}_{row['config']}"
    columns = sweep_table.columns_config(metrics) | {
        "step": st.column_config.TextColumn("One step", width=230)
    }
    st.dataframe(frame, hide_index=True, column_config=columns, placeholder=formats.DASH, height="content", key=key,
                 on_select=lambda: sweep_table.choose(configs, st.session_state[key].selection),
                 selection_mode=["single-row", "single-cell"], alt="Neighbours of the config")  # fmt: skip


def _verdict(look: Look, row: dict[str, Any], found: pl.DataFrame) -> str:
    """'Sharpe 0.90 to 1.21, against 1.32 here'."""
    values = found[look.metric].drop_nulls()
    if row[look.metric] is None or values.is_empty():
        return f"{label(look.metric)} is undefined here or next to it"
    low, high = (shown(look.metric, float(value)) for value in (values.min(), values.max()))  # type: ignore[arg-type]
    n_lost = len(found) - len(values)
    undefined = f"; undefined for {n_lost}" if n_lost else ""
    return f"{label(look.metric)} {low} to {high}, against {shown(look.metric, row[look.metric])} here{undefined}"


def _show_buttons(at: Revision, look: Look, index: int) -> None:
    try:
        spec_hash, text = sweep_queries.config_text(look.of.home, look.sweep.id, index)
    except ArgusError as error:
        st.warning(plain(f"The spec of this config cannot be made. {error}"))
        return
    made = sweep_queries.run_of(at, spec_hash, look.sweep.pack_hash)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if made is not None:
            st.page_link(shell.page("tearsheet.py"), label="Open tearsheet", icon=":material/insights:",
                         query_params={state.RUN: made})  # fmt: skip
        else:
            st.button("Run it", key=state.RUN_CONFIG, type="primary", icon=":material/play_arrow:", on_click=_run,
                      args=(look, text), help="A full run with trades, equity and tearsheet, by a worker.")  # fmt: skip
        _show_save(look, index)
        st.download_button("Spec JSON", data=text, file_name=f"{look.sweep.id[:8]}-{index}.json",
                           mime="application/json", key="config_json", on_click="ignore",
                           icon=":material/download:")  # fmt: skip
    job = st.session_state.get(state.CONFIG_JOB, {}).get((look.sweep.id, spec_hash))
    if job is not None and made is None:
        jobs.show_job(job)


def _show_save(look: Look, index: int) -> None:
    with st.popover("Save as spec version", icon=":material/bookmark_add:"):
        st.text_input("Name", key="config_name", max_chars=80, placeholder=f"{look.sweep.name}, tuned")
        st.button("Save", key=state.SAVE_CONFIG, type="primary", on_click=_save, args=(look, index))
        st.caption("It stays in the same idea family, so that its trials stay counted.")
    said = st.session_state.pop("_config_saved", None)
    if said is None:
        return
    is_good, words, spec_hash = said
    if not is_good:
        st.error(plain(words), icon=":material/error:")
        return
    st.badge(plain(words), icon=":material/check:", color="green")
    if any(file == "specs.py" for file, _, _ in shell.SHOWN):
        st.page_link(shell.page("specs.py"), label="Open spec", icon=":material/description:",
                     query_params={state.SPEC: spec_hash})  # fmt: skip


def _show_all(look: Look, row: dict[str, Any]) -> None:
    paths = {f"param.{axis.name}": ", ".join(axis.paths) for axis in look.sweep.axes}
    rows = [
        {"Name": label(name), "Value": shown(name, row[name]),
         "Meaning": paths.get(name) or formats.METRIC[name.removeprefix("metric.")].help}
        for name in look.kinds if name != "config"
    ]  # fmt: skip
    st.dataframe(pl.DataFrame(rows), hide_index=True, height="content", key="config_all",
                 alt="All parameters and metrics of the config")  # fmt: skip


def _run(look: Look, text: str) -> None:
    """Action: ask a worker for the full run, on the sweep's own pack."""
    from engine.core.spec_text import spec_hash

    spec = parse_spec(text, "config")
    job = actions.start_run(spec, pack=look.sweep.pack_hash, sweep_id=look.sweep.id)
    st.session_state.setdefault(state.CONFIG_JOB, {})[(look.sweep.id, spec_hash(spec))] = job


def _save(look: Look, index: int) -> None:
    """Action: the config's spec becomes a version of its own."""
    name = str(st.session_state.get("config_name") or "").strip()
    if not name:
        st.session_state["_config_saved"] = (False, "Give it a name first.", "")
        return
    try:
        saved = save_as(guard.store(), f"{look.sweep.id}:{index}", name)
    except ArgusError as error:
        st.session_state["_config_saved"] = (False, str(error), "")
        return
    st.session_state["_config_saved"] = (True, f"Saved as {saved.name}", saved.hash)


def _close() -> None:
    """Action: no config is chosen."""
    state.put_in_url(state.CONFIG, [])
    state.renew(state.CONFIGS_TABLE)
