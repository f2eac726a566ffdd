"""How long until a page stands whole in a real browser.

**First full render** is the time from the start of the navigation to the moment from which on, for half a second:
the script has ended, no placeholder is left, every key element of the page is there and visible, every chart on the
page (above and below the fold) has drawn its marks, and every table has its canvas. A chart by ECharts is a canvas: it
counts once the chart says that it is not busy and a strip in its middle holds more than one colour.

cold : a browser window without anything cached; the server has shown the page before.
warm : the same window again: Streamlit's files are in the browser's cache, the session is a new one.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.benchmarks.browser import Browser, launched

VIEWPORT = (1440, 900)
WITHIN_S = 60.0

# Whether a chart has been painted: a strip of its canvas is read back, and not again when it was. The cells of a map
# have a canvas of their own, the second one.
PAINTED = """
(() => {
  const known = new WeakSet();
  return (chart) => {
    const [ground, cells] = chart.querySelectorAll('canvas');
    const canvas = cells || ground;
    if (!canvas || chart.getAttribute('aria-busy') === 'true' || !canvas.width || !canvas.height) return false;
    if (!known.has(canvas)) {
      const strip = canvas.getContext('2d').getImageData(canvas.width >> 1, 0, 8, canvas.height).data;
      if (new Set(new Uint32Array(strip.buffer)).size > 1) known.add(canvas);
    }
    return known.has(canvas);
  };
})()
"""
# Looks at every frame; `since` is when all became true, if it stayed so.
WATCH = """
(keys) => {
  const rest = { since: null, fold: null };
  const box = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
  const painted = PAINTED;
  const drawn = (e) => e.querySelector('.main-svg .trace, .main-svg .bars, .main-svg .points, .gl-canvas');
  const whole = () => {
    const app = document.querySelector('[data-testid=stApp]');
    if (!app || app.dataset.testScriptState !== 'notRunning') return false;
    if (['stSkeleton', 'stAppSkeleton', 'stSpinner'].some((id) => document.querySelector(`[data-testid=${id}]`)))
      return false;
    if (!keys.every((key) => { const e = document.querySelector(key); return e && box(e); })) return false;
    const charts = [...document.querySelectorAll('[data-testid=stPlotlyChart]')];
    if (!charts.every((e) => drawn(e))) return false;
    if (![...document.querySelectorAll('[data-testid=stEChartsChart]')].every((e) => painted(e))) return false;
    const tables = [...document.querySelectorAll('[data-testid=stDataFrame]')];
    return tables.every((e) => e.closest('details:not([open])') || e.querySelector('canvas'));
  };
  const look = () => {
    const now = performance.now();
    if (whole()) { rest.since ??= now; } else { rest.since = null; }
    if (rest.since !== null && now - rest.since > 500) { window.__argus_full = rest.since; return; }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
""".replace("PAINTED", PAINTED)
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


@dataclass(frozen=True)
class Shown:
    """One page: its name, its address with query, and CSS selectors of what must be visible."""

    name: str
    path: str
    keys: tuple[str, ...]


class Render(NamedTuple):
    """Milliseconds of one visit."""

    full: float  # first full render
    paint: float  # first contentful paint
    cpu: float  # of the page's main thread, until then


@dataclass(frozen=True)
class Figures:
    """Medians over visits, and the worst full render of each sort."""

    cold: Render
    warm: Render
    cold_worst: float
    warm_worst: float


def measure(address: str, pages: Sequence[Shown], chromium: str, n_times: int) -> dict[str, Figures]:
    """By page; rounds go over all pages, so that a busy moment does not fall on one of them."""
    visits: dict[str, list[list[Render]]] = {page.name: [] for page in pages}
    with launched(chromium) as browser:
        for page in pages:
            _visits(browser, address, page, 1)  # the server's own first time
        for _ in range(n_times):
            for page in pages:
                visits[page.name].append(_visits(browser, address, page, 2))
    return {name: _figures(rounds) for name, rounds in visits.items()}


def _figures(rounds: Sequence[Sequence[Render]]) -> Figures:
    cold, warm = ([visits[i] for visits in rounds] for i in (0, 1))
    return Figures(_median(cold), _median(warm), max(v.full for v in cold), max(v.full for v in warm))


def _median(visits: Sequence[Render]) -> Render:
    return Render(*(statistics.median(values) for values in zip(*visits, strict=True)))


def _visits(browser: Browser, address: str, page: Shown, n: int) -> list[Render]:
    """The same page n times in one new window: the first is cold."""
    with browser.window() as window:
        return [_visit(browser, window, f"{address}/{page.path}", page.keys) for _ in range(n)]


def _visit(browser: Browser, window: str, url: str, keys: Sequence[str]) -> Render:
    deadline = time.monotonic() + WITHIN_S
    with browser.tab(window, *VIEWPORT, f"({WATCH})({json.dumps(list(keys))})") as tab:
        browser.ask("Page.navigate", tab, url=url)
        while not (full := browser.value(tab, "window.__argus_full || 0")):
            if time.monotonic() > deadline:
                raise SystemExit(f"{url}: not whole after {WITHIN_S:.0f} s; waits for {', '.join(keys)}.")
            time.sleep(0.1)
        return Render(full, browser.value(tab, PAINT), browser.main_thread_ms(tab))
