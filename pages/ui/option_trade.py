"""One trade of options: what the position was worth while it was held, the underlying with its strikes, its legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from pages.ui import (
    candles,
    echarts,
    formats,
    logic_queries,
    option_greeks,
    option_zone,
    run_files,
    trade_levels,
    trade_payoff,
)
from pages.ui.echarts import TOLD, TOP, Chart
from pages.ui.palette import Palette, palette
from pages.ui.queries import Run

MOST_MARKS = 1_500
POSITION, UNDERLYING = "Net price", "Underlying"  # short: the legend of a converted trade is long
ROOM = 1.02  # strikes this far beyond the underlying's path are still drawn


def show(run: Run, trade: Mapping[str, Any], zone: str) -> None:
    """The chart of marks and underlying, then the legs. NotFound where their files are gone."""
    legs = run_files.legs_of(run.folder, trade["trade_id"])
    marks = run_files.marks_of(run.folder, trade["trade_id"])
    if marks.is_empty():
        st.caption("The position was closed before its first mark, so there is no path to draw.")
    else:
        name = f"{run.file_stem}-trade-{trade['trade_id']}"
        said = f"What position {trade['trade_id']} was worth, and its underlying with the strikes"
        later = trade_levels.later_targets(run.folder, trade["trade_id"])
        echarts.show(trade_chart(palette(), marks, legs, trade, zone, later), "trade_chart", said, name)
        st.caption(_below(marks, trade, is_converted=not added(legs, trade).is_empty()))
    drawn = logic_queries.zone_of(run.folder, trade["trade_id"])
    if drawn is not None:
        option_zone.show(run, trade, drawn, zone)
    show_legs(legs, zone)
    trade_payoff.show(trade, legs, marks)
    greeks = run_files.greeks_of(run.folder, trade["trade_id"])
    if greeks is not None:
        option_greeks.show(greeks, zone)


def trade_chart(
    colours: Palette,
    marks: pl.DataFrame,
    legs: pl.DataFrame,
    trade: Mapping[str, Any],
    zone: str,
    later: Sequence[float] = (),
) -> Chart:
    """Net price above with entry, exit, stop and targets; the underlying below with the legs' strikes.

    marks : at, price, underlying, one row a decision; they stand side by side, however long the night between them.
    """
    few = marks.gather_every(max(1, -(-len(marks) // MOST_MARKS)))
    starts, last = [at.astimezone(ZoneInfo(zone)) for at in few["at"].to_list()], len(few) - 1
    table = _table(few, [candles.moment_words(at, daily=False) for at in starts], trade["symbol"])
    left = echarts.room([formats.price(value) for value in (few["price"].max(), few["underlying"].max())])
    upper = echarts.places(colours, len(few), candles.clock_ticks(starts, daily=False))
    position = echarts.line(POSITION, colours.series[0], encode={"x": "place", "y": POSITION})
    underlying = echarts.line(trade["symbol"], colours.muted, 1.4, encode={"x": "place", "y": UNDERLYING},
                              xAxisIndex=1, yAxisIndex=1)  # fmt: skip
    levels = candles.stop_and_target(colours, trade, (0, last), later)
    marked = [*_ends(colours, trade, legs, last), *_conversions(colours, few, legs, trade)]
    series = [position, *levels, *marked, underlying, *_strikes(colours, legs, few["underlying"], last)]
    chart = echarts.blank(
        colours, 502,
        dataset={"source": table},
        grid=[echarts.grid(left, TOP, 230), echarts.grid(left, TOP + 262, 162)],
        xAxis=[upper | {"axisLabel": {"show": False}}, upper | {"gridIndex": 1}],
        yAxis=[echarts.values(colours, "Net price a share", left, scale=True, splitNumber=4),
               echarts.values(colours, trade["symbol"], left, scale=True, splitNumber=3, gridIndex=1)],
        tooltip=echarts.tells(colours),
        series=[one | {"showSymbol": not last} for one in series],
    )  # fmt: skip
    chart.option["legend"] |= echarts.legend(series)
    return chart


def _table(marks: pl.DataFrame, moments: Sequence[str], symbol: str) -> pl.DataFrame:
    told = [
        f"{moment}\n{POSITION} {formats.number(price)}\n{symbol} {formats.price(underlying)}"
        for moment, (price, underlying) in zip(
            moments, marks.select("price", "underlying").iter_rows(), strict=True
        )
    ]
    return marks.select(
        pl.int_range(pl.len()).alias("place"), pl.col("price").alias(POSITION), pl.col("underlying").alias(UNDERLYING),
        pl.Series(TOLD, told),
    )  # fmt: skip


def _ends(colours: Palette, trade: Mapping[str, Any], legs: pl.DataFrame, last: int) -> list[dict[str, Any]]:
    """Entry as a triangle in the trade's direction, exit as a diamond in the colour of its result.

    Both stand on the path's scale, which counts what conversions and partial closes have brought in; the legend
    says the price of the fill.
    """
    way = "triangle" if trade["side"] == "long" else "down"
    at_entry = trade["entry_price"]
    ends = [("Entry", 0, at_entry, at_entry, way, colours.text, 14)]
    if not trade["is_open"]:
        won = (trade["gross_pnl"] - trade["slippage"]) / (trade["quantity"] * _unit(legs))
        place = at_entry + (won if trade["side"] == "long" else -won)
        result = colours.gain if (trade["net_pnl"] or 0.0) > 0 else colours.loss
        ends.append(("Exit", last, place, trade["exit_price"], "diamond", result, 16))
    return [
        echarts.mark(colours, f"{name} {formats.price(price)}", [(place, height)], symbol, colour, size)
        for name, place, height, price, symbol, colour, size in ends
    ]


def _unit(legs: pl.DataFrame) -> float:
    """Shares that a position of one stands for."""
    return float(legs["multiplier"].max() or 1.0)  # type: ignore[arg-type]


def _conversions(
    colours: Palette, marks: pl.DataFrame, legs: pl.DataFrame, trade: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Where a leg was added to the position later on, on its path; the legend says what that brought in."""
    later = added(legs, trade)
    if later.is_empty():
        return []
    at = [min(int(marks["at"].search_sorted(moment)), len(marks) - 1) for moment in later["at"]]
    points = [(place, marks["price"][place]) for place in at]
    name = f"Converted {told_of(later)}"
    return [echarts.mark(colours, name, points, "diamond", colours.primary, 14)]


