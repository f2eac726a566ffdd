"""The part of the import form for what a CSV does not say itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from engine.data.importers.csv import KINDS, TIME_UNITS
from engine.data.importers.preview import columns_of
from engine.data.schemas import ASK, BID, PRICES, QUOTED_KINDS, SUFFIXES

BY_NAME = "by its name"
ZONES = ("America/New_York", "UTC", "America/Chicago", "Europe/London", "Europe/Berlin", "Asia/Tokyo")
# flags of the command line in the importers' messages -> the form's words
WORDS = {
    "with --tz, such as --tz America/New_York": "under Time zone, such as America/New_York",
    " with --map ": " under Columns: ",
    " or --symbol": ", or give the symbol",
    "--tz": "Time zone",
    "--source": "Source",
}


def ask(path: str | None) -> tuple[tuple[str, Any], ...]:
    """Draw the options; (name, value) of those that say something."""
    first = st.columns(4)
    kind = first[0].selectbox("Kind", KINDS, key="csv_kind")
    timeframe = first[1].selectbox("Bars", list(SUFFIXES), key="csv_timeframe")
    symbol = first[2].text_input("Symbol", key="csv_symbol", placeholder="from its column", max_chars=32,
                                 help="Of all rows, where no column says it.")  # fmt: skip
    zone = first[3].selectbox("Time zone", ZONES, index=None, key="csv_tz", accept_new_options=True,
                              placeholder="as the times say",
                              help="Of times without an offset. Dates of daily bars need none.")  # fmt: skip
    found = {"kind": kind, "timeframe": timeframe, "symbol": symbol.strip(), "tz": zone}
    with st.expander("Times that are not ISO, and columns of other names"):
        found |= _ask_times()
        mapped = _ask_columns(path, kind)
    if mapped:
        found["map"] = mapped
    return tuple((name, value) for name, value in found.items() if value)


def _ask_times() -> dict[str, Any]:
    left, right = st.columns(2)
    unit = left.selectbox("Times are numbers since 1970 in", list(TIME_UNITS), index=None, key="csv_time_unit",
                          placeholder="they are not")  # fmt: skip
    form = right.text_input("Form of the times", key="csv_time_format", placeholder="ISO", max_chars=60,
                            help="Such as %d.%m.%Y %H:%M for 04.03.2024 14:30.")  # fmt: skip
    return {"time_unit": unit, "time_format": form.strip()}


def _ask_columns(path: str | None, kind: str) -> tuple[tuple[str, str], ...]:
    """Which column of the file is which field, where their names do not say it."""
    columns = columns_of(Path(path)) if path is not None else ()
    if not columns:
        st.caption("Once there is a file, its columns can be chosen here.")
        return ()
    fields = ["start", "symbol", *PRICES, "volume", *(["contract"] if kind == "future" else [])]
    if kind in QUOTED_KINDS:
        fields += [*BID, *ASK]
    places = st.columns(4)
    mapped = []
    for i, field in enumerate(fields):
        label = field.replace("_", " ").capitalize()
        column = places[i % 4].selectbox(
            label, columns, index=None, key=f"csv_map_{field}", placeholder=BY_NAME
        )
        if column is not None:
            mapped.append((field, column))
    return tuple(mapped)
