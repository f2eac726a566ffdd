"""Charts of a sweep's configs: from small tables to figures in Argus' look. They ask nothing and compute little.

Colours tell a metric: where zero (for a profit factor, one) divides good from bad, orange to blue with that in the
middle; else light to dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import streamlit as st

from pages.ui import charts, echarts, formats
from pages.ui.echarts import TOLD, Chart
from pages.ui.palette import Palette, faded
from pages.ui.sweep_filters import label, shown, unit

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MIDDLE = {"total_return": 0.0, "cagr": 0.0, "sharpe": 0.0, "sortino": 0.0, "calmar": 0.0, "avg_trade": 0.0,
          "profit_factor": 1.0}  # fmt: skip
_TICKS = {"fraction": ".3~p", "count": ",d", "money": ",.4~g", "ratio": ",.3~g"}
N_TICKS = 12
MAP_TOP, SCALE = 36, 84  # pixels above a map, and at its right, where the scale of its colours stands


class Cells(NamedTuple):
    """A metric over two parameters: z[i][j] belongs to ys[i] and xs[j], None where no config has it; n counts them."""

    x: str
    y: str
    xs: list[str]
    ys: list[str]
    z: list[list[float | None]]
    n: list[list[int]]


def show(figure: Figure, key: str, alt: str, *, buttons: Sequence[str] = (), **options: Any) -> Any:
    """Draw a chart with a camera, which saves it as PNG, and further buttons by their names in plotly."""
    config = {
        "displaylogo": False, "displayModeBar": True, "responsive": True, "scrollZoom": False, "doubleClick": "reset",
        "modeBarButtons": [[*buttons, "toImage"]],
        "toImageButtonOptions": {"format": "png", "filename": f"argus-{key}", "scale": 2},
    }  # fmt: skip
    return st.plotly_chart(figure, theme=None, key=key, config=config, alt=alt, width="stretch", **options)


def heat_map(
    colours: Palette, cells: Cells, metric: str, name: str, picked: tuple[int, int] | None = None
) -> Chart:
    """Cells of one size in the order of the values; the row of a cell in the dataset is its place in `known(cells)`.

    picked : (across, up) of the cell that is looked at; all others are paled.
    """
    places = known(cells)
    rows = [(j, i, cells.z[i][j], _told(cells, i, j, metric, name)) for i, j in places]
    table = pl.DataFrame(rows, [label(cells.x), label(cells.y), name, TOLD], orient="row")
    gap = 1 if max(len(cells.xs), len(cells.ys)) <= 48 else 0  # lines would take half of small cells
    across, up = _labels(cells.xs), _labels(cells.ys)
    left, height = echarts.room(list(up.values())), max(320, min(760, 120 + 26 * len(cells.ys)))
    chart = echarts.blank(
        colours, height,
        legend={"show": False}, dataZoom=[],
        dataset={"source": table},
        grid=echarts.grid(left, MAP_TOP, right=SCALE, bottom=50),
        xAxis=echarts.places(colours, len(cells.xs), across, label(cells.x), 28),
        yAxis=echarts.places(colours, len(cells.ys), up, label(cells.y), left - 18),
        tooltip=echarts.tells(colours, "item"),
        **_scale_bar(colours, metric, [cells.z[i][j] for i, j in places], name, height - MAP_TOP - 50),
    )  # fmt: skip
    around = {"borderColor": colours.background, "borderWidth": gap}
    framed = _best(cells, metric) if picked is None else picked
    frame = {"itemStyle": {"borderColor": colours.text, "borderWidth": 2}}
    chart.option["series"].append({
        "type": "heatmap", "selectedMode": "single", "encode": {"x": 0, "y": 1, "value": 2}, "progressive": 0,
        "itemStyle": around | ({} if picked is None else {"opacity": 0.45}),
        "emphasis": frame, "select": {"disabled": True},
    })  # fmt: skip
    if framed is not None:
        j, i = framed
        chart.option["series"].append({
            "type": "heatmap", "data": [[j, i, cells.z[i][j]]], "silent": True, "z": 3,
            "itemStyle": frame["itemStyle"] | {"opacity": 1},
        })  # fmt: skip
    return chart


def known(cells: Cells) -> list[tuple[int, int]]:
    """(up, across) of the cells that hold a config."""
    return [(i, j) for i, row in enumerate(cells.z) for j, value in enumerate(row) if value is not None]


def _told(cells: Cells, i: int, j: int, metric: str, name: str) -> str:
    where = f"{label(cells.x)} {cells.xs[j]}, {label(cells.y)} {cells.ys[i]}"
    return f"{where}\n{name} {shown(metric, cells.z[i][j])}\n{formats.plural(cells.n[i][j], 'config')}"


def _labels(texts: Sequence[str]) -> dict[int, str]:
    found = ticks(texts)
    return dict(zip(found["tickvals"], found["ticktext"], strict=True))


def _scale_bar(
    colours: Palette, metric: str, values: Sequence[float | None], name: str, height: int
) -> dict[str, Any]:
    """Colours of a metric as a bar at the right, with some values beside it and its name above."""
    scale = scale_of(colours, metric, values, name)
    low, high = scale["zmin"], scale["zmax"]
    text = {"type": "text", "silent": True, "right": 2}
    font = {"fill": colours.muted, "fontSize": 11, "fontFamily": colours.font}
    told = {shown(metric, low + (high - low) * share): share for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    beside = [
        text | {"top": MAP_TOP + round((height - 12) * (1 - share)), "style": font | {"text": words}}
        for words, share in told.items()
    ]  # fmt: skip
    above = text | {"right": 40, "top": 5, "style": font | {"text": name, "fontSize": 12}}
    bar = {
        "type": "continuous", "min": low, "max": high, "dimension": 2, "seriesIndex": [0, 1], "right": SCALE - 30,
        "top": MAP_TOP, "padding": 0, "itemWidth": 12, "itemHeight": height, "hoverLink": False, "calculable": False,
        "inRange": {"color": [colour for _, colour in scale["colorscale"]]},
    }  # fmt: skip
    return {"visualMap": bar, "graphic": [above, *beside]}


def surface(colours: Palette, cells: Cells, metric: str, name: str) -> Figure:
    """The same cells as a landscape to turn with the mouse."""
    import plotly.graph_objects as go

    axis = {"gridcolor": faded(colours.muted, 0.25), "color": colours.muted, "backgroundcolor": "rgba(0,0,0,0)",
            "showspikes": False, "zeroline": False, "tickfont": {"size": 11}}  # fmt: skip
    figure = ground(colours, 620, margin={"l": 0, "r": 0, "t": 34, "b": 0}, uirevision="surface")
    told = [
        [
            f"{label(cells.x)} {x}, {label(cells.y)} {y}<br>{name} {shown(metric, cells.z[i][j])}"
            for j, x in enumerate(cells.xs)
        ]
        for i, y in enumerate(cells.ys)
    ]
    scale = scale_of(colours, metric, _flat(cells.z), name)
    figure.add_trace(
        go.Surface(
            z=cells.z,
            text=told,
            hovertemplate="%{text}<extra></extra>",
            connectgaps=False,
            contours={"z": {"show": True, "usecolormap": True, "width": 1}},
            lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.08},
            cmin=scale.pop("zmin"),
            cmax=scale.pop("zmax"),
            **scale,
        )
    )
    figure.update_layout(
        scene={
            "xaxis": axis | ticks(cells.xs, 7) | {"title": {"text": label(cells.x)}},
            "yaxis": axis | ticks(cells.ys, 7) | {"title": {"text": label(cells.y)}},
            "zaxis": axis | {"title": {"text": name}} | number_ticks(metric, _flat(cells.z)),
            "aspectratio": {"x": 1.25, "y": 1.1, "z": 0.62},
            "camera": {"eye": {"x": -1.35, "y": -1.45, "z": 0.85}, "center": {"x": 0, "y": 0, "z": -0.12}},
        }
    )
    return figure


def profile(
    colours: Palette, x: str, xs: Sequence[str], lines: Mapping[str, Sequence[float | None]], metric: str
) -> Chart:
    """A metric along one parameter: the best, the middle and the worst of the configs at each value."""
    looks = {
        "max": (colours.series[0], "solid"),
        "median": (colours.text, "solid"),
        "min": (colours.series[1], "dotted"),
    }
    same = len({tuple(values) for values in lines.values()}) == 1
    drawn = {label(metric): next(iter(lines.values()))} if same else dict(lines)
    told = [
        "\n".join(
            [f"{label(x)} {text}", *(f"{name} {shown(metric, line[i])}" for name, line in drawn.items())]
        )
        for i, text in enumerate(xs)
    ]
    numbers = [value for line in drawn.values() for value in line if value is not None]
    left = echarts.room(
        [shown(metric, value) for value in (min(numbers, default=0), max(numbers, default=0))]
    )
    chart = echarts.blank(
        colours, 380,
        dataset={"source": pl.DataFrame({label(x): range(len(xs)), **drawn, TOLD: told})},
        grid=echarts.grid(left, echarts.TOP, bottom=50),
        xAxis=echarts.places(colours, len(xs), _labels(xs), label(x), 28),
        yAxis=echarts.values(colours, label(metric), left, scale=True),
        tooltip=echarts.tells(colours),
    )  # fmt: skip
    for name, (colour, dash) in zip(drawn, looks.values(), strict=False):
        chart.option["series"].append(
            echarts.line(name, colour, dash=dash, encode={"x": label(x), "y": name}) | {"showSymbol": len(xs) < 80}
        )  # fmt: skip
    return chart


def ground(colours: Palette, height: int, **layout: Any) -> Figure:
    """With a ground of the page's colour, so that a saved picture can be read anywhere."""
    bar = {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.primary}
    return charts.blank(colours, height, **{"paper_bgcolor": colours.background, "modebar": bar} | layout)


