"""Charts that pages begin with: descriptions for Apache ECharts, in one look for light and dark.

ECharts is a quarter of Plotly's size and draws on a canvas, which takes a third off the time of a page with charts
(`docs/decisions/083-charts-that-pages-begin-with.md`). Its descriptions are plain JSON: words of our own are sent
beside the values (`told`), other figures are formatted in the browser. What turns, what is brushed, and what has many
axes is left to Plotly: see `charts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import formats
from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from streamlit.elements.echarts_chart import EChartsSelectionState

TOP, SIDE = 34, 8  # pixels: room for the legend, and beside
DAY_MS = 86_400_000
TOLD = "told"  # the column of a dataset whose lines stand under the pointer


@dataclass(frozen=True)
class Chart:
    """What to draw, as ECharts takes it (`option`), and its height in pixels."""

    colours: Palette
    height: int
    option: dict[str, Any]

    def series(self, name: str) -> dict[str, Any]:
        """The first of this name."""
        return next(one for one in self.option["series"] if one.get("name") == name)


def show(chart: Chart, key: str, alt: str, file_name: str = "", **options: Any) -> Any:
    """Draw a chart.

    alt       : what it shows, for those who cannot see it.
    file_name : of the PNG that the camera makes, without its ending.
    """
    buttons = {"toolbox": _toolbox(chart, file_name or f"argus-{key}")}
    return st.echarts_chart(buttons | chart.option, height=chart.height, key=key, alt=alt, **options)


def picked(selection: EChartsSelectionState) -> list[int]:
    """Rows of the dataset that were clicked, where the first series lets itself be selected."""
    return [place for one in selection.selected for place in one["data_indices"]]


def blank(colours: Palette, height: int, **parts: Any) -> Chart:
    """A chart without series in the look that all share; `parts` are further parts of the description."""
    text = {"fontFamily": colours.font, "fontSize": 12.5, "color": colours.text}
    option = {
        "animation": False,
        "backgroundColor": colours.background,  # the page's; a clear one would make a PNG without a ground
        "color": list(colours.series),
        "textStyle": text,
        "useUTC": True,
        "legend": {
            "type": "scroll", "left": 0, "width": "75%", "top": 2, "itemWidth": 18, "itemGap": 14, "textStyle": text,
            "itemStyle": {"opacity": 0}, "symbolRotate": "inherit", "inactiveColor": colours.muted,
            "pageIconColor": colours.muted, "pageTextStyle": {"color": colours.muted},
        },
        "tooltip": tooltip(colours, "axis"),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": [{"type": "inside", "xAxisIndex": "all"}],
        "series": [],
    }  # fmt: skip
    return Chart(colours, height, option | parts)


def tooltip(colours: Palette, trigger: str, **more: Any) -> dict[str, Any]:
    """What stands under the pointer. trigger : 'axis' (all at a place) or 'item' (the one pointed at)."""
    line = {"type": "line", "lineStyle": {"color": colours.muted, "type": "solid", "width": 1}}
    return {
        "trigger": trigger, "confine": True, "transitionDuration": 0, "backgroundColor": colours.panel,
        "borderColor": colours.rule, "padding": [7, 10], "axisPointer": line,
        "textStyle": {"fontFamily": colours.font, "fontSize": 12.5, "color": colours.text},
        "extraCssText": "box-shadow:none;white-space:pre-line;font-variant-numeric:tabular-nums",
    } | more  # fmt: skip


def tells(colours: Palette, trigger: str = "axis") -> dict[str, Any]:
    """A tooltip of the lines that the first series' dataset holds as text."""
    return tooltip(colours, trigger, formatter=f"{{@{TOLD}}}")


def grid(
    left: int, top: int, height: int | None = None, right: int = SIDE, bottom: int = 26
) -> dict[str, Any]:
    """Where axes stand, in pixels from the chart's edges; labels stand outside of it."""
    place = {"left": left, "right": right, "top": top, "outerBoundsMode": "none"}
    return place | ({"bottom": bottom} if height is None else {"height": height})


def room(labels: Sequence[str], titled: bool = True) -> int:
    """Pixels that the labels of an upright axis take, and its title."""
    return 14 + round(7.4 * max(map(len, labels), default=0)) + (26 if titled else 0)


def values(colours: Palette, title: str = "", left: int = 0, unit: str = "", **more: Any) -> dict[str, Any]:
    """An axis of numbers. left : pixels between it and the chart's edge, where the title stands."""
    label = {"formatter": f"{{value}}{formats.NBSP}{unit}"} if unit else {}
    return _axis(colours, title, left - 18, more | {"type": more.get("type", "value")}, label) | {
        "splitLine": faint(colours) | more.get("splitLine", {}),
    }  # fmt: skip


def between(low: float, high: float) -> dict[str, Any]:
    """Bounds of an axis of numbers, without labels at them: they are no round numbers."""
    return {
        "min": low, "max": high, "axisLabel": {"showMinLabel": False, "showMaxLabel": False},
        "splitLine": {"showMinLine": False, "showMaxLine": False},
    }  # fmt: skip


def faint(colours: Palette) -> dict[str, Any]:
    """Lines behind the marks of a chart."""
    return {"show": True, "lineStyle": {"color": faded(colours.muted, 0.18)}}