def added(legs: pl.DataFrame, trade: Mapping[str, Any]) -> pl.DataFrame:
    """at, price: when legs came to the position later on, and what they brought in net a share, negative if paid."""
    sold = pl.when(pl.col("side") == "sell").then(1.0).otherwise(-1.0)
    worth = (sold * pl.col("ratio") * pl.col("multiplier") * pl.col("entry_price")).sum() / _unit(legs)
    later = legs.filter(pl.col("entry_at") > trade["entry_at"])
    return later.group_by(pl.col("entry_at").alias("at")).agg(worth.alias("price")).sort("at")


def told_of(later: pl.DataFrame) -> str:
    """'+3.35' of `added`."""
    return ", ".join(f"{price:+.2f}" for price in later["price"])


def _strikes(colours: Palette, legs: pl.DataFrame, underlying: pl.Series, last: int) -> list[dict[str, Any]]:
    """Strikes near the underlying's path; sold ones in the colour of losses."""
    low, high = float(underlying.min() or 0.0), float(underlying.max() or 0.0)  # type: ignore[arg-type]
    found = []
    for leg in legs.unique("contract", maintain_order=True).iter_rows(named=True):
        strike, is_sold = leg["strike"], leg["side"] == "sell"
        if strike == strike and low / ROOM <= strike <= high * ROOM:
            name = f"{'Sold' if is_sold else 'Bought'} {leg['right']}"
            colour = colours.loss if is_sold else colours.text
            found.append(echarts.level(name, strike, colour, (0, last), xAxisIndex=1, yAxisIndex=1))
    return found


def brought_in(run: Run, trade: Mapping[str, Any]) -> dict[str, str]:
    """What conversions brought in net a share, as a row of the trade's figures; none where nothing was converted."""
    later = added(run_files.legs_of(run.folder, trade["trade_id"]), trade)
    return {} if later.is_empty() else {"Converted": told_of(later)}


def _below(marks: pl.DataFrame, trade: Mapping[str, Any], *, is_converted: bool) -> str:
    meaning = "what it is worth" if trade["side"] == "long" else "what it costs to close"
    carried = 1.0 - float(marks["is_fresh"].mean() or 0.0)  # type: ignore[arg-type]
    stale = f" {formats.percent(carried)} of the marks carry an older quote on." if carried > 0 else ""
    counted = (
        " The path counts what the conversion brought in; the price of the exit does not." * is_converted
    )
    return f"Net price: {meaning}, at mid.{counted} Strikes further away than 2 % of the path are left out.{stale}"


def show_legs(legs: pl.DataFrame, zone: str) -> None:
    st.markdown("**Legs**")
    shown = legs.with_columns(
        pl.col("entry_at", "exit_at").dt.convert_time_zone(zone).dt.replace_time_zone(None),
        (pl.col("volatility").fill_nan(None) * 100.0).alias("volatility"),
        pl.col("strike", "entry_price", "exit_price", "delta", "gamma", "vega", "theta").fill_nan(None),
    ).select(list(_COLUMNS))
    st.dataframe(shown, hide_index=True, placeholder=formats.DASH, height="content", key="option_legs",
                 column_config=_columns(), alt="Legs of the position with their Greeks at entry")  # fmt: skip
    st.caption(
        "Volatility and Greeks at the decision to enter, a share of each leg bought; a dash is undefined."
    )


_COLUMNS = {  # column -> (label, format, width in pixels): together as wide as the page on a wide screen
    "contract": ("Contract", None, 160),
    "side": ("Side", None, 42),
    "ratio": ("Ratio", "%g", 46),
    "strike": ("Strike", "%g", 54),
    "expiry": ("Expires", "YYYY-MM-DD", 88),
    "entry_at": ("In", "MM-DD HH:mm", 88),
    "entry_price": ("In at", "%.2f", 54),
    "exit_at": ("Out", "MM-DD HH:mm", 88),
    "exit_price": ("Out at", "%.2f", 54),
    "fees": ("Fees", "%.2f", 60),
    "volatility": ("IV", "%.1f %%", 56),
    "delta": ("Delta", "%.3f", 54),
    "gamma": ("Gamma", "%.4f", 60),
    "vega": ("Vega", "%.3f", 48),
    "theta": ("Theta", "%.3f", 54),
}


def _columns() -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, (label, form, width) in _COLUMNS.items():
        if name.endswith("_at"):
            config[name] = st.column_config.DatetimeColumn(label, format=form, width=width)
        elif name == "expiry":
            config[name] = st.column_config.DateColumn(label, format=form, width=width)
        elif form is None:
            config[name] = st.column_config.Column(label, width=width)
        else:
            config[name] = st.column_config.NumberColumn(label, format=form, width=width)
    return config
