"""The reading of a spec, as a page shows it."""

from __future__ import annotations

from html import escape

import streamlit as st

from engine.core.spec import StrategySpec
from engine.core.spec_reading import reading
from engine.signals.logic import logic_sentences
from pages.ui import formats
from pages.ui.palette import Palette, palette
from pages.ui.spec_payoff import show_payoff
from pages.ui.spec_text import n_configs


def show_reading(spec: StrategySpec | None) -> None:
    if spec is None:
        st.info("It can be read once the faults above are mended. The JSON view shows the text as it is.")
        return
    st.html(reading_html(spec, palette()))
    if spec.is_options:
        show_payoff(spec)


def reading_html(spec: StrategySpec, colours: Palette) -> str:
    """Headings on the left, sentences on the right; below each other where there is little room."""
    rows = []
    for heading, sentences in reading(spec, logic_sentences(spec)):
        said = [*sentences, *_size_of_grid(spec)] if heading == "Sweep" else sentences
        told = "".join(f"<p>{escape(one)}</p>" for one in said)
        css = " class='idea'" if heading == "Idea" else ""
        rows.append(f"<section{css}><h5>{heading}</h5><div>{told}</div></section>")
    style = f"""
    .argus-reading {{ container-type: inline-size; max-width: 62rem; }}
    .argus-reading section {{ display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 1.5rem; padding: .7rem 0;
      border-top: 1px solid {colours.rule}; }}
    .argus-reading section:first-child {{ border-top: 0; }}
    @container (max-width: 560px) {{ .argus-reading section {{ grid-template-columns: 1fr; }} }}
    .argus-reading h5 {{ font-size: .875rem; font-weight: 500; color: {colours.muted}; margin: 0; padding: .1rem 0 0; }}
    .argus-reading p {{ margin: 0 0 .3rem; line-height: 1.55; overflow-wrap: anywhere; }}
    .argus-reading p:last-child {{ margin: 0; }}
    .argus-reading .idea p:first-child {{ font-size: 1.0625rem; }}"""
    return f"<style>{style}</style><div class='argus-reading'>{''.join(rows)}</div>"


def _size_of_grid(spec: StrategySpec) -> list[str]:
    n = n_configs(spec)
    return [
        f"Together {formats.plural(n, 'config')}."
        if n is not None
        else "Together more than 1,000,000 combinations."
    ]
