"""Replay packs: the bars that runs saw, frozen under the hash of their values; their list, one of them, a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError, DataError
from engine.core.settings import Settings
from engine.packs import disk, verify
from engine.packs.verify import Verified
from engine.store import runs
from engine.store.runs import RunFilter
from pages.ui import badges, data_pack_form, data_queries, formats, guard, paging, state
from pages.ui.data_queries import Market
from pages.ui.queries import Revision

PAGE_ROWS = 15
COUNT_CAP = 1000
VERIFY_BARS = 3_000_000  # more take longer than a person waits for a page; the command line verifies them


# ---------------------------------------------------------------- queries


def stamp() -> int:
    """Changes with every pack that comes or goes."""
    try:
        return guard.store().settings.packs.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(max_entries=8, show_spinner="Reading the packs…")
def all_packs(home: str, at: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """A row a pack, the newest first: hash, source, start, end, series, n_bars, size; and what is wrong with others."""
    settings, rows, damaged = Settings(Path(home)), [], []
    for folder in sorted(settings.packs.glob("[0-9a-f]" * 64), key=lambda path: -path.stat().st_mtime_ns):
        try:
            told = disk.read_manifest(folder)
        except DataError as error:
            damaged.append(str(error))
            continue
        series = [f"{one['symbol']} options" for one in told.get("chains", ())]
        series += [f"{one['symbol']} {one['timeframe']}" for one in told["series"]]
        n_bars = sum(int(one["bars"]) for one in told["series"])
        size = sum(path.stat().st_size for path in folder.iterdir())
        rows.append((told["hash"], told["source"], *told["window"], formats.listing(series, 3), n_bars, size))
    names = {
        "hash": pl.String,
        "source": pl.String,
        "start": pl.String,
        "end": pl.String,
        "series": pl.String,
    }
    return pl.DataFrame(rows, schema=names | {"n_bars": pl.Int64, "size": pl.Int64}, orient="row"), tuple(
        damaged
    )


@st.cache_data(max_entries=64, show_spinner=False)
def run_counts(at: Revision, hashes: tuple[str, ...]) -> list[int]:
    """How many runs saw each pack, to COUNT_CAP."""
    store = guard.store()
    return [runs.count_runs(store, RunFilter(pack_hashes=[one]), cap=COUNT_CAP) for one in hashes]


@st.cache_data(max_entries=32, show_spinner=False)
def manifest(home: str, pack: str) -> dict[str, Any]:
    """What is in a pack, by its hash or the hash's first letters; it never changes. NotFound, DataError."""
    return disk.read_manifest(disk.find_pack(Settings(Path(home)), pack))


@st.cache_data(max_entries=32, ttl=600, show_spinner="Computing the hash of its values…")
def verified(home: str, pack: str, number: int) -> Verified:
    """number: a new one computes anew."""
    return verify.verify_pack(Settings(Path(home)), pack)


# ---------------------------------------------------------------- views


def show(at: Market, revision: Revision) -> None:
    """The list, the chosen pack below it, and the form of a new one."""
    packs, damaged = all_packs(at.home, stamp())
    for line in damaged[:5]:
        st.error(guard.plain(line), icon=":material/error:")
    if packs.is_empty():
        below = "" if data_queries.all_series(at).is_empty() else "; you can also build one below"
        st.info(f"No packs yet. Runs and sweeps build what they need{below}.")
    else:
        _show_table(revision, packs)
    chosen = st.query_params.get(state.PACK, "")
    if chosen:
        try:
            _show_pack(at.home, manifest(at.home, chosen[:64]))
        except ArgusError as error:
            st.error(guard.plain(str(error)), icon=":material/search_off:")
    data_pack_form.show_form(at)


def _show_table(revision: Revision, packs: pl.DataFrame) -> None:
    page = paging.page_of(state.PACK_PAGE, len(packs), PAGE_ROWS)
    shown = packs.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)
    hashes = shown["hash"].to_list()
    key = f"packs_{hash(tuple(hashes))}"
    chosen = st.query_params.get(state.PACK, "")
    ticked = [i for i, one in enumerate(hashes) if len(chosen) >= 6 and one.startswith(chosen)]
    st.dataframe(
        packs_frame(shown, run_counts(revision, tuple(hashes))),
        column_config=packs_columns(shown["source"].unique().sort().to_list()),
        hide_index=True,
        height="content",
        key=key,
        on_select=lambda: state.put_in_url(
            state.PACK, [hashes[row][:16] for row in st.session_state[key].selection.rows[:1]]
        ),
        selection_mode="single-row",
        selection_default={"selection": {"rows": ticked}},
        alt="Replay packs",
    )
    paging.show(state.PACK_PAGE, len(packs), PAGE_ROWS)
    size = formats.size(packs["size"].sum())
    st.caption(f"{formats.plural(len(packs), 'pack')}, {size}. Tick one to see what is in it.")


def packs_frame(packs: pl.DataFrame, n_runs: list[int]) -> pl.DataFrame:
    """Display columns."""
    return packs.select(
        pl.concat_list("source").alias("data"),
        "series",
        (pl.col("start") + " to " + pl.col("end")).alias("window"),
        "n_bars",
        (pl.col("size") / 1e6).alias("size"),
        pl.Series("n_runs", n_runs, dtype=pl.Int64),
        pl.col("hash").str.slice(0, 16),
    )


