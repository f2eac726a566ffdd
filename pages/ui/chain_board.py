"""One expiration of a chain at one moment: calls on the left, strikes in the middle, puts on the right."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import polars as pl

from engine.core.option_roots import STANDARD_MULTIPLIER
from engine.options.moment import STANDS_MINUTES, FloatArray, Moment
from engine.options.reasons import TEXT, Reason
from pages.ui import formats
from pages.ui.palette import Palette, faded

MOST_STRIKES = 200  # rows that a browser draws at once without a pause
AT_THE_MONEY = 0.02  # of the underlying; the nearest strike of a thin chain may be further away
SHOWN = (25, 75, MOST_STRIKES)  # the choices
WIDE = {"Volume", "Open int."}  # columns that a narrow screen has no room for; the file has them
_DAYS = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Expiry:
    """One expiration: `rows` are its contracts in the moment. key: as links call it, with the root where several share
    the date."""

    key: str
    date: dt.date
    root: str
    expires_at: int
    days: int
    rows: tuple[int, ...]
    n_strikes: int
    is_am: bool

    @property
    def label(self) -> str:
        """'Fri 20 Jun 2014 · 15 days · 37 strikes'."""
        left = "today" if self.days == 0 else formats.plural(self.days, "day")
        extra = f" · {self.root}{' at the open' if self.is_am else ''}" if self.key != str(self.date) else ""
        return f"{self.date:%a %d %b %Y} · {left} · {formats.plural(self.n_strikes, 'strike')}{extra}"


def expiries(one: Moment, day: dt.date) -> list[Expiry]:
    """Expirations of the moment, the nearest first."""
    names = list(zip(one.contracts.expiry.tolist(), one.contracts.root, strict=True))
    several = {date for date, _ in names if len({root for d, root in set(names) if d == date}) > 1}
    rows: dict[tuple[int, str], list[int]] = {}
    for i, name in enumerate(names):
        rows.setdefault(name, []).append(i)
    found = []
    for (number, root), held in sorted(rows.items()):
        date = _DAYS + dt.timedelta(days=number)
        key = f"{date} {root}" if number in several else str(date)
        strikes = len(np.unique(one.contracts.strike[held]))
        is_am = bool(one.contracts.settlement[held[0]])
        found.append(
            Expiry(
                key,
                date,
                root,
                int(one.contracts.expires_at[held[0]]),
                (date - day).days,
                tuple(held),
                strikes,
                is_am,
            )
        )
    return found


def mark(one: Moment, i: int, *, has_quotes: bool) -> str:
    """What is odd about a contract's quote, in a word or two; '' where nothing is."""
    bid, ask = one.bid[i], one.ask[i]
    said = [_adjusted(float(one.contracts.multiplier[i]))] if one.contracts.adjusted[i] else []
    if not has_quotes:
        return " · ".join([*said, *([] if one.last[i] == one.last[i] else ["no print"])])
    if math.isnan(bid) and math.isnan(ask):
        return " · ".join([*said, "no quote"])
    if bid > ask:
        said.append("crossed")
    elif ask == 0.0:
        said.append("zero ask")
    elif bid == 0.0:
        said.append("zero bid")
    elif math.isnan(bid) or math.isnan(ask):
        said.append("one side")
    if one.is_stale[i]:
        said.append(f"stale {one.age[i]:.0f} min")
    return " · ".join(said)


def _adjusted(multiplier: float) -> str:
    """With the shares that it delivers, where they are not the usual 100."""
    return "adjusted" if multiplier == STANDARD_MULTIPLIER else f"adjusted, {multiplier:g} shares"


def why(one: Moment, i: int) -> str:
    """Why a contract has no volatility; '' where it has one."""
    if not one.reason[i]:
        return ""
    if one.is_stale[i]:
        return f"stale: last sent {one.age[i]:.0f} minutes ago; after {STANDS_MINUTES:.0f} a quote does not count"
    return TEXT[Reason(int(one.reason[i]))]


