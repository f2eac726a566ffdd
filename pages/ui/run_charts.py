"""Charts of runs: their curves, and the returns of their trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import polars as pl

from pages.ui import echarts, formats, thin
from pages.ui.echarts import TOLD, Chart
from pages.ui.palette import Palette, faded

LOG_FROM = 4.0  # a linear scale hides the early years of a curve that grew more than fourfold
HEIGHT, UPPER, BELOW, LOWER = 460, 262, 318, 112  # pixels: all, the values, where the falls begin, the falls
SESSION = "Session"


def curves(
    colours: Palette,
    lines: Sequence[tuple[str, pl.DataFrame, dict[str, Any]]],
    *,
    title: str,
    base: float | None,
    filled: bool = True,
) -> Chart:
    """Values above, falls from their peaks below, on one time axis.

    lines  : (name, frame of session and equity, style as `echarts.line` takes it); names differ.
    base   : what every line starts from; where None, the first value of a line is its base, shown as 100.
    filled : the first line's fall is an area.
    Curves of more sessions than a screen has pixels are thinned: see `thin.kept`.
    """
    falls = [with_fall(frame, base) for _, frame, _ in lines]
    sessions = thin.kept(falls)
    shown = [
        _shown(name, frame if sessions is None else frame.filter(pl.col("session").is_in(sessions.implode())),
               1.0 if base is not None else 100.0 / float(frame["equity"][0]))
        for (name, _, _), frame in zip(lines, falls, strict=True)
    ]  # fmt: skip
    table = reduce(_beside, shown).sort(SESSION)
    low = min(float(frame[frame.columns[1]].min()) for frame in shown)  # type: ignore[arg-type]
    high = max(float(frame[frame.columns[1]].max()) for frame in shown)  # type: ignore[arg-type]
    needs_log = low > 0 and high / low > LOG_FROM
    left = echarts.room([f"{high:,.0f}", "-100 %"])
    pointer = {"show": True, "label": {"show": False}}
    below = pointer | {"label": {"show": False, "formatter": "Drawdown"}}  # heads its part under the pointer
    chart = echarts.blank(
        colours, HEIGHT,
        dataset={"source": table},
        grid=[echarts.grid(left, echarts.TOP, UPPER), echarts.grid(left, BELOW, LOWER)],
        xAxis=[echarts.days(colours, axisLabel={"show": False}, axisPointer=pointer),
               echarts.days(colours, gridIndex=1, axisPointer=below)],
        yAxis=[_value_axis(colours, title, left, (low, high), needs_log),
               echarts.values(colours, "Drawdown", left, "%", gridIndex=1, **_fall_ends(falls))],
    )  # fmt: skip
    for axis, form in ((0, "%,.2f"), (1, f"%.1f{formats.NBSP}%%")):
        for i, ((name, _, style), frame) in enumerate(zip(lines, shown, strict=True)):
            fill = {"areaStyle": {"color": faded(style["colour"], 0.14)}} if axis and filled and not i else {}
            chart.option["series"].append(
                echarts.line(name, **style, **fill, xAxisIndex=axis, yAxisIndex=axis, connectNulls=True,
                             encode={"x": SESSION, "y": frame.columns[1 + axis]}, tooltip={"valueFormatter": form})
                | {"showSymbol": len(frame) == 1}
            )  # fmt: skip
    return chart


def _shown(name: str, frame: pl.DataFrame, scale: float) -> pl.DataFrame:
    """The columns of one line, named as a reader of the data sees them."""
    return frame.select(
        pl.col("session").alias(SESSION),
        (pl.col("equity") * scale).alias(name),
        (pl.col("fall") * 100.0).alias(f"{name}, drawdown in %"),
    )


def _beside(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return left.join(right, on=SESSION, how="full", coalesce=True)


def _fall_ends(falls: Sequence[pl.DataFrame]) -> dict[str, float]:
    """Of the axis of falls, in percent: some room where nothing fell, and no room for what cannot be lost."""
    deepest = min(float(frame["fall"].min()) for frame in falls)  # type: ignore[arg-type]
    ends = {"max": 0.0, "splitNumber": 3.0}
    if deepest > -0.001:
        return ends | {"min": -1.0}
    return ends | {"min": -100.0} if -1.0 <= deepest < -0.6 else ends


def _value_axis(
    colours: Palette, title: str, left: int, ends: tuple[float, float], needs_log: bool
) -> dict[str, Any]:
    if not needs_log:
        return echarts.values(colours, title, left, scale=True, splitNumber=4)
    low, high = ends[0] / 1.04, ends[1] * 1.04
    return echarts.values(
        colours, f"{title}, log scale", left, type="log", min=low, max=high,
        **echarts.at_places(log_ticks(low, high)),
    )  # fmt: skip


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten between two values; the powers alone over more than two of them."""
    parts = (1.0,) if high / low >= 100 else (1.0, 2.0, 5.0)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for part in parts if low <= (tick := part * 10.0**power) <= high]


def with_fall(frame: pl.DataFrame, base: float | None) -> pl.DataFrame:
    """session, equity, and fall: the fraction below the highest equity so far (the base included), <= 0."""
    peak = pl.col("equity").cum_max().clip(lower_bound=float(frame["equity"][0]) if base is None else base)
    return frame.select("session", "equity", fall=pl.col("equity") / peak - 1.0)


def histogram(colours: Palette, bins: pl.DataFrame) -> Chart:
    """Closed trades by return; losses left of zero, gains right of it. bins : low, high (fractions), n."""
    width = float(bins["high"][0] - bins["low"][0])
    digits = 1 if width >= 0.001 else 2
    told = [
        f"{formats.percent(low, digits)} to {formats.percent(high, digits)}\n{formats.plural(n, 'trade')}"
        for low, high, n in bins.select("low", "high", "n").iter_rows()
    ]
    table = bins.select(
        ((pl.col("low") + pl.col("high")) * 50.0).alias("Return, %"),
        pl.col("n").alias("Trades"),
        pl.Series(TOLD, told),
    )
    few = int(table["Trades"].max() or 0) < 6  # type: ignore[call-overload]
    left = echarts.room([f"{table['Trades'].max():,}"])
    ends = echarts.between(float(bins["low"][0]) * 100.0, float(bins["high"][-1]) * 100.0)
    ends["splitLine"] = {"show": False}
    chart = echarts.blank(
        colours, 260,
        dataset={"source": table},
        legend={"show": False},
        grid=echarts.grid(left, 30, bottom=44),
        xAxis=echarts.values(colours, "Net return of a trade", 40, "%", **ends),
        # else the same whole number stands at several ticks
        yAxis=echarts.values(colours, "Trades", left, minInterval=1, splitNumber=4, **({"interval": 1} if few else {})),
        tooltip=echarts.tells(colours) | {"axisPointer": {"type": "none"}},
        dataZoom=[],
        visualMap={"show": False, "type": "piecewise", "dimension": 0, "pieces": [
            {"lt": -1e-9, "color": colours.loss}, {"gte": -1e-9, "color": colours.gain}]},
    )  # fmt: skip
    chart.option["series"].append({
        "type": "bar", "name": "Trades", "barCategoryGap": "8%", "encode": {"x": "Return, %", "y": "Trades"},
        "emphasis": {"disabled": True},
    })  # fmt: skip
    return chart
