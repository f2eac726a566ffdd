"""Charts by Plotly, in one look for light and dark: those that turn, are brushed, or have many axes.

What a page begins with is drawn by ECharts (`echarts`): Plotly takes a browser 290 ms before it draws anything. plotly
is imported where it is needed: a page without such a chart does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# One button, the camera, and only while the pointer is over the chart.
CONFIG = {"displayModeBar": "hover", "modeBarButtons": [["toImage"]], "displaylogo": False, "doubleClick": "reset",
          "responsive": True}  # fmt: skip


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
