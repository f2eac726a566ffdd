"""Rows of a file of trade calls with their verdicts, stored or looked at."""

from __future__ import annotations

import re

import polars as pl
import streamlit as st

from pages.ui import formats, paging
from pages.ui.paging import PAGE_ROWS

COLORS = {"refused": "red", "repaired": "yellow", "taken": "green"}
# what the reader of calls says for the command line -> the form's words
WORDS = {
    r"with --tz\b": "under Time zone",
    r"with --time-format\b": "under Form of the times",
    r"Name them with --map \S+=COLUMN": "Choose them under Columns",
}


def in_words(message: str) -> str:
    """The reader's line, with the form's words for the command line's flags."""
    for pattern, words in WORDS.items():
        message = re.sub(pattern, words, message)
    return message


def show_rows(rows: pl.DataFrame, key: str) -> None:
    """Rows with their verdicts; those that need a look come first."""
    counts = dict(rows.group_by("verdict").len().iter_rows())
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for verdict, color in COLORS.items():
            st.badge(f"{counts.get(verdict, 0):,} {verdict}", color=color)  # type: ignore[arg-type]
        wanted = st.pills("Show", list(COLORS), key=f"{key}_verdicts", label_visibility="collapsed",
                          selection_mode="multi", format_func=lambda one: f"only {one}")  # fmt: skip
    shown = rows.filter(pl.col("verdict").is_in(wanted or list(COLORS)))
    shown = shown.sort(pl.col("verdict").cast(pl.Enum(list(COLORS))), "row")
    page = paging.page_of(f"{key}_page", len(shown))
    table = shown_rows(shown.slice((page - 1) * PAGE_ROWS, PAGE_ROWS))
    if rows.filter(pl.col("notes") != "").is_empty():
        table = table.drop("notes")  # nothing to say of any row: its room is the calls'
    st.dataframe(
        table,
        column_config=_ROW_COLUMNS,
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=f"{key}_table",
        alt="Rows of the file with their verdicts",
    )
    paging.show(f"{key}_page", len(shown))


def _price(name: str) -> pl.Expr:
    """A column of prices as text, with the digits that they have."""
    return pl.col(name).map_elements(lambda value: f"{value:.10g}", return_dtype=pl.String)


def shown_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Display columns of a set's rows."""
    targets = pl.concat_str([_price(f"target_{n}") for n in range(1, 6)], separator=" / ", ignore_nulls=True)
    low, high = _price("low"), _price("high")
    return rows.select(
        "row",
        pl.concat_list("verdict").alias("verdict"),
        pl.col("notes").replace("", None).map_elements(in_words, return_dtype=pl.String),
        "at",
        "symbol",
        pl.col("action").str.to_uppercase(),
        pl.when(pl.col("low") < pl.col("high")).then(low + "–" + high).otherwise(low).alias("entry"),
        _price("stop"),
        targets.replace("", None).alias("targets"),
        "expires_at",
        "text",
    )


_TEXT, _NUMBER, _MOMENT = (
    st.column_config.TextColumn,
    st.column_config.NumberColumn,
    st.column_config.DatetimeColumn,
)
_ROW_COLUMNS = {
    "row": _NUMBER("Row", width=48),
    "verdict": st.column_config.MultiselectColumn(
        "Verdict", width=88, options=list(COLORS), color=list(COLORS.values())
    ),
    "notes": _TEXT("Why", width=300),
    "at": _MOMENT("Sent (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC", width=128),
    "symbol": _TEXT("Symbol", width=75), "action": _TEXT("Call", width=85), "entry": _TEXT("Entry", width=105),
    "stop": _TEXT("Stop", width=70), "targets": _TEXT("Targets", width=150),
    "expires_at": _MOMENT("Expires (UTC)", format="MM-DD HH:mm", timezone="UTC", width=105),
    "text": _TEXT("As it stands", width=420),
}  # fmt: skip
