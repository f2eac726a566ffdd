"""The part of the import form for what a CSV or a processed parquet file does not say itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from engine.data.importers.csv import KINDS, TIME_NAMES, TIME_UNITS
from engine.data.importers.preview import columns_of
from engine.data.schemas import ASK, BID, PRICES, QUOTED_KINDS, SUFFIXES

BY_NAME = "by its name"
PREFIX = "csv_"  # of the keys of all its fields
ZONES = ("America/New_York", "UTC", "America/Chicago", "Europe/London", "Europe/Berlin", "Asia/Tokyo")
# what the importers' messages say for the command line -> the form's words
WORDS = {
    r"with --tz, such as --tz America/New_York": "under Time zone, such as America/New_York",
    r"Name them with --map \S+=COLUMN or --symbol": "Choose them under Columns of other names, or give the symbol",
    r"Name them with --map \S+=COLUMN": "Choose them under Columns of other names",
    r"Leave them out of --map": "Leave them out",
    r"with --source": "under Source",
}


def ask(path: str | None, *, is_parquet: bool = False) -> tuple[tuple[str, Any], ...]:
    """Draw the options; (name, value) of those that say something."""
    first = st.columns(4)
    kinds = (*KINDS, "option") if is_parquet else KINDS
    kind = first[0].selectbox("Kind", kinds, key="csv_kind",
                              help="A folder named as a dataset, such as options_min, says it itself." if is_parquet
                              else None)  # fmt: skip
    timeframe = first[1].selectbox("Bars", list(SUFFIXES), key="csv_timeframe")
    symbol = first[2].text_input("Symbol", key="csv_symbol", placeholder="from its column", max_chars=32,
                                 help="Of all rows, where no column says it.")  # fmt: skip
    zone = first[3].selectbox("Time zone", ZONES, index=None, key="csv_tz", accept_new_options=True,
                              placeholder="as the times say",
                              help="Of times without an offset. Dates of daily bars need none.")  # fmt: skip
    found = {"kind": kind, "timeframe": timeframe, "symbol": symbol.strip(), "tz": zone}
    columns = columns_of(Path(path)) if path is not None else ()
    absent = _absent(columns, bool(found["symbol"])) if columns and not is_parquet else []
    others = ", and times that are numbers" if is_parquet else ", and times that are not ISO"
    hint = f": the file has no {', '.join(absent)}" if absent else others
    with st.expander(f"Columns of other names{hint}", expanded=bool(absent)):
        mapped = _ask_columns(columns, kind)
        found |= _ask_times(is_parquet)
    if mapped:
        found["map"] = mapped
    return tuple((name, value) for name, value in found.items() if value)


def _ask_times(is_parquet: bool) -> dict[str, Any]:
    left, right = st.columns(2)
    unit = left.selectbox("Times are numbers since 1970 in", list(TIME_UNITS), index=None, key="csv_time_unit",
                          placeholder="they are not")  # fmt: skip
    if is_parquet:
        return {"time_unit": unit}
    form = right.text_input("Form of the times", key="csv_time_format", placeholder="ISO", max_chars=60,
                            help="Such as %d.%m.%Y %H:%M for 04.03.2024 14:30.")  # fmt: skip
    return {"time_unit": unit, "time_format": form.strip()}


def _absent(columns: tuple[str, ...], has_symbol: bool) -> list[str]:
    """Fields that every file needs and no column is named after."""
    names = {column.lower() for column in columns}
    absent = [] if names & set(TIME_NAMES) else ["start"]
    absent += [] if has_symbol or "symbol" in names else ["symbol"]
    return absent + [name for name in PRICES if name not in names and f"bid_{name}" not in names]


def _ask_columns(columns: tuple[str, ...], kind: str) -> tuple[tuple[str, str], ...]:
    """Which column of the file is which field, where their names do not say it."""
    if not columns:
        st.caption("Once there is a file, its columns can be chosen here.")
        return ()
    fields = ["start", "symbol", *PRICES, "volume", *(["contract"] if kind == "future" else [])]
    if kind == "option":
        fields += ["ticker", "expiry", "strike", "right", "underlying"]
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