def scale_of(colours: Palette, metric: str, values: Sequence[float | None], name: str) -> dict[str, Any]:
    """zmin, zmax, colorscale, colorbar of a metric; a constant one gets some room around it.

    Where a middle divides good from bad, one step of colour is as far on both sides of it, and the scale ends where the
    values end: strong blue is said of a gain only that is as large as the worst loss.
    """
    known = [value for value in values if value is not None and abs(value) != float("inf")]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high:
        room = abs(low) * 0.1 or 0.5
        low, high = low - room, high + room
    middle = MIDDLE.get(metric.removeprefix("metric."))
    if middle is None:
        steps = _steps(colours.sequential, 0.0, 1.0)
    else:
        far = 2.0 * max(abs(low - middle), abs(high - middle))
        steps = _steps(colours.diverging, 0.5 + (low - middle) / far, 0.5 + (high - middle) / far)
    bar = {"thickness": 12, "outlinewidth": 0, "title": {"text": name, "side": "right", "font": {"size": 12}},
           "tickfont": {"size": 11, "color": colours.muted}, **number_ticks(metric, (low, high))}  # fmt: skip
    return {"zmin": low, "zmax": high, "colorscale": steps, "colorbar": bar}


def _steps(scale: Sequence[str], first: float, last: float, n: int = 12) -> list[list[Any]]:
    """The part of a colour scale between two places of it (0 to 1) as a scale of its own."""
    return [[i / (n - 1), _colour_at(scale, first + (last - first) * i / (n - 1))] for i in range(n)]