def window(strikes: np.ndarray, spot: float, most: int = MOST_STRIKES) -> tuple[slice, int]:
    """(which of the rising strikes are shown, the place of the one at the money or -1): those nearest to the spot."""
    nearest = int(np.argmin(np.abs(strikes - spot))) if spot == spot and len(strikes) else -1
    middle = nearest if nearest >= 0 else len(strikes) // 2
    first = max(0, min(middle - most // 2, len(strikes) - most))
    return slice(first, first + most), nearest


def board(
    one: Moment,
    expiry: Expiry,
    colours: Palette,
    *,
    has_quotes: bool,
    most: int = MOST_STRIKES,
    was: FloatArray | None = None,
) -> str:
    """The table as HTML; at most `most` rows around the money. was: (k,), strikes before a split, shown beside."""
    rows = np.array(expiry.rows)
    strikes = np.unique(one.contracts.strike[rows])
    shown, nearest = window(strikes, one.spot, most)
    places = {(float(one.contracts.strike[i]), bool(one.contracts.is_call[i])): int(i) for i in rows.tolist()}
    columns = _columns(one, rows, has_quotes=has_quotes)
    named = [_head(head) for head in columns]
    heads = "".join([*reversed(named), "<th scope='col' class='k'>Strike</th>", *named])
    body = []
    for at in range(*shown.indices(len(strikes))):
        strike = float(strikes[at])
        call, put = (places.get((strike, is_call)) for is_call in (True, False))
        sides = (
            _cells(one, call, reversed(columns), strike < one.spot, has_quotes=has_quotes),
            _cells(one, put, columns, strike > one.spot, has_quotes=has_quotes),
        )
        is_atm = at == nearest
        is_near = abs(strike - one.spot) <= AT_THE_MONEY * one.spot
        tag = f"<small>{'at the money' if is_near else 'nearest'}</small>" if is_atm else ""
        if was is not None:
            traded = float(was[call if call is not None else put])
            tag = f"<small>was {_strike(traded)}</small>{tag}"
        name = f"<th scope='row' class='k'>{_strike(strike)}{tag}</th>"
        body.append(f"<tr{' class=atm' if is_atm else ''}>{sides[0]}{name}{sides[1]}</tr>")
    n = len(columns)
    groups = "".join(
        f"<tr class='{css}'><th colspan='{width}' class='g'>Calls</th><th class='k'></th>"
        f"<th colspan='{width}' class='g'>Puts</th></tr>"
        for css, width in (("wide", n), ("narrow", n - len(WIDE & set(columns))))
    )
    return (
        f"<style>{_style(colours)}</style><div class='argus-chain'><div tabindex='0'><table>"
        f"<thead>{groups}<tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div></div>"
    )


def _head(head: str) -> str:
    return f"<th scope='col'{' class=wide' if head in WIDE else ''}>{escape(head)}</th>"


def _columns(one: Moment, rows: np.ndarray, *, has_quotes: bool) -> list[str]:
    """Heads from the strike outwards; what the source has nothing of takes no room."""
    heads = ["Bid", "Ask", "Mid"] if has_quotes else ["Print"]
    heads += ["IV", "Delta"]
    heads += ["Volume"] if np.isfinite(one.volume[rows]).any() else []
    heads += ["Open int."] if np.isfinite(one.open_interest[rows]).any() else []
    return [*heads, "Marks"]


def _cells(one: Moment, i: int | None, heads: Iterable[str], is_inside: bool, *, has_quotes: bool) -> str:
    """One side of a row; empty cells where the strike has no such contract."""
    told = []
    for head in heads:
        nothing = ("", "", "wide" if head in WIDE else "")
        text, title, extra = nothing if i is None else _cell(one, i, head, has_quotes=has_quotes)
        classes = " ".join(name for name in ("i" if is_inside else "", extra) if name)
        hover = f" title='{escape(title)}'" if title else ""
        told.append(f"<td class='{classes}'{hover}>{escape(text)}</td>")
    return "".join(told)


def _cell(one: Moment, i: int, head: str, *, has_quotes: bool) -> tuple[str, str, str]:
    """(text, what is told on hover, CSS class) of one cell."""
    old = "old" if one.is_stale[i] else ""
    reason = why(one, i)
    if head == "Marks":
        return mark(one, i, has_quotes=has_quotes), reason, "m"
    if head in ("Bid", "Ask", "Print"):
        value = {"Bid": one.bid, "Ask": one.ask, "Print": one.last}[head][i]
        return _price(value), "", old
    if head == "Mid":
        return _price(one.mid[i]), reason if one.mid[i] != one.mid[i] else "", ""
    if head == "IV":
        return formats.percent(_or_none(one.volatility[i])), reason, ""
    if head == "Delta":
        return formats.number(_or_none(one.delta[i])), reason, ""
    value = (one.volume if head == "Volume" else one.open_interest)[i]
    return formats.DASH if value != value else f"{value:,.0f}", "", "wide"


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def _price(value: float) -> str:
    """Cents; a mid between two of them shows its half."""
    if value != value:
        return formats.DASH
    return f"{value:,.3f}" if abs(value * 100 - round(value * 100)) > 1e-3 else f"{value:,.2f}"


def _strike(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _style(colours: Palette) -> str:
    return f"""
    .argus-chain {{ container-type: inline-size; }}
    .argus-chain > div {{ overflow: auto; max-height: 800px; border: 1px solid {colours.rule}; border-radius: 8px; }}
    .argus-chain tr.narrow {{ display: none; }}
    .argus-chain table {{ border-collapse: separate; border-spacing: 0; width: 100%; font-size: .8125rem;
      font-variant-numeric: tabular-nums; }}
    .argus-chain th, .argus-chain td {{ padding: 4px 6px; text-align: right; white-space: nowrap;
      border-bottom: 1px solid {faded(colours.muted, 0.14)}; }}
    .argus-chain thead {{ position: sticky; top: 0; z-index: 3; }}
    .argus-chain thead th {{ background: {colours.panel}; color: {colours.muted}; font-weight: 500; }}
    .argus-chain thead th.g {{ text-align: center; color: {colours.text}; font-weight: 600; padding-top: 6px; }}
    .argus-chain th.k {{ text-align: center; background: {colours.panel}; font-weight: 600; color: {colours.text};
      position: sticky; left: 0; right: 0; z-index: 1; }}
    .argus-chain td.i {{ background: {faded(colours.gain, 0.07)}; }}
    .argus-chain td.m {{ color: {colours.loss}; font-size: .6875rem; line-height: 1.15; text-align: left;
      white-space: normal; min-width: 3.6rem; }}
    .argus-chain td.old {{ color: {colours.muted}; text-decoration: line-through {faded(colours.muted, 0.6)}; }}
    .argus-chain tr.atm td, .argus-chain tr.atm th {{ border-top: 2px solid {colours.primary};
      border-bottom: 2px solid {colours.primary}; }}
    .argus-chain tr.atm th.k {{ color: {colours.primary}; }}
    @container (max-width: 760px) {{
      .argus-chain .wide {{ display: none; }}
      .argus-chain tr.narrow {{ display: table-row; }}
      .argus-chain th, .argus-chain td {{ padding: 4px 2px; font-size: .71875rem; }}
      .argus-chain td.m {{ min-width: 2.6rem; font-size: .65625rem; }}
    }}
    .argus-chain th small {{ display: block; font-weight: 500; font-size: .6875rem; line-height: 1.1; }}"""


def frame(one: Moment, day: dt.date, *, has_quotes: bool, was: FloatArray | None = None) -> pl.DataFrame:
    """The whole moment, all expirations, a row a contract, for a file: fractions, undefined empty.

    was : (k,), strikes before a split; the file has them as `strike_before`.
    """
    c, n = one.contracts, len(one.contracts)
    numbers = {
        "bid": one.bid, "ask": one.ask, "last_trade": one.last, "age_minutes": one.age, "mid": one.mid,
        "implied_volatility": one.volatility, "delta": one.delta, "volume": one.volume,
        "open_interest": one.open_interest,
    }  # fmt: skip
    return pl.DataFrame(
        {
            "at": pl.Series([one.now] * n).cast(pl.Datetime("ns", "UTC")),
            "session": [day] * n,
            "underlying": [one.spot] * n,
            "root": list(c.root),
            "expiry": pl.Series(c.expiry).cast(pl.Date),
            "strike": c.strike,
            **({} if was is None else {"strike_before": was}),
            "multiplier": c.multiplier,
            "right": ["CALL" if is_call else "PUT" for is_call in c.is_call.tolist()],
        }
        | numbers
        | {
            "marks": [mark(one, i, has_quotes=has_quotes) for i in range(n)],
            "why_undefined": [why(one, i) for i in range(n)],
        }
    ).with_columns(pl.col("underlying", *numbers).fill_nan(None))
