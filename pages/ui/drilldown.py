"""Trades of a run, and one of them on its bars."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from pages.ui import (
    candles,
    echarts,
    formats,
    guard,
    html,
    logic_queries,
    option_trade,
    paging,
    run_files,
    state,
    tables,
    trade_levels,
    zone_chart,
)
from pages.ui.palette import palette
from pages.ui.queries import Run
from pages.ui.run_files import TRADE_ORDERS, TRADES_ROWS

ORDER_LABELS = {
    "entry": "First to last",
    "latest": "Last to first",
    "best": "Best return",
    "worst": "Worst return",
    "longest": "Longest held",
}
FIRST, ANY = "entry", ""  # the usual order; whatever a trade was left by


@st.fragment
def show_trades(run: Run, currency: str) -> None:
    """The table by pages; the trade that the URL names below it. A fragment: a click redraws only this."""
    try:
        _show_trades(run, currency)
    except ArgusError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")


def _show_trades(run: Run, currency: str) -> None:
    if not run_files.trade_ids(run.folder, "entry", None):
        st.subheader("Trades")
        st.info(
            "This run made no trade: its conditions to enter were never met, or its entries did not happen. Those are "
            "listed below with their reasons, if there were any; else loosen the conditions of the spec."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Trades", width="content")
        with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
            order, reason = _ask_order(run)
    ids = run_files.trade_ids(run.folder, order, reason)
    home = str(guard.store().settings.home)
    zone = run_files.timezone(home, run.pack_hash, run.symbols, run.timeframe)
    chosen = _trade_of_url()
    if chosen not in ids:
        chosen = None
    _show_table(run, ids, chosen, zone)
    if chosen is None:
        _show_why_none(run, reason)
    else:
        _show_steps(ids, chosen)
        show_trade(run, home, chosen, currency)


def _ask_order(run: Run) -> tuple[str, str | None]:
    """(one of TRADE_ORDERS, why the trades to show were left or None for all); both stand in the address."""
    state.from_url(state.TRADE_ORDER, list(TRADE_ORDERS), FIRST)
    order = st.selectbox("Order", list(TRADE_ORDERS), format_func=ORDER_LABELS.get, key=state.TRADE_ORDER,
                         on_change=_reorder, args=(state.TRADE_ORDER,), width=170)  # fmt: skip
    reasons = run_files.tables(run.folder)["exit_reasons"]["exit_reason"].to_list()
    reason = ANY
    if len(reasons) > 1:
        state.from_url(state.TRADE_REASON, reasons, ANY)
        reason = st.selectbox("Left by", [ANY, *reasons], key=state.TRADE_REASON, on_change=_reorder,
                              args=(state.TRADE_REASON,), width=170,
                              format_func=lambda r: formats.words(r) or "Any reason")  # fmt: skip
    return order or FIRST, reason or None


def _show_why_none(run: Run, reason: str | None) -> None:
    """Why no trade is shown below the table: none was asked for, or it is not among those."""
    asked = st.query_params.get(state.TRADE, "")
    everyone = run_files.trade_ids(run.folder, FIRST, None)
    if not asked:
        st.caption("Choose a trade to see its bars and why it was entered and left.")
    elif _trade_of_url() in everyone and reason is not None:
        st.caption(
            f"Trade {asked} was not left by {formats.words(reason)}. Set Left by to Any reason to see it."
        )
    else:
        st.warning(
            guard.plain(f"This run has no trade {asked[:40]}. Choose a trade of the table: they are counted from 0 "
                        f"to {max(everyone):,}."),
            icon=":material/search_off:",
        )  # fmt: skip


def _show_table(run: Run, ids: list[int], chosen: int | None, zone: str) -> None:
    if state.TRADE_PAGE not in st.session_state and chosen is not None:
        st.session_state[state.TRADE_PAGE] = ids.index(chosen) // TRADES_ROWS + 1
    page = paging.page_of(state.TRADE_PAGE, len(ids), TRADES_ROWS)
    on_page = ids[(page - 1) * TRADES_ROWS : page * TRADES_ROWS]
    key = f"{state.renewed(state.TRADES_TABLE)}_{run.id}_{hash(tuple(on_page))}"
    shown = tables.trades_frame(
        run_files.some_trades(run.folder, tuple(on_page)), zone, one_symbol=len(run.symbols) == 1
    )
    st.dataframe(
        shown,
        column_config=tables.trades_columns(shown),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: _choose(on_page, st.session_state[key].selection.rows),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [on_page.index(chosen)] if chosen in on_page else []}},
        alt="Trades",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        paging.show(state.TRADE_PAGE, len(ids), TRADES_ROWS)
        st.caption(
            f"{formats.plural(len(ids), 'trade')} · times in {zone}"
            + ("" if zone == "UTC" else ", the exchange's clock"),
            width="content",
        )


def _show_steps(ids: list[int], chosen: int) -> None:
    at = ids.index(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Previous trade", key=state.PREVIOUS, icon=":material/chevron_left:", disabled=at == 0,
                  on_click=_go, args=(ids, at - 1))  # fmt: skip
        st.button("Next trade", key=state.NEXT, icon=":material/chevron_right:", icon_position="right",
                  disabled=at == len(ids) - 1, on_click=_go, args=(ids, at + 1))  # fmt: skip
        st.caption(f"{at + 1:,} of {len(ids):,}", width="content")


def show_trade(run: Run, home: str, trade_id: int, currency: str) -> None:
    """One trade on its bars, and in words."""
    trade = run_files.some_trades(run.folder, (trade_id,)).row(0, named=True)
    fills = run_files.fills_of(run.folder, trade_id)
    _show_result(trade, currency)
    brought_in: dict[str, str] = {}
    if run_files.has_legs(run.folder):
        zone = run_files.timezone(home, run.pack_hash, run.symbols, run.timeframe)
        option_trade.show(run, trade, zone)
        brought_in = option_trade.brought_in(run, trade)
    else:
        zone = _show_bars(run, home, trade, fills)
    later = trade_levels.later_targets(run.folder, trade_id)
    _show_words(trade, zone, logic_queries.signals_of(run.folder), brought_in, later)
    if len(fills) > 2:
        with st.expander(f"Fills · {len(fills)}"):
            st.dataframe(tables.fills_frame(fills, zone), hide_index=True, column_config=tables.fills_columns(fills),
                         height="content", key="fills")  # fmt: skip


def _show_result(trade: dict[str, Any], currency: str) -> None:
    side = f"{trade['side']} {formats.quantity(trade['quantity'])} {trade['symbol']}"
    result = f"{formats.signed_money(trade['net_pnl'], currency)} ({formats.signed_percent(trade['return_frac'], 2)})"
    still = ", still open" if trade["is_open"] else ""
    st.markdown(f"#### Trade {trade['trade_id']}: {guard.plain(f'{side} · {result}{still}')}")


def _show_bars(run: Run, home: str, trade: dict[str, Any], fills: pl.DataFrame) -> str:
    """Draw the chart; the time zone of its clock."""
    last = trade["exit_at"] or _last_moment(run)
    symbol, timeframe = trade["symbol"], run.timeframe
    zone = logic_queries.zone_of(run.folder, trade["trade_id"])
    first = zone.opened_at if zone is not None else trade["entry_at"]
    try:
        span = candles.ns_of(first), candles.ns_of(last)
        window = run_files.bars_around(home, run.pack_hash, symbol, timeframe, *span)
    except ArgusError as error:
        st.warning(guard.plain(f"The bars cannot be shown. {error}"))
        return "UTC"
    later = trade_levels.later_targets(run.folder, trade["trade_id"])
    chart = candles.trade_chart(palette(), window, trade, fills, later, daily=timeframe == "1D")
    if zone is not None:
        zone_chart.add_zone(chart, window.bars, zone)
    echarts.show(
        chart,
        "trade_chart",
        f"Bars around trade {trade['trade_id']} with entry, exits, stop and targets",
        f"{run.file_stem}-trade-{trade['trade_id']}",
    )
    merged = f" Each candle stands for {window.bars_each} bars." if window.bars_each > 1 else ""
    attempts = f" {zone_chart.told(zone, window.timezone)}" if zone is not None else ""
    st.caption(f"{symbol}, {timeframe} bars, {window.timezone} time, actual prices.{merged}{attempts}")
    return window.timezone


def _show_words(
    trade: dict[str, Any], zone: str, signals: str, brought_in: dict[str, str], later: tuple[float, ...]
) -> None:
    entered = ("Why it was entered", trade["entry_reason"] or formats.DASH,
               f"{_at(trade['entry_at'], zone)} at {formats.price(trade['entry_price'])}")  # fmt: skip
    left = ("Why it was left", formats.left_because(trade["exit_reason"], signals),
            f"{_at(trade['exit_at'], zone)} at {formats.price(trade['exit_price'])}")  # fmt: skip
    best, worst = (formats.signed_percent(trade[name], 2) for name in ("mfe_frac", "mae_frac"))
    rows = {
        "Held": formats.plural(int(trade["bars_held"] or 0), "bar"),
        **brought_in,
        "Stop": formats.price(trade["stop_price"]),
        "Targets" if later else "Target": ", ".join(map(formats.price, (trade["target_price"], *later))),
        "Best, worst": f"{best}, {worst}",
        "Gross": formats.signed_money(trade["gross_pnl"]),
        "Fees, slippage": f"{formats.money(trade['fees'])}, {formats.money(trade['slippage'])}",
    }
    if trade.get("dividends"):
        rows["Dividends"] = formats.signed_money(trade["dividends"])
    st.html(html.panels([entered, left], rows, palette()))


def _choose(on_page: list[int], rows: list[int]) -> None:
    """Action: the URL names the trade of the row that was clicked."""
    state.put_in_url(state.TRADE, [str(on_page[row]) for row in rows[:1]])


def _go(ids: list[int], at: int) -> None:
    """Action: the trade at this place of the order, and its page of the table."""
    state.put_in_url(state.TRADE, [str(ids[at])])
    st.session_state[state.TRADE_PAGE] = at // TRADES_ROWS + 1
    state.renew(state.TRADES_TABLE)


def _reorder(name: str) -> None:
    """Action: the address says what was chosen, where it is not the usual; the table begins anew."""
    chosen = st.session_state[name]
    state.put_in_url(name, [chosen] if chosen not in (FIRST, ANY) else [])
    st.session_state[state.TRADE_PAGE] = 1


def _trade_of_url() -> int | None:
    text = st.query_params.get(state.TRADE, "")
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _last_moment(run: Run) -> dt.datetime:
    """The end of the run's window, for trades that are still open."""
    return dt.datetime.combine(dt.date.fromisoformat(run.window_end), dt.time(23, 59), dt.UTC)


def _at(at: dt.datetime | None, zone: str) -> str:
    return formats.DASH if at is None else f"{at.astimezone(ZoneInfo(zone)):%a %d %b %Y, %H:%M %Z}"