def _colour_at(scale: Sequence[str], place: float) -> str:
    """The colour at a place of a scale (0 to 1), mixed of its neighbours."""
    at = min(max(place, 0.0), 1.0) * (len(scale) - 1)
    left = min(int(at), len(scale) - 2)
    share = at - left
    mixed = [
        round(int(scale[left][k : k + 2], 16) * (1 - share) + int(scale[left + 1][k : k + 2], 16) * share)
        for k in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _best(cells: Cells, metric: str) -> tuple[int, int] | None:
    """(across, up) of the best cell; None where all are equal."""
    found = [(cells.z[i][j], j, i) for i, j in known(cells)]
    if len({value for value, _, _ in found}) < 2:
        return None
    from engine.sweep.ranking import LOWER_IS_BETTER

    pick = min if metric.removeprefix("metric.") in LOWER_IS_BETTER else max
    _, j, i = pick(found, key=lambda one: one[0] or 0.0)
    return j, i


def ticks(texts: Sequence[str], most: int = N_TICKS) -> dict[str, Any]:
    """Some places, evenly, with their texts; both ends where there is room."""
    step = max(1, -(-(len(texts) - 1) // max(1, most - 1)))
    places = list(range(0, len(texts), step))
    cut = [text if len(text) <= 18 else f"{text[:17]}…" for text in (texts[i] for i in places)]
    return {"tickmode": "array", "tickvals": places, "ticktext": cut}


def tick_format(column: str) -> str:
    return _TICKS.get(unit(column), "")


def number_ticks(column: str, values: Sequence[float | None]) -> dict[str, Any]:
    """How an axis of these numbers is marked. Between few counts plotly would mark parts of one: 119, 119, 120, 120."""
    known = [value for value in values if value is not None]
    is_narrow = unit(column) == "count" and known and max(known) - min(known) <= N_TICKS
    whole = {"tickmode": "linear", "tick0": 0, "dtick": 1} if is_narrow else {}
    return {"tickformat": tick_format(column)} | whole


def _flat(rows: Sequence[Sequence[float | None]]) -> list[float | None]:
    return [value for row in rows for value in row]