def at_places(places: Sequence[float]) -> dict[str, Any]:
    """Lines and labels of an axis at these values only."""
    return {"axisTick": {"customValues": list(places)}, "axisLabel": {"customValues": list(places)}}


def days(colours: Palette, **more: Any) -> dict[str, Any]:
    """An axis of dates."""
    form = {"year": "{yyyy}", "month": "{MMM}"} | dict.fromkeys(
        ("day", "hour", "minute", "second", "millisecond", "none"), "{d} {MMM}"
    )
    return _axis(
        colours,
        "",
        0,
        more | {"type": "time", "minInterval": DAY_MS},
        {"formatter": form, "hideOverlap": True, "alignMinLabel": "left", "alignMaxLabel": "right"},
    )


def places(
    colours: Palette, n: int, labels: Mapping[int, str], title: str = "", gap: int = 24, **more: Any
) -> dict[str, Any]:
    """An axis of n places of one width, some of them with a label."""
    texts = [labels.get(i, "") for i in range(n)]
    some = list(labels)
    axis = {"type": "category", "data": texts, "axisTick": {"customValues": some, "alignWithLabel": True}}
    return _axis(colours, title, gap, axis | more, {"customValues": some})


def _axis(
    colours: Palette, title: str, gap: int, more: Mapping[str, Any], label: Mapping[str, Any]
) -> dict[str, Any]:
    look = {"color": colours.muted, "fontSize": 11.5, "lineHeight": 14, "fontFamily": colours.font,
            "textBorderWidth": 0}  # fmt: skip
    named = {
        "name": title,
        "nameLocation": "middle",
        "nameGap": gap,
        "nameTextStyle": look | {"fontSize": 12},
    }
    return {
        "axisLine": {"show": False},
        "splitLine": {"show": False},
        **(named if title else {}),
        **more,
        "axisTick": {"show": False} | more.get("axisTick", {}),
        "axisLabel": look | label | more.get("axisLabel", {}),
    }


def line(name: str, colour: str, width: float = 1.8, dash: str = "solid", **more: Any) -> dict[str, Any]:
    """A line; dash is solid, dashed or dotted."""
    return {
        "type": "line", "name": name, "showSymbol": False, "symbol": "circle", "symbolSize": 5,
        "itemStyle": {"color": colour}, "lineStyle": {"color": colour, "width": width, "type": dash},
        "emphasis": {"disabled": True},
    } | more  # fmt: skip


def level(name: str, price: float, colour: str, span: tuple[int, int], **more: Any) -> dict[str, Any]:
    """A broken line at a price between two places; the legend says its price."""
    return levels(name, [price], colour, span, **more)


def levels(
    name: str, prices: Sequence[float], colour: str, span: tuple[int, int], **more: Any
) -> dict[str, Any]:
    """Broken lines at prices between two places, one name in the legend with all of them."""
    data: list[list[float | None]] = []
    for price in prices:
        data += [[span[1], None]] if data else []  # a hole, so that they stay apart
        data += [[place, price] for place in span]
    told = ", ".join(map(formats.price, prices))
    return line(f"{name} {told}", colour, 1.6, "dashed", data=data, silent=True, symbol="none") | more


def legend(series: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """These in the legend: lines as lines, marks as marks."""
    clear = {"itemStyle": {"opacity": 0}}
    return {"itemStyle": {}, "data": [
        {"name": one["name"]} | (clear if one["type"] == "line" else {}) for one in series
    ]}  # fmt: skip


def mark(
    colours: Palette, name: str, points: Sequence[Sequence[float]], symbol: str, colour: str, size: int = 13
) -> dict[str, Any]:
    """Points that stand out, with a rim of the ground's colour. symbol : 'triangle', 'down' or 'diamond'."""
    turned = {"symbol": "triangle", "symbolRotate": 180} if symbol == "down" else {"symbol": symbol}
    return {
        "type": "scatter", "name": name, "data": [list(point) for point in points], "symbolSize": size, "z": 5,
        **turned,
        "itemStyle": {"color": colour, "borderColor": colours.background, "borderWidth": 1.5, "opacity": 1},
        "emphasis": {"disabled": True},
    }  # fmt: skip


def _toolbox(chart: Chart, file_name: str) -> dict[str, Any]:
    """Zoom into a span and ways back where a chart zooms, and a picture with twice the pixels of the screen."""
    span = {
        "yAxisIndex": "none",  # heights follow what is shown; bounds of a box would be labels such as 91,428.5243
        "title": {"zoom": "Zoom into a span", "back": "Back"},
        "brushStyle": {"color": faded(chart.colours.primary, 0.18), "borderWidth": 0},
    }
    zoom = {"dataZoom": span, "restore": {"title": "Whole"}} if chart.option.get("dataZoom") else {}
    picture = {"type": "png", "name": file_name, "pixelRatio": 2, "title": "PNG"}
    quiet = {"borderColor": chart.colours.muted, "borderWidth": 1.2}
    return {
        "right": 2, "top": -8, "itemSize": 13, "itemGap": 9, "iconStyle": quiet,
        "emphasis": {"iconStyle": {"borderColor": chart.colours.text, "textFill": chart.colours.muted}},
        "feature": zoom | {"saveAsImage": picture},
    }  # fmt: skip
