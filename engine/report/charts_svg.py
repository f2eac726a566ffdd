"""Charts as inline SVG without scripts: colours come from the page's classes, figures show on hover.

A chart is drawn for the width it is shown at, as its text would shrink with it: once for wide pages and once
for narrow ones.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from markupsafe import Markup, escape
from numpy.typing import NDArray

from engine.report.ticks import date_ticks, log_ticks, nice_ticks

Format = Callable[[float], str]
MAX_POINTS = 700  # of a line; more than the pixels it is drawn on
MAX_BANDS = 150  # hover bands of a chart


class Line(NamedTuple):
    """One curve: `css` names its class (strategy, benchmark), `values` float64 (n_sessions,)."""

    label: str
    css: str
    values: NDArray[np.float64]


class Frame(NamedTuple):
    """The plot area inside a chart of width x height, with the value range it shows."""

    width: int
    height: int
    low: float
    high: float
    is_log: bool
    n: int
    left: int = 58
    right: int = 10
    top: int = 10
    bottom: int = 24

    def x(self, position: float) -> float:
        """Horizontal pixel of a session's position 0..n-1."""
        return self.left + (self.width - self.left - self.right) * position / max(self.n - 1, 1)

    def y(self, value: float) -> float:
        """Vertical pixel of a value."""
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.top + (self.height - self.top - self.bottom) * (high - value) / (high - low)


def line_chart(
    title: str,
    sessions: Sequence[dt.date],
    lines: Sequence[Line],
    show: Format,
    mark: Format,
    *,
    width: int,
    height: int,
    fill_to: float | None = None,
    is_log: bool = False,
) -> Markup:
    """Curves over sessions, evenly spaced; the first one on top, the area between it and `fill_to` filled.

    `show` prints the values on hover, `mark` those of the axis.
    """
    stacked = np.concatenate([line.values for line in lines] + [[] if fill_to is None else [fill_to]])
    low, high = float(stacked.min()), float(stacked.max())
    frame = Frame(width, height, *_padded(low, high, is_log, fill_to), is_log, len(sessions))
    parts = [_grid(frame, mark), _dates(frame, sessions)]
    for line in reversed(lines):
        points = [(frame.x(i), frame.y(line.values[i])) for i in thinned(line.values)]
        path = _path(points)
        if fill_to is not None and line is lines[0]:
            base = frame.y(fill_to)
            closing = f"L{points[-1][0]:.1f} {base:.1f}L{points[0][0]:.1f} {base:.1f}Z"
            parts.append(f'<path class="area {line.css}" d="{path}{closing}"/>')
        parts.append(f'<path class="line {line.css}" d="{path}"/>')
    parts.append(_bands(frame, sessions, lines, show))
    return _svg(title, frame.width, frame.height, parts)


