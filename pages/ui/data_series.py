"""One series: what is there of it, session by session, and where its gaps are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.core.instruments import NEW_YORK
from engine.data.catalog import Series
from engine.data.schemas import is_daily_file
from pages.ui import (
    badges,
    data_calendar,
    data_candles,
    data_chains,
    data_health,
    data_queries,
    echarts,
    formats,
    guard,
    html,
    paging,
    state,
)
from pages.ui.data_queries import Covered, Market
from pages.ui.data_span import Track
from pages.ui.palette import palette

if TYPE_CHECKING:
    from streamlit.elements.echarts_chart import EChartsSelectionState

YEARS_SHOWN, MINUTE_YEARS_SHOWN = 3, 2  # a year of minutes is 250 files, and a third of a second
GAP_ROWS = 12


def show(at: Market, one: Series) -> None:
    """The series' own page."""
    st.button("All series", icon=":material/arrow_back:", type="tertiary", on_click=leave)
    st.title(guard.plain(f"{one.symbol} · {_bars(one)}"))
    with st.container(horizontal=True, gap="small"):
        badges.show_source(one.source)
        st.badge(one.kind, color="gray")
    if one.source == "SYNTHETIC":
        badges.show_made_up("They show how Argus works and say nothing about a market.")
    _show_figures(at, one)
    if one.kind == "option":
        _show_way_to_chain(one)
        data_health.show_chain(at, one)
        return
    if one.quotes:
        st.info("These are bids and asks alone. Coverage and gaps are counted over bars of trades.")
        data_candles.show(at, one)
        return
    try:
        years, shown = _ask_years(at, one)
        found = data_queries.covered(at, one, min(shown), max(shown)) if shown else None
    except ArgusError as error:
        st.error(guard.plain(f"Coverage cannot be counted. {error}"), icon=":material/error:")
        data_candles.show(at, one)
        return
    _show_calendar(at, one, years, shown, found)
    data_candles.show(at, one)
    if found is not None:
        _show_gaps(one, shown, found)
        days = found.sessions["date"]
        data_health.show(at, one, days[0], days[-1])


def _show_way_to_chain(one: Series) -> None:
    """Rows of many contracts make no candles."""
    st.info(
        "These are rows of all contracts of a chain. `python -m engine data coverage` tells how much of it is there."
    )
    st.button("Look at the chain", key=state.TO_CHAIN, type="primary", icon=":material/table_rows:",
              on_click=data_chains.choose,
              args=([data_queries.chain_name(one.source, one.symbol, one.timeframe)],))  # fmt: skip


def _bars(one: Series) -> str:
    return f"{one.timeframe} quotes" if one.quotes else f"{one.timeframe} bars"


def _show_figures(at: Market, one: Series) -> None:
    row = data_queries.all_series(at).row(
        by_predicate=pl.col("name") == data_queries.series_name(one), named=True
    )
    scheduled = data_queries.scheduled(at, one)
    share = (
        formats.DASH if not scheduled else f"{min(1.0, one.n_sessions / scheduled):.0%}".replace("%", " %")
    )
    of = "no calendar is known for it" if scheduled is None else f"of {scheduled:,} from first to last"
    figures = [
        (
            "Rows",
            f"{one.n_rows:,}",
            formats.size(row["size"]),
            "Bars in the store, and their share of its files.",
        ),
        (
            "Sessions",
            f"{one.n_sessions:,}",
            f"{of}: {share}" if scheduled else of,
            "Session dates with a row.",
        ),
        ("First", f"{one.first:%Y-%m-%d}", f"{one.first:%H:%M} UTC", "Start of the first bar."),
        ("Last", f"{one.last:%Y-%m-%d}", f"{one.last:%H:%M} UTC", "Start of the last bar."),
    ]
    st.html(html.cards(figures, palette()))


# ---------------------------------------------------------------- the calendar


def _ask_years(at: Market, one: Series) -> tuple[list[int], list[int]]:
    """All years that have files, the newest first, and those to show: the page with the year that is asked for."""
    years = data_queries.years_of(at, one)
    text, looked_at = st.query_params.get(state.YEAR, ""), data_candles.date_of_url(state.TO)
    asked = int(text) if text.isdecimal() and len(text) == 4 else looked_at.year if looked_at else 9999
    at_year = next((i for i, year in enumerate(years) if year <= asked), len(years) - 1)
    n_shown = _n_shown(one)
    begin = max(0, at_year) // n_shown * n_shown
    return years, years[begin : begin + n_shown]


def _n_shown(one: Series) -> int:
    return MINUTE_YEARS_SHOWN if is_daily_file(one.timeframe) else YEARS_SHOWN


