"""Small tables and cards as HTML, where Streamlit's own elements do not fit a narrow screen or cannot be coloured.

Every text is escaped; nothing here comes from a spec but through `escape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import polars as pl

from engine.report.ticks import MONTHS
from pages.ui import formats
from pages.ui.palette import Palette, faded


def cards(figures: Sequence[tuple[str, str, str, str]], colours: Palette) -> str:
    """Figures side by side, as many as fit: label, value, a line below it, help shown on hover."""
    body = "".join(
        f"<div title='{escape(help_text)}'><dt>{escape(label)}</dt><dd>{escape(value)}</dd>"
        f"<dd class='below'>{escape(below)}&nbsp;</dd></div>"
        for label, value, below, help_text in figures
    )
    if not any(below for _, _, below, _ in figures):
        body = body.replace("<dd class='below'>&nbsp;</dd>", "")
    style = f"""
    .argus-box dl.argus-cards {{ display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px;
      margin: 0; padding: 0; }}
    .argus-box {{ container-type: inline-size; }}
    @container (max-width: 620px) {{ .argus-box dl.argus-cards {{ grid-template-columns: repeat(2, 1fr); }} }}
    .argus-cards div {{ border: 1px solid {colours.rule}; border-radius: 8px; padding: 12px 16px 10px; margin: 0; }}
    .argus-box dl.argus-cards dt {{ color: {colours.muted}; font-size: .875rem; font-weight: 400; margin: 0; }}
    .argus-box dl.argus-cards dd {{ font-size: 1.5rem; line-height: 1.3; font-weight: 600; margin: 0;
      white-space: nowrap; font-variant-numeric: tabular-nums; }}
    .argus-box dl.argus-cards dd.below {{ font-size: .8125rem; font-weight: 400; color: {colours.muted}; }}"""
    return f"<style>{style}</style><div class='argus-box'><dl class='argus-cards'>{body}</dl></div>"


def panels(blocks: Sequence[tuple[str, str, str]], rows: dict[str, str], colours: Palette) -> str:
    """Blocks of words (heading, text, a smaller line), then small figures by name; side by side where they fit."""
    told = "".join(
        f"<section><h5>{escape(heading)}</h5><p>{escape(text)}</p><small>{escape(small)}</small></section>"
        for heading, text, small in blocks
    )
    figures = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows.items())
    style = f"""
    .argus-panels {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 16px 36px; }}
    .argus-panels h5 {{ font-size: .875rem; font-weight: 600; margin: 0 0 4px; padding: 0; }}
    .argus-panels p {{ margin: 0 0 4px; overflow-wrap: anywhere; }}
    .argus-panels small {{ color: {colours.muted}; font-size: .8125rem; }}
    .argus-panels dl {{ display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin: 0; padding: 0;
      font-size: .875rem; font-variant-numeric: tabular-nums; }}
    .argus-panels dt {{ color: {colours.muted}; margin: 0; font-weight: 400; }}
    .argus-panels dd {{ margin: 0; text-align: right; }}"""
    return f"<style>{style}</style><div class='argus-panels'>{told}<dl>{figures}</dl></div>"


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], colours: Palette, *, is_text: bool = False
) -> str:
    """A few rows that nobody sorts or chooses from: a data grid takes a browser 30 ms, this next to none.

    The first column stands left; the others are figures, which stand right, unless `is_text`.
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    style = f"""
    .argus-table {{ overflow: auto; max-height: 560px; border: 1px solid {colours.rule}; border-radius: 6px; }}
    .argus-table table {{ width: 100%; border-collapse: collapse; font-size: .875rem;
      font-variant-numeric: tabular-nums; }}
    .argus-table th, .argus-table td {{ padding: 7px 12px; text-align: right; white-space: nowrap; font-weight: 400; }}
    .argus-table thead th {{ position: sticky; top: 0; background: {colours.panel}; color: {colours.muted};
      white-space: normal; overflow-wrap: break-word; max-width: 12rem; vertical-align: bottom; }}
    .argus-table tr > :first-child, .argus-table.text td, .argus-table.text th {{ text-align: left; }}
    .argus-table.text td, .argus-table.text th {{ white-space: normal; overflow-wrap: anywhere; }}
    .argus-table.text tr > * {{ min-width: 8.25rem; }}
    .argus-table.text tr > :first-child {{ min-width: 11rem; }}
    .argus-table tbody tr > * {{ border-top: 1px solid {colours.rule}; }}"""
    css = "argus-table text" if is_text else "argus-table"
    return (
        f"<style>{style}</style><div class='{css}'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def months(table: pl.DataFrame, colours: Palette) -> str:
    """Monthly returns in percent as a heat table; the 90th percentile gets the strongest colour, so that one wild
    month does not pale all others. On a narrow screen twelve months and the year stand closer."""
    names = [f"m{i}" for i in range(1, 13)]
    sizes = table.select(pl.concat_list(names).explode().abs().alias("x"))["x"].drop_nulls()
    strongest = float(sizes.quantile(0.9) or 0.0) if len(sizes) else 0.0
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *MONTHS, "Year"))
    body = ""
    for row in table.sort("year", descending=True).iter_rows(named=True):
        cells = "".join(_month_cell(row[name], strongest, colours) for name in names)
        body += f"<tr><th>{row['year']}</th>{cells}<td class='y'>{_bare_percent(row['total'])}</td></tr>"
    style = f"""
    .argus-months {{ overflow-x: auto; container-type: inline-size; }}
    .argus-months table {{ border-collapse: separate; border-spacing: 2px; width: 100%;
      font-size: .8125rem; font-variant-numeric: tabular-nums; }}
    .argus-months th {{ font-weight: 500; color: {colours.muted}; padding: 3px 6px; text-align: right; }}
    .argus-months td {{ padding: 5px 6px; text-align: right; border-radius: 3px; white-space: nowrap; }}
    .argus-months td.y {{ font-weight: 600; }}
    .argus-months tbody th:first-child {{ text-align: left; }}
    @container (max-width: 680px) {{
      .argus-months table {{ border-spacing: 1px 2px; font-size: .75rem; }}
      .argus-months th, .argus-months td {{ padding: 4px 2px; }} }}"""
    return (
        f"<style>{style}</style><div class='argus-months'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _month_cell(value: float | None, strongest: float, colours: Palette) -> str:
    if value is None:
        return "<td></td>"
    text = _bare_percent(value)
    share = min(abs(value) / strongest, 1.0) if strongest > 0 else 0.0
    colour = (
        faded(colours.gain if value > 0 else colours.loss, round(0.08 + 0.5 * share, 3)) if value else "none"
    )
    return f"<td style='background:{colour}'>{text}</td>"


def _bare_percent(value: float | None) -> str:
    """'+1.2': the heading of the table says the unit."""
    return formats.signed_percent(value).removesuffix(f"{formats.NBSP}%")


def costs(amounts: pl.DataFrame, colours: Palette, currency: str) -> str:
    """Gross P&L, what was taken from it, what was left: a bar each, from the same zero."""
    rows = amounts.rows()
    largest = max((abs(amount) for _, amount in rows), default=0.0) or 1.0
    has_both = any(amount < 0 for _, amount in rows) and any(amount > 0 for _, amount in rows)
    zero, room = (50.0, 50.0) if has_both else (0.0, 100.0)
    body = ""
    for item, amount in rows:
        width = abs(amount) / largest * room
        left = zero - width if amount < 0 and has_both else zero
        colour = colours.gain if amount >= 0 else colours.loss
        bar = f"<i style='left:{left:.2f}%;width:{max(width, 0.4):.2f}%;background:{colour}'></i>"
        css = " class='total'" if item == "net_pnl" else ""
        body += (
            f"<tr{css}><th>{escape(formats.COST_LABELS.get(item, item))}</th><td class='b'><span>{bar}</span></td>"
            f"<td>{formats.signed_money(amount)}</td></tr>"
        )
    style = f"""
    .argus-costs {{ container-type: inline-size; }}
    @container (max-width: 320px) {{ .argus-costs td.b {{ display: none; }} }}
    .argus-costs table {{ width: 100%; border-collapse: collapse; font-size: .875rem;
      font-variant-numeric: tabular-nums; }}
    .argus-costs th {{ font-weight: 400; text-align: left; padding: 7px 10px 7px 0; white-space: nowrap; }}
    .argus-costs td {{ text-align: right; padding: 7px 0 7px 10px; white-space: nowrap; }}
    .argus-costs td.b {{ width: 50%; }}
    .argus-costs span {{ display: block; position: relative; height: 10px; border-radius: 5px; overflow: hidden;
      background: {faded(colours.muted, 0.12)}; }}
    .argus-costs i {{ position: absolute; top: 0; bottom: 0; }}
    .argus-costs tr.total > * {{ border-top: 1px solid {colours.rule}; font-weight: 600; }}
    .argus-costs p {{ color: {colours.muted}; font-size: .8125rem; margin: 10px 0 0; }}"""
    note = f"<p>{escape(_cost_note(dict(rows), currency))}</p>"
    return f"<style>{style}</style><div class='argus-costs'><table><tbody>{body}</tbody></table>{note}</div>"


def _cost_note(amounts: dict[str, float], currency: str) -> str:
    paid = -(amounts["fees"] + amounts["slippage"])
    if amounts["gross_pnl"] <= 0:
        return f"In {currency}, over all trades. There was no gross profit to pay costs from."
    return f"In {currency}, over all trades. Costs took {formats.percent(paid / amounts['gross_pnl'])} of gross profit."
