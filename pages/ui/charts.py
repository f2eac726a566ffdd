"""Charts: plain functions from small frames to figures, in one look for light and dark.

plotly is imported where it is needed: a page without a chart does not pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from pages.ui import formats, thin
from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# One button, the camera, and only while the pointer is over the chart.
CONFIG = {"displayModeBar": "hover", "modeBarButtons": [["toImage"]], "displaylogo": False, "doubleClick": "reset",
          "responsive": True}  # fmt: skip
LOG_FROM = 4.0  # a linear scale hides the early years of a curve that grew more than fourfold


def show(figure: Figure, key: str, alt: str, file_name: str = "") -> None:
    """Draw a figure in our own look.

    alt       : what it shows, for those who cannot see it.
    file_name : of the PNG that the camera makes, without its ending.
    """
    st.plotly_chart(figure, theme=None, key=key, config=config(file_name or f"argus-{key}"), alt=alt,
                    width="stretch")  # fmt: skip


def config(file_name: str) -> dict[str, Any]:
    """How a chart behaves; its PNG has twice the pixels of the screen."""
    return CONFIG | {"toImageButtonOptions": {"format": "png", "scale": 2, "filename": file_name}}


def blank(colours: Palette, height: int, **layout: Any) -> Figure:
    """A figure without traces in the look that all share."""
    import plotly.graph_objects as go

    axis = {
        "gridcolor": faded(colours.muted, 0.18), "zeroline": False, "showline": False, "ticks": "",
        "tickfont": {"size": 11.5, "color": colours.muted}, "automargin": True,
        "title": {"font": {"size": 12, "color": colours.muted}},
    }  # fmt: skip
    template = go.layout.Template(
        layout={
            "font": {"family": colours.font, "size": 12.5, "color": colours.text},
            "paper_bgcolor": colours.background,  # the page's; a clear one would make a PNG without a ground
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(colours.series),
            # a negative thickness takes away the white rim that plotly draws around the line under the pointer
            "xaxis": axis
            | {"showgrid": False, "spikethickness": -2, "spikecolor": colours.muted, "spikedash": "solid"},
            "yaxis": axis,
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": colours.panel, "bordercolor": colours.rule, "font": {"size": 12.5, "color": colours.text},
            },
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "xanchor": "left", "yanchor": "bottom",
                       "bgcolor": "rgba(0,0,0,0)", "font": {"size": 12.5}},
            "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
            "dragmode": "zoom",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.text},
        }
    )  # fmt: skip
    return go.Figure(layout={"template": template, "height": height, **layout})


def curves(
    colours: Palette,
    lines: Sequence[tuple[str, pl.DataFrame, dict[str, Any]]],
    *,
    title: str,
    base: float | None,
) -> Figure:
    """Values above, falls from their peaks below, on one time axis.

    lines : (name, frame of session and equity, line style); the first one's fall is filled.
    base  : what every line starts from; the first value of a line is its base where None.
    Curves of more sessions than a screen has pixels are thinned: see `thin.kept`.
    """
    import plotly.graph_objects as go

    figure = blank(colours, 460, hoversubplots="axis")
    falls = [with_fall(frame, base) for _, frame, _ in lines]
    sessions = thin.kept(falls)
    highs, lows = [], []
    for i, ((name, _, style), whole) in enumerate(zip(lines, falls, strict=True)):
        frame = whole.filter(pl.col("session").is_in(sessions.implode())) if sessions is not None else whole
        value = frame["equity"].to_numpy()
        shown = value if base is not None else value / float(whole["equity"][0]) * 100.0
        fall, days = frame["fall"].to_numpy(), frame["session"].to_numpy()
        highs.append(float(shown.max()))
        lows.append(float(shown.min()))
        common = {
            "x": days,
            "name": name,
            "line": {"width": 1.8} | style,
            "mode": "lines",
            "legendgroup": name,
        }
        figure.add_trace(go.Scatter(**common, y=shown, hovertemplate="%{y:,.2f}"))
        fill = {"fill": "tozeroy", "fillcolor": faded(style["color"], 0.14)} if i == 0 else {}
        figure.add_trace(
            go.Scatter(
                **common | {"name": f"{name}, drawdown"},
                **fill,
                y=fall,
                yaxis="y2",
                showlegend=False,
                hovertemplate="%{y:.1%}",
            )
        )
    needs_log = min(lows) > 0 and max(highs) / min(lows) > LOG_FROM
    figure.update_layout(
        xaxis={"anchor": "y2", "hoverformat": "%d %b %Y"},
        yaxis={"domain": [0.34, 1.0], "title": {"text": f"{title}, log scale" if needs_log else title},
               "type": "log" if needs_log else "linear", "tickformat": ",.6~g" if needs_log else ",~r"},
        yaxis2={"domain": [0.0, 0.27], "title": {"text": "Drawdown"}, "tickformat": ".0%" if _deep(falls) else ".1%",
                "rangemode": "tozero"},
    )  # fmt: skip
    if needs_log:
        figure.update_yaxes(dtick="D2" if max(highs) / min(lows) < 100 else 1, selector={"type": "log"})
    return figure


def with_fall(frame: pl.DataFrame, base: float | None) -> pl.DataFrame:
    """session, equity, and fall: the fraction below the highest equity so far (the base included), <= 0."""
    peak = pl.col("equity").cum_max().clip(lower_bound=float(frame["equity"][0]) if base is None else base)
    return frame.select("session", "equity", fall=pl.col("equity") / peak - 1.0)


def _deep(falls: Sequence[pl.DataFrame]) -> bool:
    return any(float(frame["fall"].min() or 0.0) < -0.05 for frame in falls)  # type: ignore[arg-type]


def histogram(colours: Palette, bins: pl.DataFrame) -> Figure:
    """Closed trades by return; losses left of zero, gains right of it."""
    import plotly.graph_objects as go

    low, high = bins["low"].to_numpy(), bins["high"].to_numpy()
    digits = 1 if len(bins) and high[0] - low[0] >= 0.001 else 2
    spans = [
        f"{formats.percent(a, digits)} to {formats.percent(b, digits)}"
        for a, b in zip(low, high, strict=True)
    ]
    bars = go.Bar(
        x=(low + high) / 2,
        y=bins["n"].to_numpy(),
        width=(high - low) * 0.92,
        marker={
            "color": [colours.gain if a >= 0 else colours.loss for a in low + 1e-12],
            "line": {"width": 0},
        },
        customdata=spans,
        hovertemplate="%{customdata}<br><b>%{y} trades</b><extra></extra>",
    )
    figure = blank(
        colours, 260, hovermode="closest", showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8}
    )
    figure.add_trace(bars)
    figure.update_xaxes(
        tickformat=".0%" if float(high[-1] - low[0]) >= 0.05 else ".1%", title="Net return of a trade"
    )
    few = int(bins["n"].max() or 0) < 6  # type: ignore[arg-type]  # else the same whole number stands at several ticks
    figure.update_yaxes(title="Trades", rangemode="tozero", tickformat=",d", dtick=1 if few else None)
    return figure
