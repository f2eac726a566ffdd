"""The trade calls of a run on its tearsheet: each with what became of it, and the rows that were none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import DataError
from pages.ui import formats, guard, paging, run_files, state
from pages.ui.paging import PAGE_ROWS
from pages.ui.queries import Run

WORDS_OF_SETS = "calls "  # what the pack's notes about its set of calls begin with


# ---------------------------------------------------------------- queries


@st.cache_data(max_entries=32, show_spinner=False)
def calls_of(folder: str) -> pl.DataFrame | None:
    """calls.parquet as the engine keeps it (engine.sim.result.CALLS_SCHEMA); None for a run that traded no calls."""
    path = Path(folder) / "calls.parquet"
    if not path.exists():
        return None
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path.name}: it cannot be read ({error}). Run the spec again.") from error


# ---------------------------------------------------------------- views


def show_calls(run: Run, currency: str) -> None:
    """The table; nothing for a run of another kind. A ticked call opens its trade below."""
    with guard.telling():
        found = calls_of(run.folder)
        if found is None:
            return
        st.subheader("Calls")
        if found.is_empty():
            st.info(
                "No call of the set is on a traded symbol inside the window. The notes below say which there are."
            )
        else:
            st.caption(summary(found))
            _show_table(run, found, currency)
        _show_other_rows(run)


def summary(found: pl.DataFrame) -> str:
    """How many calls made a trade, and how many won."""
    traded = found.filter(pl.col("trade_id").is_not_null())
    won = int((traded["net_pnl"] > 0).sum())
    closes = int((found["action"] == "close").sum())
    parts = [
        formats.plural(len(found), "call") + (f", {closes} of them to close" if closes else ""),
        f"{formats.plural(len(traded), 'trade')}, {won} won",
        f"{len(found) - len(traded) - closes} not taken",
    ]
    return " · ".join(parts)


def _show_table(run: Run, found: pl.DataFrame, currency: str) -> None:
    page = paging.page_of(state.CALLS_PAGE, len(found))
    shown = found.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)
    ids = shown["trade_id"].to_list()
    chosen = st.query_params.get(state.TRADE, "")
    ticked = [i for i, one in enumerate(ids) if one is not None and str(one) == chosen]
    key = f"{state.renewed(state.CALLS_TABLE)}_{run.id}_{page}"
    st.dataframe(
        calls_frame(shown),
        column_config=calls_columns(currency),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: _open([ids[row] for row in st.session_state[key].selection.rows[:1]]),
        selection_mode="single-row",
        selection_default={"selection": {"rows": ticked}},
        alt="Trade calls and what became of each",
    )
    paging.show(state.CALLS_PAGE, len(found))
    st.caption("Tick a call to see its trade on the bars, below. Times in UTC.")


def _open(chosen: list[int | None]) -> None:
    """Action: the URL names the trade of the ticked call, if it made one, and no reason that could leave it out."""
    state.put_in_url(state.TRADE, [str(one) for one in chosen if one is not None])
    state.put_in_url(state.TRADE_REASON, [])
    st.session_state.pop(state.TRADE_PAGE, None)  # the table turns to the page of the trade
    state.renew(state.TRADES_TABLE)


def calls_frame(found: pl.DataFrame) -> pl.DataFrame:
    """Display columns of calls."""
    made = pl.col("trade_id").is_not_null()
    price = pl.col("entry_low").map_elements(_price, return_dtype=pl.String)
    high = pl.col("entry_high").map_elements(_price, return_dtype=pl.String)
    is_range = pl.col("entry_low") < pl.col("entry_high")
    return found.select(
        "row",
        "at",
        "symbol",
        pl.col("action").str.to_uppercase().alias("call"),
        "outcome",
        pl.when(made).then("net_pnl").alias("net_pnl"),
        pl.when(is_range).then(price + "–" + high).otherwise(price).alias("entry"),
        pl.col("stop").map_elements(_price, return_dtype=pl.String),
        pl.col("targets"),
        "trade_id",
        *(pl.when(made).then(name).alias(name) for name in ("entry_price", "exit_price")),
    ).with_columns(
        pl.col("targets").replace("", None),
        pl.col("entry_price", "exit_price").map_elements(_price, return_dtype=pl.String),
    )


def _price(value: float) -> str | None:
    return None if value != value else f"{value:.7g}"


def calls_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "row": number("Row", width=48, help="Line of the imported file."),
        "at": st.column_config.DatetimeColumn("Sent", format="YYYY-MM-DD HH:mm", timezone="UTC", width=128),
        "symbol": text("Symbol", width=75),
        "call": text("Call", width=85),
        "outcome": text("What became of it", width=200),
        "net_pnl": number(f"Net, {currency}", format="%+.2f", width=85),
        "entry": text("Entry", width=108, help="The price or range that the call names."),
        "stop": text("Stop", width=65),
        "targets": text("Targets", width=133),
        "trade_id": number("Trade", width=55),
        "entry_price": text("Entered at", width=85, help="Slippage included."),
        "exit_price": text("Left at", width=85, help="Mean of all parts, slippage included."),
    }


def _show_other_rows(run: Run) -> None:
    """What the set says of its other rows: refused, repaired, of other symbols, outside of the window."""
    notes = run_files.notes(run.folder)
    told = [line for line in (*notes.facts, *notes.warnings) if line.startswith(WORDS_OF_SETS)]
    if len(told) < 2:  # all rows were taken as they stand, and are above
        return
    opened = st.expander(
        f"Rows of the file · {told[0].partition(': ')[2]}", key=state.CALL_ROWS, on_change="rerun"
    )
    if opened.open:
        for line in told[1:]:
            opened.caption(guard.plain(line))
