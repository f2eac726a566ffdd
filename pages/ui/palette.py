"""Colours of the theme in force, for what Streamlit does not colour itself: charts, the logo, heat tables."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Palette:
    """Hex colours. `gain` and `loss` are blue and orange: apart for every common colour blindness."""

    is_dark: bool
    primary: str
    background: str
    panel: str
    text: str
    muted: str
    rule: str
    gain: str
    loss: str
    series: tuple[str, ...]
    font: str
    sequential: tuple[str, ...] = ()  # little to much
    diverging: tuple[str, ...] = ()  # loss over nothing to gain


def palette() -> Palette:
    """From `.streamlit/config.toml`; light until the browser has told what it shows."""
    is_dark = st.context.theme.type == "dark"
    theme = "theme.dark" if is_dark else "theme.light"

    def colour(name: str) -> str:
        return str(st.get_option(f"{theme}.{name}"))

    return Palette(
        is_dark=is_dark,
        primary=colour("primaryColor"),
        background=colour("backgroundColor"),
        panel=colour("secondaryBackgroundColor"),
        text=colour("textColor"),
        muted=colour("grayColor"),
        rule=colour("borderColor"),
        gain=colour("blueColor"),
        loss=colour("orangeColor"),
        series=tuple(st.get_option(f"{theme}.chartCategoricalColors") or ()),
        sequential=tuple(st.get_option(f"{theme}.chartSequentialColors") or ()),
        diverging=tuple(st.get_option(f"{theme}.chartDivergingColors") or ()),
        font=str(st.get_option("theme.font")),
    )


def faded(colour: str, share: float) -> str:
    """`colour` (#rrggbb) with an opacity, as CSS and plotly read it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"