def histogram_chart(title: str, bins: pl.DataFrame, show: Format, *, width: int, height: int) -> Markup:
    """Bars of a frame low, high, n; losses and gains in their own colours, the zero line marked."""
    rows = bins.rows()
    tallest = max(n for _, _, n in rows)
    frame = Frame(width, height, 0.0, max(tallest * 1.05, 1.0), False, 2, left=44)
    low, high = rows[0][0], rows[-1][1]
    scale = (width - frame.left - frame.right) / (high - low)
    parts = [_grid(frame, lambda value: f"{value:,.0f}", whole=True)]
    for left, right, n in rows:
        x, y = frame.left + (left - low) * scale, frame.y(n)
        wide = max((right - left) * scale - 1, 0.5)
        css = "gain" if left >= 0 else "loss"
        tip = escape(f"{show(left)} to {show(right)}: {n:,} trades")
        parts.append(
            f'<rect class="bar {css}" x="{x + 0.5:.1f}" y="{y:.1f}" width="{wide:.1f}" '
            f'height="{frame.y(0) - y:.1f}"><title>{tip}</title></rect>'
        )
    for tick in nice_ticks(low, high, max(width // 110, 3)):
        x = frame.left + (tick - low) * scale
        parts.append(_below(frame, x, str(escape(show(tick)))))
        if tick == 0:
            parts.append(f'<path class="zero" d="M{x:.1f} {frame.top}V{frame.y(0):.1f}"/>')
    return _svg(title, width, height, parts)


def outcome_chart(
    title: str, returns: Sequence[float], tips: Sequence[str], show: Format, *, width: int, height: int
) -> Markup:
    """A dot a trade in order of entry: its return, in the colour of its sign."""
    low, high = min(0.0, *returns), max(0.0, *returns)
    frame = Frame(width, height, *_padded(low, high, False, None), False, len(returns))
    parts = [
        _grid(frame, show),
        f'<path class="zero" d="M{frame.left} {frame.y(0):.1f}H{width - frame.right}"/>',
    ]
    for i, (value, tip) in enumerate(zip(returns, tips, strict=True)):
        css = "gain" if value > 0 else "loss"
        parts.append(
            f'<circle class="dot {css}" cx="{frame.x(i):.1f}" cy="{frame.y(value):.1f}" r="3">'
            f"<title>{escape(tip)}</title></circle>"
        )
    parts.append(f'<text class="tick mid" x="{width // 2}" y="{height - 7}">trades in order of entry</text>')
    return _svg(title, width, height, parts)


def share_bar(value: float, largest: float) -> Markup:
    """A small bar as long as |value| / largest of its cell, coloured by sign."""
    share = 0.0 if not largest or math.isnan(value) else min(abs(value) / largest, 1.0) * 100.0
    css = "gain" if value >= 0 else "loss"
    return Markup(  # noqa: S704 - numbers and our own words only
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/>'
        f'<rect class="bar {css}" width="{share:.1f}" height="8"/></svg>'
    )


def thinned(values: NDArray[np.float64], limit: int = MAX_POINTS) -> list[int]:
    """Indexes to draw: all up to `limit`, else lowest and highest of equal blocks: no extreme is lost."""
    n = len(values)
    if n <= limit:
        return list(range(n))
    edges = np.linspace(0, n, limit // 2 + 1).astype(int)
    keep = {0, n - 1}
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        block = values[start:end]
        keep |= {int(start + block.argmin()), int(start + block.argmax())}
    return sorted(keep)


def _padded(low: float, high: float, is_log: bool, fill_to: float | None) -> tuple[float, float]:
    """The range to show: 4 % of air, none beyond `fill_to`; a flat curve gets a range of its own."""
    if is_log:
        return low / 1.05, high * 1.05
    if high == low:
        room = abs(high) * 0.05 or 0.01
        return low - room, high if high == fill_to else high + room
    room = (high - low) * 0.04
    return low - room, high if high == fill_to else high + room


def _grid(frame: Frame, show: Format, whole: bool = False) -> str:
    n = max((frame.height - frame.top - frame.bottom) // 40, 3)
    ticks = (log_ticks if frame.is_log else nice_ticks)(frame.low, frame.high, n)
    return "".join(
        f'<path class="grid" d="M{frame.left} {frame.y(tick):.1f}H{frame.width - frame.right}"/>'
        f'<text class="tick end" x="{frame.left - 7}" y="{frame.y(tick) + 4:.1f}">{escape(show(tick))}</text>'
        for tick in ticks
        if not whole or tick == int(tick)
    )


def _dates(frame: Frame, sessions: Sequence[dt.date]) -> str:
    parts = []
    for position, label in date_ticks(sessions, max(frame.width // 90, 3)):
        x = frame.x(position)
        parts.append(f'<path class="grid" d="M{x:.1f} {frame.top}V{frame.height - frame.bottom}"/>')
        parts.append(_below(frame, x, label))
    return "".join(parts)


def _below(frame: Frame, x: float, label: str) -> str:
    """A label under the axis, centred on x unless that would cut it off at the right edge."""
    is_cut = x + len(label) * 3.3 > frame.width
    place = f'end" x="{frame.width - 1}' if is_cut else f'mid" x="{x:.1f}'
    return f'<text class="tick {place}" y="{frame.height - 7}">{label}</text>'


def _bands(frame: Frame, sessions: Sequence[dt.date], lines: Sequence[Line], show: Format) -> str:
    """Invisible columns that tell date and values when the pointer rests on them."""
    n = len(sessions)
    edges = np.unique(np.linspace(0, n, min(n, MAX_BANDS) + 1).astype(int))
    parts = []
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        at = int(end) - 1
        values = "".join(f"\n{line.label}: {show(line.values[at])}" for line in lines)
        x = frame.x(start - 0.5) if start else frame.left
        width = max(frame.x(end - 0.5) - x, 0.5)
        height = frame.height - frame.top - frame.bottom
        parts.append(
            f'<rect class="band" x="{x:.1f}" y="{frame.top}" width="{width:.1f}" height="{height}">'
            f"<title>{sessions[at]}{escape(values)}</title></rect>"
        )
    return "".join(parts)


def _path(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:  # a single session is a short dash, not an invisible point
        x, y = points[0]
        return f"M{x:.1f} {y:.1f}L{x + 6:.1f} {y:.1f}"
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - every text in the parts went through escape
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
