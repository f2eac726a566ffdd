"""Charts of many configs at once: scatter, histograms, shares. Figures only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pages.ui import formats
from pages.ui.palette import Palette, faded
from pages.ui.sweep_charts import ground, number_ticks, scale_of, tick_format, ticks
from pages.ui.sweep_filters import label, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Dimension(NamedTuple):
    """An axis: numbers, or for texts and truths the places that they have among `places`."""

    column: str
    values: list[float]
    places: list[Any] | None = None


class Bins(NamedTuple):
    """A histogram: counts of all configs and of those that pass. places: the value of each bar, if each has one."""

    column: str
    low: float
    width: float
    all: list[int]
    passing: list[int]
    places: list[Any] | None = None


def scatter(
    colours: Palette, x: Dimension, y: Dimension, metric: str, values: Sequence[float], configs: Sequence[int]
) -> Figure:
    """A point a config; drag a box or a lasso over them to filter."""
    import plotly.graph_objects as go

    figure = ground(colours, 480, hovermode="closest", dragmode="select")
    scale = scale_of(colours, metric, values, label(metric))
    marker = {key: value for key, value in scale.items() if not key.startswith("z")}
    told = [
        f"config {config:,}<br>{label(x.column)} {_at(x, i)}<br>{label(y.column)} {_at(y, i)}<br>"
        f"<b>{label(metric)} {shown(metric, values[i])}</b>"
        for i, config in enumerate(configs)
    ]
    figure.add_trace(
        go.Scattergl(
            x=x.values,
            y=y.values,
            mode="markers",
            text=told,
            hovertemplate="%{text}<extra></extra>",
            marker={
                "size": 6,
                "color": values,
                "cmin": scale["zmin"],
                "cmax": scale["zmax"],
                "opacity": 0.85,
                "line": {"width": 0.5, "color": faded(colours.muted, 0.5)},
                **marker,
            },
            unselected={"marker": {"opacity": 0.15}},
            showlegend=False,
        )
    )
    for axis, one in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        marks = number_ticks(one.column, one.values) if one.places is None else ticks(texts_of(one))
        axis(title=label(one.column), showgrid=True, **marks)
    return figure


def histograms(colours: Palette, bins: Sequence[Bins], across: int) -> Figure:
    """A small chart a column: all configs pale, those that pass strong. Drag over one to filter."""
    import plotly.graph_objects as go

    down = -(-len(bins) // across)
    figure = ground(colours, 40 + 168 * down, hovermode="closest", dragmode="select", selectdirection="h", bargap=0.06,
                    barmode="overlay", showlegend=False, margin={"l": 8, "r": 8, "t": 30, "b": 8})  # fmt: skip
    for k, one in enumerate(bins):
        row, place, number = k // across, k % across, "" if k == 0 else str(k + 1)
        left, top = place / across, 1.0 - row / down
        gap_x, gap_y = (0.035 if across > 1 else 0.0), 62 / (40 + 168 * down)
        marks = {"tickformat": tick_format(one.column)} if one.places is None else ticks(texts_of(one), 4)
        x_axis = {
            "domain": [left, left + 1 / across - gap_x],
            "anchor": f"y{number}",
            "nticks": 4,
            "tickangle": 0,
            "range": [one.low - one.width / 2, one.low + one.width * (len(one.all) + 0.5)],
        }
        y_axis = {
            "domain": [top - 1 / down + gap_y, top],
            "anchor": f"x{number}",
            "nticks": 3,
            "tickformat": "~s",
        }
        figure.update_layout(
            {f"xaxis{number}": x_axis | marks, f"yaxis{number}": y_axis | {"rangemode": "tozero"}}
        )
        figure.add_annotation(text=f"<b>{label(one.column)}</b>", x=left, y=top, xref="paper", yref="paper",
                              xanchor="left", yanchor="bottom", yshift=4, showarrow=False,
                              font={"size": 12.5})  # fmt: skip
        middles = [one.low + one.width * (i + 0.5) for i in range(len(one.all))]
        for counts, colour in ((one.all, faded(colours.muted, 0.3)), (one.passing, colours.series[0])):
            figure.add_trace(
                go.Bar(
                    x=middles,
                    y=counts,
                    width=one.width * 0.94,
                    marker={"color": colour, "line": {"width": 0}},
                    xaxis=f"x{number}",
                    yaxis=f"y{number}",
                    text=_spans(one, counts),
                    textposition="none",
                    hovertemplate="%{text}<extra></extra>",
                    unselected={"marker": {"opacity": 0.35}},
                )
            )
    return figure


def bars(colours: Palette, rows: Sequence[tuple[str, float, str, str]]) -> Figure:
    """Shares as bars, the largest on top. rows: (name, share, what follows the figure, colour)."""
    import plotly.graph_objects as go

    ordered = list(reversed(rows))
    longest = max((share for _, share, _, _ in rows), default=1.0) or 1.0
    figure = ground(colours, 50 + 34 * len(rows), showlegend=False, hovermode=False, bargap=0.4,
                    margin={"l": 8, "r": 8, "t": 30, "b": 8})  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=[share for _, share, _, _ in ordered],
            y=[name for name, _, _, _ in ordered],
            orientation="h",
            marker={"color": [colour for _, _, _, colour in ordered], "line": {"width": 0}},
            cliponaxis=False,
            text=[f"{formats.percent(share, 1)}{after}" for _, share, after, _ in ordered],
            textposition="outside",
            textfont={"color": colours.text},
        )
    )
    figure.update_xaxes(range=[0, longest * 1.55], showgrid=False, showticklabels=False)
    figure.update_yaxes(showgrid=False, tickfont={"size": 12.5, "color": colours.text}, ticksuffix="  ")
    return figure


def _spans(one: Bins, counts: Sequence[int]) -> list[str]:
    texts = []
    for i, n in enumerate(counts):
        ends = (one.low + one.width * i, one.low + one.width * (i + 1))
        where = str(one.places[i]) if one.places else " to ".join(shown(one.column, end) for end in ends)
        texts.append(f"{where}<br><b>{formats.plural(n, 'config')}</b>")
    return texts


def _at(one: Dimension, i: int) -> str:
    return shown(one.column, one.values[i]) if one.places is None else texts_of(one)[int(one.values[i])]


def texts_of(one: Dimension | Bins) -> list[str]:
    return [shown(one.column, place) for place in one.places or []]