def _show_calendar(
    at: Market, one: Series, years: list[int], shown: list[int], found: Covered | None
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Coverage", width="content")
        _show_year_steps(years, shown, _n_shown(one))
    if found is None:
        st.caption("The calendar has no session in these years.")
        return
    if found.outside_rows and not found.sessions["rows"].sum():
        st.warning(f"None of the {found.outside_rows:,} rows of these years fits a session of {found.calendar}. Bars "
                   "of a day must begin with its session, as New York's clock has it; runs build days from hours or "
                   "minutes where the store has them.", icon=":material/schedule:")  # fmt: skip
    st.html(data_calendar.legend(palette()))
    for year in shown:
        sessions = found.sessions.filter(pl.col("date").dt.year() == year)
        if len(sessions):
            _show_year(at, one, year, sessions)
    parts = [f"Sessions of {found.calendar}; click a day to see its bars."]
    if found.outside_rows:
        parts.append(
            f"{found.outside_rows:,} rows of these years stand outside of sessions; runs do not see them."
        )
    missing = _years_without(years)
    if missing:
        parts.append(f"No file at all in {missing}.")
    st.caption(" ".join(parts))


def _show_year_steps(years: list[int], shown: list[int], n_shown: int) -> None:
    if len(years) <= n_shown:
        return
    begin = years.index(shown[0])
    with st.container(horizontal=True, gap="small", width="content"):
        for key, words, icon, to in (
            ("years_earlier", "Earlier years", ":material/chevron_left:", begin + n_shown),
            ("years_later", "Later years", ":material/chevron_right:", max(0, begin - n_shown)),
        ):
            is_end = to >= len(years) or to == begin
            st.button(words, key=key, icon=icon, disabled=is_end, on_click=state.put_in_url,
                      args=(state.YEAR, [str(years[min(to, len(years) - 1)])]))  # fmt: skip


def _show_year(at: Market, one: Series, year: int, sessions: pl.DataFrame) -> None:
    n_rows, n_expected = int(sessions["rows"].sum()), int(sessions["expected"].sum())
    n_missing = int((sessions["rows"] == 0).sum())
    # rounded down: one missing bar of many is not 100 %
    share = f"{int(n_rows / n_expected * 1000) / 10:g} %" if n_expected else formats.DASH
    without = f" · {formats.plural(n_missing, 'session')} without a bar" if n_missing else ""
    st.markdown(f"**{year}** · {share} of {n_expected:,} bars{without}")
    chosen = (data_candles.date_of_url(state.FROM), data_candles.date_of_url(state.TO))
    frame = None if chosen[0] is None or chosen[1] is None else (chosen[0], chosen[1])
    key = state.renewed(f"{state.CALENDAR}_{year}")
    days = [row["date"] for row in data_calendar.days_of(year, sessions)]
    chart = data_calendar.year_chart(palette(), year, sessions, frame)
    words = f"Calendar of {year}: {share} of the scheduled bars of {one.symbol} are there"
    echarts.show(
        chart, key, words, on_select=lambda: _choose_day(at, one, days, st.session_state[key].selection)
    )


def _choose_day(at: Market, one: Series, days: Sequence[dt.date], selection: EChartsSelectionState) -> None:
    """Action: the URL names the day that was clicked."""
    places = echarts.picked(selection)
    if places:
        state.renew(f"{state.CALENDAR}_{days[places[0]].year}")
        data_candles.go(Track.of(one, data_queries.file_days(at, one)).around(days[places[0]]))


def _years_without(years: list[int]) -> str:
    """'2014 to 2019, 2021' between the first and the last of `years`."""
    absent = [year for year in range(min(years, default=0), max(years, default=0)) if year not in years]
    runs: list[list[int]] = []
    for year in absent:
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


# ---------------------------------------------------------------- gaps


def _show_gaps(one: Series, shown: list[int], found: Covered) -> None:
    st.subheader("Gaps")
    gaps = found.gaps.sort("n_bars", descending=True, maintain_order=True)
    years = f"{min(shown)} to {max(shown)}" if len(shown) > 1 else str(max(shown))
    if gaps.is_empty():
        st.success(f"No gap in {years}: every scheduled bar is there.", icon=":material/check:")
        return
    page = paging.page_of(state.GAPS_PAGE, len(gaps), GAP_ROWS)
    on_page = gaps.slice((page - 1) * GAP_ROWS, GAP_ROWS)
    st.dataframe(gaps_frame(on_page), column_config=gaps_columns(), hide_index=True, height="content", key="gaps",
                 alt="Gaps, the longest first")  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        paging.show(state.GAPS_PAGE, len(gaps), GAP_ROWS)
        n_bars = int(gaps["n_bars"].sum())
        st.caption(f"{formats.plural(len(gaps), 'gap')} of {n_bars:,} bars in {years}, the longest first · times in "
                   f"{NEW_YORK}", width="content")  # fmt: skip
        st.download_button("Download CSV", data=lambda: gaps_csv(one, gaps), mime="text/csv", key=state.GAPS_CSV,
                           file_name=f"gaps-{one.source}-{one.symbol}-{one.timeframe}.csv", on_click="ignore",
                           icon=":material/download:", help="All gaps of the years shown, times in UTC.")  # fmt: skip


def gaps_frame(gaps: pl.DataFrame) -> pl.DataFrame:
    """Display columns; instants on New York's clock, where all sessions here are defined."""
    local = pl.col("start", "end").dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    return gaps.with_columns(local).select("start", "end", "n_bars", "n_sessions")


def gaps_columns() -> dict[str, object]:
    moment, number = st.column_config.DatetimeColumn, st.column_config.NumberColumn
    return {
        "start": moment(
            "From", format="ddd YYYY-MM-DD HH:mm", width=180, help="Start of the first missing bar."
        ),
        "end": moment("To", format="ddd YYYY-MM-DD HH:mm", width=180, help="End of the last missing bar."),
        "n_bars": number("Bars missing", format="localized", width=110),
        "n_sessions": number(
            "Whole sessions", format="localized", width=120, help="Sessions that miss every bar."
        ),
    }


def gaps_csv(one: Series, gaps: pl.DataFrame) -> bytes:
    from engine.report.exports import csv_bytes

    named = {"source": one.source, "symbol": one.symbol, "kind": one.kind, "timeframe": one.timeframe}
    columns = [pl.lit(value).alias(name) for name, value in named.items()]
    return csv_bytes(gaps.sort("start").select(*columns, "start", "end", "n_bars", "n_sessions"))


def leave() -> None:
    """Action: back to all series."""
    for name in (state.SERIES, state.FROM, state.TO, state.YEAR):
        state.put_in_url(name, [])
    state.renew(state.SERIES_TABLE)
