"""Charts of a sweep's configs: from small tables to figures in Argus' look. They ask nothing and compute little.

Colours tell a metric: where zero (for a profit factor, one) divides good from bad, orange to blue with that in the
middle; else light to dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from pages.ui import charts, formats
from pages.ui.palette import Palette, faded
from pages.ui.sweep_filters import label, shown, unit

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MIDDLE = {"total_return": 0.0, "cagr": 0.0, "sharpe": 0.0, "sortino": 0.0, "calmar": 0.0, "avg_trade": 0.0,
          "profit_factor": 1.0}  # fmt: skip
_TICKS = {"fraction": ".3~p", "count": ",d", "money": ",.4~g", "ratio": ",.3~g"}
N_TICKS = 12


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
) -> Figure:
    """Cells of one size in the order of the values. Each carries an unseen point, for a click and the hover.

    picked : (across, up) of the cell that is looked at; all others are paled.
    """
    import plotly.graph_objects as go

    gap = 1 if max(len(cells.xs), len(cells.ys)) <= 48 else 0  # lines would take half of small cells
    height = max(320, min(760, 120 + 26 * len(cells.ys)))
    figure = ground(colours, height, hovermode="closest", hoverdistance=-1, clickmode="event+select")
    figure.add_trace(
        go.Heatmap(
            z=cells.z, hoverinfo="skip", xgap=gap, ygap=gap, **scale_of(colours, metric, _flat(cells.z), name)
        )
    )
    places = [(i, j) for i, row in enumerate(cells.z) for j, value in enumerate(row) if value is not None]
    told = [
        f"{label(cells.x)} {cells.xs[j]}, {label(cells.y)} {cells.ys[i]}"
        f"<br><b>{name} {shown(metric, cells.z[i][j])}</b>"
        f"<br>{formats.plural(cells.n[i][j], 'config')}"
        for i, j in places
    ]
    clear = {"marker": {"opacity": 0}}
    figure.add_trace(
        go.Scatter(
            x=[j for _, j in places],
            y=[i for i, _ in places],
            mode="markers",
            showlegend=False,
            text=told,
            marker={"size": 14, "opacity": 0, "symbol": "square"},
            selected=clear,
            unselected=clear,
            hovertemplate="%{text}<extra></extra>",
            customdata=[[i, j] for i, j in places],
        )
    )
    if picked is None:
        _show_best(figure, colours, cells, metric)
    else:
        _show_picked(figure, colours, cells, picked)
    figure.update_xaxes(
        title=label(cells.x), showgrid=False, **ticks(cells.xs), range=[-0.5, len(cells.xs) - 0.5]
    )
    figure.update_yaxes(
        title=label(cells.y), showgrid=False, **ticks(cells.ys), range=[-0.5, len(cells.ys) - 0.5]
    )
    return figure


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
            "zaxis": axis | {"title": {"text": name}, "tickformat": tick_format(metric)},
            "aspectratio": {"x": 1.25, "y": 1.1, "z": 0.62},
            "camera": {"eye": {"x": -1.35, "y": -1.45, "z": 0.85}, "center": {"x": 0, "y": 0, "z": -0.12}},
        }
    )
    return figure


def profile(
    colours: Palette, x: str, xs: Sequence[str], lines: Mapping[str, Sequence[float | None]], metric: str
) -> Figure:
    """A metric along one parameter: the best, the middle and the worst of the configs at each value."""
    import plotly.graph_objects as go

    figure = ground(colours, 380, hovermode="x unified")
    looks = {
        "max": (colours.series[0], "solid"),
        "median": (colours.text, "solid"),
        "min": (colours.series[1], "dot"),
    }
    same = len({tuple(values) for values in lines.values()}) == 1
    for name, values in list(lines.items())[:1] if same else lines.items():
        colour, dash = looks[name]
        figure.add_trace(
            go.Scatter(
                x=list(range(len(xs))),
                y=list(values),
                name=label(metric) if same else name,
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 1.8},
                marker={"size": 6},
                text=[shown(metric, value) for value in values],
                hovertemplate="%{text}",
            )
        )
    figure.update_xaxes(title=label(x), **ticks(xs))
    figure.update_yaxes(title=label(metric), tickformat=tick_format(metric))
    return figure


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
           "tickfont": {"size": 11, "color": colours.muted}, "tickformat": tick_format(metric)}  # fmt: skip
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


def _show_best(figure: Figure, colours: Palette, cells: Cells, metric: str) -> None:
    """A ring around the best cell, where more is better."""
    known = [(v, i, j) for i, row in enumerate(cells.z) for j, v in enumerate(row) if v is not None]
    if not known or len({v for v, _, _ in known}) == 1:
        return
    from engine.sweep.ranking import LOWER_IS_BETTER

    pick = min if metric.removeprefix("metric.") in LOWER_IS_BETTER else max
    _, i, j = pick(known, key=lambda one: one[0])
    figure.add_shape(type="rect", x0=j - 0.5, x1=j + 0.5, y0=i - 0.5, y1=i + 0.5,
                     line={"color": colours.text, "width": 2})  # fmt: skip


def _show_picked(figure: Figure, colours: Palette, cells: Cells, picked: tuple[int, int]) -> None:
    """A frame around one cell and a veil over the others."""
    (j, i), veil = picked, faded(colours.background, 0.55)
    left, right, low, high = -0.5, len(cells.xs) - 0.5, -0.5, len(cells.ys) - 0.5
    parts = [(left, right, low, i - 0.5), (left, right, i + 0.5, high), (left, j - 0.5, i - 0.5, i + 0.5),
             (j + 0.5, right, i - 0.5, i + 0.5)]  # fmt: skip
    for x0, x1, y0, y1 in parts:
        figure.add_shape(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, fillcolor=veil, line={"width": 0})
    figure.add_shape(type="rect", x0=j - 0.5, x1=j + 0.5, y0=i - 0.5, y1=i + 0.5,
                     line={"color": colours.text, "width": 2})  # fmt: skip


def ticks(texts: Sequence[str], most: int = N_TICKS) -> dict[str, Any]:
    """Some places, evenly, with their texts; both ends where there is room."""
    step = max(1, -(-(len(texts) - 1) // max(1, most - 1)))
    places = list(range(0, len(texts), step))
    cut = [text if len(text) <= 18 else f"{text[:17]}…" for text in (texts[i] for i in places)]
    return {"tickmode": "array", "tickvals": places, "ticktext": cut}


def tick_format(column: str) -> str:
    return _TICKS.get(unit(column), "")


def _flat(rows: Sequence[Sequence[float | None]]) -> list[float | None]:
    return [value for row in rows for value in row]
