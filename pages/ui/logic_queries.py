"""Cached reads of what a named logic showed at the entry of a trade: for its chart and its words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.ui import run_files


@dataclass(frozen=True)
class Zone:
    """A zone and the attempts on it, as a chart draws them; instants in UTC.

    low, high  : its edges. trigger: what a close had to pass, on the side of the trade.
    opened_at  : of the session; drawn_at: the zone was complete; decided_at: end of the bar that decided.
    attempt    : 1, or 2 for the second chance; then the first one broke at `broke_at` and came back at `failed_at`.
    volume_ratio, needed_ratio : of the deciding bar; None where nothing was asked of volume.
    """

    low: float
    high: float
    trigger: float
    opened_at: dt.datetime
    drawn_at: dt.datetime
    decided_at: dt.datetime
    attempt: int
    broke_at: dt.datetime | None
    failed_at: dt.datetime | None
    volume_ratio: float | None
    needed_ratio: float


def has_logic(folder: str) -> bool:
    """Whether the run kept what a named logic showed."""
    return (Path(folder) / "logic.parquet").is_file()


def signals_of(folder: str) -> str:
    """What a run's signals are made of: calls, logic or conditions."""
    if (Path(folder) / "calls.parquet").is_file():
        return "calls"
    return "logic" if has_logic(folder) else "conditions"


@st.cache_data(max_entries=256, show_spinner=False)
def shown_at_entry(folder: str, trade_id: int) -> dict[str, float]:
    """The values that are defined, by name; none for a run of conditions, or for a trade that was rolled."""
    if not has_logic(folder):
        return {}
    return dict(run_files.of_trade(folder, "logic.parquet", trade_id).select("name", "value").rows())


@st.cache_data(max_entries=256, show_spinner=False)
def zone_of(folder: str, trade_id: int) -> Zone | None:
    """The zone of a trade of zrce_second_chance; None for every other."""
    shown = shown_at_entry(folder, trade_id)
    if not {"zone_high", "zone_low", "trigger", "decided_minutes"} <= shown.keys():
        return None
    decided = run_files.of_trade(folder, "logic.parquet", trade_id)["at"][0]
    opened = decided - dt.timedelta(minutes=shown["decided_minutes"])

    def after_open(name: str) -> dt.datetime | None:
        return opened + dt.timedelta(minutes=shown[name]) if name in shown else None

    is_second = shown["attempt"] > 1
    return Zone(
        low=shown["zone_low"],
        high=shown["zone_high"],
        trigger=shown["trigger"],
        opened_at=opened,
        drawn_at=opened + dt.timedelta(minutes=shown["zone_minutes"]),
        decided_at=decided,
        attempt=int(shown["attempt"]),
        broke_at=after_open("first_break_minutes") if is_second else None,
        failed_at=after_open("first_failed_minutes") if is_second else None,
        volume_ratio=shown.get("volume_ratio"),
        needed_ratio=shown["needed_ratio"],
    )