def packs_columns(sources: list[str]) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "data": st.column_config.MultiselectColumn(
            "Data", width=112, options=sources, help="Source of the prices. SYNTHETIC is made up.",
            color=["violet" if source == "SYNTHETIC" else "gray" for source in sources],
        ),
        "series": text("Series", width=290),
        "window": text("Window", width=190),
        "n_bars": number("Bars", format="localized", width=90, help="Scheduled bars, warm-up included."),
        "size": number("Size, MB", format="%.2f", width=80),
        "n_runs": number("Runs", format="localized", width=70, help=f"Runs on this pack; {COUNT_CAP:,} are counted."),
        "hash": text("Hash", width=150),
    }  # fmt: skip


def _show_pack(home: str, told: dict[str, Any]) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                st.markdown(f"**Pack {told['hash'][:16]}**", width="content")
                badges.show_source(told["source"])
            is_large = _n_values(told) > VERIFY_BARS
            st.button("Verify", key=state.VERIFY_PACK, icon=":material/verified:", on_click=_ask_verify,
                      args=(told["hash"],), disabled=is_large,
                      help="Compute its hash again from its files.")  # fmt: skip
        if told["source"] == "SYNTHETIC":
            badges.show_made_up("Runs on this pack are no evidence about any market or strategy.")
        names = ["symbol", "kind", "timeframe", "calendar", "sessions", "bars", "quoted"]
        st.dataframe(pl.DataFrame(told["series"]).select(names), hide_index=True, height="content", key="pack_series",
                     column_config=_SERIES_COLUMNS)  # fmt: skip
        if told.get("chains"):
            st.dataframe(chains_frame(told["chains"]), hide_index=True, height="content", key="pack_chain_list",
                         column_config=_CHAIN_COLUMNS)  # fmt: skip
        counts = [formats.plural(len(told[f"{name}s"]), name) for name in ("dividend", "roll")]
        parts = [f"Window {told['window'][0]} to {told['window'][1]}", *counts]
        st.caption(" · ".join(parts))
        for note in told["notes"]:
            st.caption(guard.plain(note))
        if is_large:
            st.caption("A pack of this size is verified on the command line:")
            st.code(f"python -m engine pack verify {told['hash'][:12]}", language="bash")
        _show_verified(home, told["hash"])
        st.caption("Use it again, whatever was imported since:")
        st.code(f"python -m engine run SPEC --pack {told['hash'][:12]}", language="bash")


_SERIES_COLUMNS = {
    "symbol": "Symbol", "kind": "Kind", "timeframe": "Bars", "calendar": "Calendar",
    "sessions": st.column_config.NumberColumn("Sessions", format="localized", help="Warm-up included."),
    "bars": st.column_config.NumberColumn("Bars scheduled", format="localized"), "quoted": "Bid and ask",
}  # fmt: skip


_CHAIN_COLUMNS = {
    "symbol": "Options of", "timeframe": "Rows", "calendar": "Calendar",
    "sessions": st.column_config.NumberColumn("Sessions", format="localized", help="Those that have a chain."),
    "contracts": st.column_config.NumberColumn("Contracts a session", format="%.0f", help="The mean."),
    "quoted": "Bid and ask",
}  # fmt: skip


def chains_frame(chains: list[dict[str, Any]]) -> pl.DataFrame:
    """A row a chain of a manifest: symbol, timeframe, calendar, sessions, contracts, quoted."""
    rows = [
        (one["symbol"], one["timeframe"], one["calendar"], len(one["shapes"]),
         sum(k for _, k, _ in one["shapes"]) / len(one["shapes"]), "open_bid" in one["arrays"])
        for one in chains
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=list(_CHAIN_COLUMNS), orient="row")


def _n_values(told: dict[str, Any]) -> int:
    """Bars of a pack, and cells of its chains."""
    cells = sum(k * m for one in told.get("chains", ()) for _, k, m in one["shapes"])
    return sum(int(one["bars"]) for one in told["series"]) + cells


def _ask_verify(pack: str) -> None:
    """Action: verify this pack, anew."""
    st.session_state["_verify"] = (pack, st.session_state.get("_verify", ("", 0))[1] + 1)


def _show_verified(home: str, pack: str) -> None:
    asked, number = st.session_state.get("_verify", ("", 0))
    if asked != pack:
        return
    found = verified(home, pack, number)
    if found.is_sound:
        st.success("Sound: its values hash to its name.", icon=":material/verified:")
    for problem in found.problems:
        st.error(guard.plain(f"{problem}. Delete its folder and build it again."), icon=":material/error:")


def show_result(result: dict[str, Any]) -> None:
    """What a finished build made."""
    chains = f", options of {formats.listing(result['chains'])}" if result.get("chains") else ""
    told = guard.plain(f"Pack {result['pack_hash'][:16]}: {result['n_bars']:,} bars{chains}.")
    st.success(told, icon=":material/check:")
    st.button("Show the pack", icon=":material/inventory_2:", type="tertiary", key="open_pack",
              on_click=_open, args=(result["pack_hash"],))  # fmt: skip


def _open(pack: str) -> None:
    """Action: the URL names this pack."""
    state.put_in_url(state.JOB, [])
    state.put_in_url(state.PACK, [pack[:16]])
