"""The tearsheet: safe, self-contained, and honest about what is not known."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from engine.report.formats import DASH
from engine.report.tearsheet import TEARSHEET_TRADES, tearsheet_html, trades_html

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&{{7*7}}</pre></style>"
SPEC = {"name": "Crossover", "universe": ["SPY"]}


class Page(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, text):
        if "style" not in self.open:
            self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def sheet(result, spec=SPEC, settings=None, benchmark=None, label="SPY, 1h bars"):
    return tearsheet_html(spec, settings or {}, result, benchmark, label)


def benchmark_of(result):
    closes = 100.0 * np.cumprod(np.full(len(result.equity), 1.001))
    return pl.DataFrame({"session": result.equity["session"], "close": closes})


@pytest.mark.parametrize("render", [sheet, lambda r: trades_html(SPEC, {}, r, "SPY")])
def test_nothing_is_loaded_and_nothing_runs(make_result, render):
    html = render(make_result())
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "img", "form", "base"} & set(page.tags)
    assert not [
        name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href", "style")
    ]
    assert not re.search(r"https?://|@import|url\(", html)


def test_the_policy_allows_its_own_style_and_nothing_else(make_result):
    html = sheet(make_result())
    css = re.search(r"<style>(.*?)</style>", html, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert ("content", policy) in Page(html).attributes


def test_hostile_names_show_as_text_wherever_they_come_from(make_result):
    result = make_result(symbol=HOSTILE, reason=HOSTILE, notes=(HOSTILE,), marks=(HOSTILE,))
    spec = {"name": HOSTILE, "note": HOSTILE}
    settings = {"benchmark": HOSTILE, "source": HOSTILE}
    for html in (
        sheet(result, spec, settings, benchmark_of(result), HOSTILE),
        trades_html(spec, settings, result, HOSTILE),
    ):
        page = Page(html)
        assert not {"script", "img"} & set(page.tags)
        assert html.count("<style>") == html.count("</style>") == 1
        assert HOSTILE in page.text
        assert "&lt;script&gt;" in html


def test_undefined_figures_are_dashes_and_not_zeros(make_result):
    result = make_result([], curve=[100_000.0] * 20)
    page = Page(sheet(result)).text
    assert f"Sharpe {DASH}" in page
    assert f"Win rate {DASH}" in page
    assert f"Profit factor {DASH}" in page
    assert "nan" not in page.lower()
    assert "No trade was closed" in page


def test_a_run_without_sessions_still_makes_a_page(make_result):
    page = Page(sheet(make_result([], curve=[]))).text
    assert "The window holds no sessions." in page


def test_a_run_of_one_session_draws(make_result):
    assert "<svg" in sheet(make_result([], curve=[100_100.0]))


def test_open_trades_are_listed_as_open_with_their_mark(make_result):
    page = Page(sheet(make_result([0.01, 0.02], n_open=1))).text
    assert "open marked at 51.00" in page
    assert "1 trade is still open" in page


def test_a_ruined_run_says_so_and_draws_below_zero(make_result):
    curve = [60_000.0, 20_000.0, -5_000.0, -5_000.0]
    page = Page(sheet(make_result([-0.9], curve=curve, marks=("ruined",)))).text
    assert "The account was ruined" in page
    assert "−105.0 %" in page
    assert f"CAGR {DASH}" in page


@pytest.mark.parametrize(
    ("marks", "settings"), [(("SYNTHETIC",), {}), ((), {"source": "SYNTHETIC"})], ids=["mark", "source"]
)
def test_made_up_prices_are_announced(make_result, marks, settings):
    result = make_result(marks=marks)
    for html in (sheet(result, settings=settings), trades_html(SPEC, settings, result, "SPY")):
        assert "SYNTHETIC The prices behind this run are made up" in Page(html).text


def test_real_prices_carry_no_such_banner(make_result):
    assert "SYNTHETIC" not in sheet(make_result(), settings={"source": "lean"})


def test_the_benchmark_stands_beside_the_figures(make_result):
    result = make_result()
    page = Page(sheet(result, settings={"benchmark": "SPY"}, benchmark=benchmark_of(result))).text
    # from 100.1, the first close, to 100 x 1.001^60: 1.001^59 - 1 = 6.07 %
    assert "SPY 6.1 %" in page
    assert "SPY +6.1 %" in page


def test_a_long_list_of_trades_is_cut_and_says_so(make_result):
    html = sheet(make_result([0.01, -0.005] * 150))
    assert "the first 200 of 300; all of them are in trades.csv" in Page(html).text
    assert html.count("SMA(20) crossed above SMA(50)") == TEARSHEET_TRADES


def test_thirty_years_and_a_thousand_trades_stay_under_half_a_megabyte(make_result):
    rng = np.random.default_rng(5)
    curve = 100_000.0 * np.cumprod(1.0 + rng.normal(0.0004, 0.01, 7560))
    result = make_result(list(rng.normal(0.001, 0.02, 1000)), curve=curve)
    html = sheet(result, benchmark=benchmark_of(result))
    assert len(html.encode()) < 500_000


def test_it_names_what_is_needed_to_run_it_again(make_result):
    page = Page(sheet(make_result())).text
    assert all(word in page for word in ("3f" * 32, "a1" * 32, "native", "Seed 7"))
