"""Parallel coordinates: a line a config through all of its values, and a brush along each axis. Figures only.

plotly's own chart of this kind cannot tell the server what is brushed on it. So each axis is a narrow plot of its own,
whose box is told as that of any other plot, and the lines stand on one wide plot under them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pages.ui.palette import Palette, faded
from pages.ui.sweep_charts import ground, number_ticks, scale_of, ticks
from pages.ui.sweep_drawings import Dimension, texts_of
from pages.ui.sweep_filters import label, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from engine.sweep.filters import Filter

N_MARKS = 12  # values of an axis that each get a mark
LABEL_LETTERS = 12  # of a line of an axis's name
CLOSE, CLOSE_LETTERS = 7, 9  # so many axes stand closer on a narrow screen than such a line is long
EDGE = 0.045  # of the width, beside the first and the last axis
ROOM = 0.02  # of an axis's length, beyond its ends


class Axis(NamedTuple):
    """One upright axis, from low to high.

    known : the values that a parameter takes at all; empty for a metric.
    kept  : the spans of it that filters keep.
    """

    of: Dimension
    low: float
    high: float
    known: Sequence[float] = ()
    kept: Sequence[tuple[float, float]] = ()


def parallel(colours: Palette, axes: Sequence[Axis], metric: str, values: Sequence[float]) -> Figure:
    """Lines in the colour of their metric, the last on top; drag along an axis to filter by it."""
    figure = ground(colours, 500, dragmode="select", selectdirection="v", hovermode=False, showlegend=False,
                    margin={"l": 8, "r": 8, "t": 64, "b": 16})  # fmt: skip
    wide = {"visible": False, "fixedrange": True}
    figure.update_layout(
        xaxis=wide | {"domain": [EDGE, 1.0 - EDGE], "range": [0, len(axes) - 1]},
        yaxis=wide | {"range": [-ROOM, 1.0 + ROOM]},
    )
    _draw_lines(figure, colours, axes, metric, values)
    for i, one in enumerate(axes):
        _draw_axis(figure, colours, one, _place(i, len(axes)), i + 2, len(axes))
    return figure


def x_of(i: int) -> str:
    """plotly's name of the x axis under axis i, which a box on it names."""
    return f"x{i + 2}"


def kept_spans(
    one: Dimension, filters: Sequence[Filter], low: float, high: float
) -> list[tuple[float, float]]:
    """The spans of an axis from low to high that filters of its column keep; none where it has no filter."""
    from engine.sweep.filters import Between, OneOf

    found: list[tuple[float, float]] = []
    for each in filters:
        if isinstance(each, Between) and each.column == one.column:
            found.append((low if each.low is None else each.low, high if each.high is None else each.high))
        elif isinstance(each, OneOf) and each.column == one.column:
            order = one.places or list(each.values)
            held = [value for value in each.values if value in order]
            at = [float(order.index(value) if one.places else value) for value in held]
            found += [(place, place) for place in at]
    return found


def _place(i: int, n: int) -> float:
    """Where axis i of n stands, as a share of the width."""
    return EDGE + (1.0 - 2 * EDGE) * i / (n - 1)


def _draw_lines(
    figure: Figure, colours: Palette, axes: Sequence[Axis], metric: str, values: Sequence[float]
) -> None:
    """A trace a tone of the scale: a trace has one colour, and a gap parts its lines."""
    import plotly.graph_objects as go

    scale = scale_of(colours, metric, values, label(metric))
    low, high, tones = scale["zmin"], scale["zmax"], scale["colorscale"]
    shares = [[(value - one.low) / (one.high - one.low) for value in one.of.values] for one in axes]
    lines: dict[str, list[float | None]] = {}
    for value, line in zip(values, zip(*shares, strict=True), strict=True):
        colour = tones[round((value - low) / (high - low) * (len(tones) - 1))][1]
        lines.setdefault(colour, []).extend((*line, None))
    for colour, ys in lines.items():
        xs = [*range(len(axes)), None] * (len(ys) // (len(axes) + 1))
        figure.add_trace(
            go.Scatter(x=xs, y=ys, mode="lines", line={"color": colour, "width": 1}, opacity=0.7)
        )
    bar = {"color": [low], "cmin": low, "cmax": high, "showscale": True,
           "colorscale": tones, "colorbar": scale["colorbar"]}  # fmt: skip
    figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=bar))


def _draw_axis(figure: Figure, colours: Palette, one: Axis, place: float, number: int, n_axes: int) -> None:
    """A plot that reaches half way to its neighbours; its y axis stands in its middle."""
    import plotly.graph_objects as go

    half, room = (1.0 - 2 * EDGE) / (n_axes - 1) / 2, (one.high - one.low) * ROOM
    clear = {"range": [0, 1], "visible": False, "fixedrange": True, "anchor": f"y{number}"}
    look = {"anchor": "free", "position": place, "side": "left", "fixedrange": True, "showgrid": False,
            "showline": True, "linecolor": colours.muted, "ticks": "outside", "ticklen": 4, "automargin": False,
            "tickcolor": colours.muted, "range": [one.low - room, one.high + room], "nticks": N_MARKS}  # fmt: skip
    font = {"size": 11, "color": colours.text, "shadow": ", ".join([f"0 0 3px {colours.background}"] * 3)}
    figure.update_layout({
        f"xaxis{number}": clear | {"domain": [max(0.0, place - half), min(1.0, place + half)]},
        f"yaxis{number}": look | {"tickfont": font} | _marks(one),
    })  # fmt: skip
    figure.add_trace(
        go.Scatter(x=[0.5], y=[one.low], opacity=0, xaxis=f"x{number}", yaxis=f"y{number}")
    )  # a plot without a trace tells no box
    letters = LABEL_LETTERS if n_axes < CLOSE else CLOSE_LETTERS
    figure.add_annotation(text=_wrapped(label(one.of.column), letters), x=place, y=1.0, xref="paper", yref="paper",
                          xanchor="center", yanchor="bottom", yshift=14, showarrow=False,
                          font={"size": 12.5})  # fmt: skip
    for low, high in one.kept:
        ends = {"y0": max(low, one.low) - room / 2, "y1": min(high, one.high) + room / 2}
        figure.add_shape(type="line", x0=place, x1=place, xref="paper", yref=f"y{number}", **ends,
                         line={"color": faded(colours.primary, 0.75), "width": 7})  # fmt: skip


def _marks(one: Axis) -> dict[str, Any]:
    """The texts of places, or a mark at each of a few values; else marks at round numbers."""
    if one.of.places is not None:
        return ticks(texts_of(one.of), 20)
    if not 0 < len(one.known) <= N_MARKS:
        return number_ticks(one.of.column, (one.low, one.high))
    texts = [shown(one.of.column, value) for value in one.known]
    return {"tickmode": "array", "tickvals": list(one.known), "ticktext": texts}


def _wrapped(name: str, letters: int = LABEL_LETTERS) -> str:
    """A long name in two lines, broken where its words end: axes stand close, and a third would lie on their marks."""
    lines = [""]
    for word in re.findall(r"[^_ ]+[_ ]?", name.removesuffix("_pct")):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > letters:
            lines.append("")
        lines[-1] += word
    return "<br>".join(lines[:2]) + ("…" if len(lines) > 2 else "")
