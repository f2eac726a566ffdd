"""Option chains on the page Data: the list, a moment's board, volatilities, and links to any of it."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.data.split_view import after_split
from engine.options.black import bsm_price
from engine.options.expiry import expiry_instant, years_until
from engine.packs.build import build_pack
from engine.packs.pack import ChainRequest
from engine.store import jobs
from engine.store.db import open_store
from pages.ui import chain_board, chain_charts, chain_queries, data_chains, data_queries, state
from pages.ui.palette import palette
from tests.fixtures.chain_rows import option_rows, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.pages.conftest import ROOT, open_page, texts

DAY = dt.date(2023, 11, 20)
STRIKES = (90.0, 95.0, 100.0, 105.0, 110.0)
EXPIRIES = ("2023-12-15", "2024-01-19")
AT = "10:00"  # the end of the 30th bar
ODD = {("2023-12-15", 90.0, "P"): (2.0, 1.0), ("2023-12-15", 110.0, "C"): (0.0, 0.05),
       ("2023-12-15", 95.0, "P"): (None, 0.4)}  # fmt: skip
LINK = {"part": "chains", "chain": "mine/AAA/1min", "day": str(DAY), "at": AT, "expiry": EXPIRIES[0]}


def quotes_of(starts, name: tuple[str, float, str], sent: slice, source: str = "AAA") -> pl.DataFrame:
    """Quotes around a price at 25 %, sent in some minutes; the odd ones as ODD says."""
    calendar = sessions_of("XNYS", DAY, dt.date(2024, 2, 1))
    years = years_until(
        int(starts[29]) + 60 * 10**9, expiry_instant(dt.date.fromisoformat(name[0]), calendar)
    )
    price = bsm_price(name[2] == "C", 100.0, name[1], float(years), 0.0, 0.0, 0.25)
    bid, ask = ODD.get(name, (round(price - 0.02, 2), round(price + 0.02, 2)))
    minutes = starts[sent]
    sides = {f"{side}_{when}": [value] * len(minutes) for side, value in (("bid", bid), ("ask", ask))
             for when in ("open", "close")}  # fmt: skip
    return option_rows(name, minutes, symbol=source, **sides)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Quotes of AAA with its bars, prints of BBB without any that split 4:1 later, a made-up snapshot of CCC."""
    settings = Settings(tmp_path_factory.mktemp("chains"))
    starts = schedule(sessions_of("XNYS", DAY, DAY), "1min").start
    names = [(day, strike, right) for day in EXPIRIES for strike in STRIKES for right in "CP"]
    stale = ("2023-12-15", 105.0, "P")
    rows = [quotes_of(starts, name, slice(0, 2) if name == stale else slice(28, 30)) for name in names]
    store_options(settings, "mine", "1min", pl.concat(rows, how="vertical_relaxed"), quotes=True)
    store_rows(settings, "mine", "equity", "1min",
               flat_rows(starts).with_columns(pl.lit(100.0).alias("close")))  # fmt: skip
    prints = [
        option_rows(
            name, starts[29:30], symbol="BBB", open=[2.0], high=[2.0], low=[2.0], close=[2.0], volume=[4.0]
        )
        for name in names[:2]
    ]
    store_options(settings, "tape", "1min", pl.concat(prints))
    factors = pl.DataFrame({"date": [dt.date(2023, 12, 1), dt.date(2050, 12, 31)], "price_factor": [1.0, 1.0],
                            "split_factor": [0.25, 1.0], "reference_price": [90.0, 0.0]})  # fmt: skip
    (settings.home / "market/tape/factors").mkdir()
    factors.write_parquet(settings.home / "market/tape/factors/BBB.parquet")
    opens = starts[:1]
    many = [
        option_rows(("2023-12-15", 50.0 + i, right), opens, symbol="CCC", bid_close=[1.0], ask_close=[1.2],
                    underlying=[180.0], open_interest=[7.0])
        for i in range(260) for right in "CP"
    ]  # fmt: skip
    store_options(settings, "SYNTHETIC", "1D", pl.concat(many))
    interest = [option_rows(names[0], opens, symbol="DDD", open_interest=[9.0])]
    store_options(settings, "mine", "1D", pl.concat(interest))
    open_store(settings).close()
    return settings


@pytest.fixture
def data(market, at_home):
    return at_home(market.home)


def board_of(**query: str) -> str:
    """The HTML of the board that a link opens."""
    at = open_page("data", **(LINK | query))
    assert not at.exception, at.exception
    return next(one.proto.body for one in at.get("html") if "argus-chain" in one.proto.body)


def moment_of(name: str = "mine/AAA/1min", bar: int = 29):
    at = data_queries.market()
    return chain_queries.moment(at, chain_queries.find_chain(at, name), DAY, bar)


def test_without_a_chain_the_part_says_how_to_bring_one(empty):
    at = open_page("data", part="chains")
    assert not at.exception
    assert "There is no option chain in the store yet" in texts(at) and "data import lean" in texts(at)


def test_chains_are_listed_with_their_source_and_how_much_is_two_sided(data):
    at = open_page("data", part="chains")
    assert not at.exception
    table = at.dataframe[0].value.set_index("symbol")
    assert table.index.tolist() == ["CCC", "AAA", "BBB"]  # DDD has open interest alone: no chain to look at
    assert list(table.loc["CCC", "data"]) == ["SYNTHETIC"]
    assert (table.loc["AAA", "contracts"], table.loc["CCC", "contracts"]) == (20, 520)
    # 20 contracts with two rows each; the put of 95 has no bid: 38 of 40
    assert table.loc["AAA", "two_sided"] == pytest.approx(95.0)
    assert np.isnan(table.loc["BBB", "two_sided"])


def test_made_up_chains_are_violet_and_carry_the_banner(data):
    colours = data_chains.chains_columns(["SYNTHETIC", "mine"])["data"]["type_config"]["options"]
    assert [one["color"] for one in colours] == ["violet", "gray"]
    at = open_page("data", part="chains", chain="SYNTHETIC/CCC/1D")
    assert any("SYNTHETIC" in one.proto.body for one in at.get("html"))
    assert not any("SYNTHETIC</b>" in one.proto.body for one in open_page("data", **LINK).get("html"))


def test_ticking_a_chain_opens_it(data):
    at = open_page("data", part="chains")
    assert "Tick a chain" in texts(at)
    at = open_page("data", **LINK)
    assert "AAA options, 1min" in texts(at) and "**AAA 100.00**" in texts(at)
    at.button(key="all_chains").click().run()
    assert state.CHAIN not in at.query_params and len(at.dataframe) == 1


def test_a_series_of_options_leads_to_its_chain(data):
    at = open_page("data", series="mine/AAA/option/1min/quotes")
    assert not at.exception and not at.error
    at.button(key=state.TO_CHAIN).click().run()
    assert not at.exception and "AAA options, 1min" in texts(at)
    assert state.SERIES not in at.query_params


def test_the_board_has_calls_strikes_puts_and_marks_the_money(data):
    html = board_of()
    assert html.index("Calls") < html.index("Strike") < html.index("Bid", html.index("Strike"))
    assert html.count("<tr class=atm>") == 1
    assert "<th scope='row' class='k'>100<small>at the money</small>" in html
    assert "25.0\u00a0%" in html  # what the quotes were made with, to a cent


def test_odd_quotes_are_told_by_words_and_undefined_volatilities_by_their_reason(data):
    html = board_of()
    for words in ("crossed", "zero bid", "one side", "stale 28 min"):
        assert words in html, words
    assert "bid above ask" in html and "no bid: the price is only known" in html
    assert "stale: last sent 28 minutes ago" in html


def test_a_dash_stands_where_a_volatility_is_undefined_never_a_zero(data):
    one = moment_of()
    frame = chain_board.frame(one, DAY, has_quotes=True)
    odd = frame.filter(pl.col("marks") != "")
    assert len(odd) == 4 and odd["implied_volatility"].null_count() == 4 and odd["delta"].null_count() == 4
    assert all(odd["why_undefined"].to_list())


def test_the_time_of_a_link_decides_what_is_known(data):
    assert "no quote" in board_of(at="09:45")
    assert board_of(at="10:00") != board_of(at="10:20")
    assert "stale" in board_of(at="10:20")


def test_a_step_in_time_writes_the_address(data):
    at = open_page("data", **LINK)
    at.select_slider(key=state.AT).set_value("10:02").run()
    assert at.query_params[state.AT] in ("10:02", ["10:02"])


def test_a_chain_of_prints_shows_prints(data):
    html = board_of(chain="tape/BBB/1min")
    assert "Print" in html and "2.00" in html and "Bid" not in html
    at = open_page("data", **(LINK | {"chain": "tape/BBB/1min"}))
    assert "underlying's price is not known" in texts(at)


def test_before_a_split_a_chain_can_be_seen_in_the_terms_of_after_it(data):
    """4:1 after 1 December: the strike of 90 becomes 22.50, prints of 2.00 become 0.50, 4 traded become 16."""
    link = LINK | {"chain": "tape/BBB/1min"}
    at = open_page("data", **link)
    toggle = at.toggle(key=state.AFTER_SPLIT)
    assert (toggle.label, toggle.value) == ("In the terms of after the 4:1 split", False)
    assert "A contract becomes 4: strikes and prices are divided by 4, sizes multiplied." in toggle.help
    assert "was 90" not in board_of(chain="tape/BBB/1min")
    html = board_of(chain="tape/BBB/1min", after_split="true")
    assert "<th scope='row' class='k'>22.5<small>was 90</small>" in html
    assert "0.50" in html and "2.00" not in html and ">16<" in html
    toggle.set_value(True).run()
    assert not at.exception and "Under each strike the one that was traded." in texts(at)
    at.button(key="all_chains").click().run()
    assert state.AFTER_SPLIT not in at.query_params


def test_a_chain_without_a_split_ahead_offers_no_other_terms(data):
    at = open_page("data", **LINK, after_split="true")
    assert not at.exception and not at.toggle
    assert "was " not in board_of(after_split="true")


def test_the_file_has_the_strike_of_before_the_split_beside_that_of_after(data):
    one, was = after_split(moment_of("tape/BBB/1min"), (dt.date(2023, 12, 1), 1.5))
    frame = chain_board.frame(one, DAY, has_quotes=False, was=was)
    # three for two: one contract of 150 shares at 90 / 1.5
    assert frame.select("strike", "strike_before", "multiplier").unique().rows() == [(60.0, 90.0, 150.0)]
    plain = chain_board.frame(moment_of(), DAY, has_quotes=True)
    assert "strike_before" not in plain.columns and set(plain["multiplier"]) == {100.0}


def test_the_mark_of_an_adjusted_contract_says_what_it_delivers_where_that_is_not_usual(data):
    one = moment_of("tape/BBB/1min")
    contracts = replace(one.contracts, adjusted=np.array([True, True]), multiplier=np.array([100.0, 150.0]))
    odd = replace(one, contracts=contracts)
    told = [chain_board.mark(odd, i, has_quotes=False) for i in range(2)]
    assert told == ["adjusted", "adjusted, 150 shares"]


def test_at_most_two_hundred_strikes_are_drawn_and_it_says_so(data):
    link = {"chain": "SYNTHETIC/CCC/1D", "at": "", "strikes": "200"}
    html = board_of(**link)
    assert html.count("scope='row'") == 200
    at = open_page("data", **(LINK | link))
    assert "The 200 strikes nearest to the money of 260" in texts(at)
    assert board_of(**(link | {"strikes": "25"})).count("scope='row'") == 25
    assert board_of(**(link | {"strikes": "9999"})).count("scope='row'") == 25


def test_the_window_lies_around_the_money_and_inside_the_strikes():
    strikes = np.arange(1.0, 301.0)
    assert chain_board.window(strikes, 150.2) == (slice(49, 249), 149)
    assert chain_board.window(strikes, 5.0) == (slice(0, 200), 4)
    assert chain_board.window(strikes, 299.0) == (slice(100, 300), 298)
    assert chain_board.window(strikes, float("nan"))[1] == -1


@pytest.mark.parametrize("look", ["Smile", "Term structure", "Surface", "Flat map"])
def test_volatilities_are_drawn(data, look):
    at = open_page("data", **LINK, look=look)
    assert not at.exception
    assert len(at.get("plotly_chart")) == 1


def test_the_smile_holds_what_the_board_tells(data):
    one = moment_of()
    expiry = chain_board.expiries(one, DAY)[0]
    figure = chain_charts.smile(palette(), one, expiry)
    n_marks = sum(len(trace.x) for trace in figure.data if trace.mode == "markers")
    assert n_marks == int((one.reason[list(expiry.rows)] == 0).sum()) == 6


def test_a_surface_is_worked_out_once_for_its_three_charts(data, monkeypatch):
    asked, work_out = [], chain_queries.moments.surface
    monkeypatch.setattr(chain_queries.moments, "surface", lambda *args: asked.append(args) or work_out(*args))
    for look in ("Term structure", "Surface", "Flat map", "Smile"):
        assert not open_page("data", **LINK, look=look).exception
    assert len(asked) == 1


def test_one_expiration_has_no_term_structure(data):
    at = open_page("data", part="chains", chain="SYNTHETIC/CCC/1D", look="Surface")
    assert not at.exception and "two are needed" in texts(at)


@pytest.mark.parametrize(
    "query",
    [
        {"chain": "../../etc/passwd"}, {"chain": "mine/AAA"}, {"chain": "<script>alert(1)</script>"},
        {"chain": "mine/DDD/1min"},
        {"day": "yesterday"}, {"day": "1900-01-01"}, {"day": "2023-11-20'; DROP TABLE runs"},
        {"at": "25:99"}, {"at": "<b>"}, {"expiry": "2099-01-01"}, {"expiry": "[x](http://y)"},
        {"look": "Everything"}, {"after_split": "perhaps"}, {"strikes": "-1"}, {"strikes": "1e9"},
    ],
    ids=str,
)  # fmt: skip
def test_hostile_links_get_a_sentence_or_the_usual_view(data, query):
    at = open_page("data", **(LINK | query))
    assert not at.exception
    assert "<script>" not in "".join(one.proto.body for one in at.get("html"))
    if "chain" in query:
        assert "no such chain" in at.error[0].value and len(at.dataframe) == 1


def test_a_chain_loads_no_heavy_library(market):
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        f"for look in ('Smile', 'Surface'):\n    at = open_page('data', look=look, **{LINK!r})\n"
        "    assert not at.exception, at.exception\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    env = os.environ | {"ARGUS_HOME": str(market.home)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                          env=env)  # fmt: skip
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_pack_is_asked_for_with_the_chains_of_those_symbols_that_have_them(data, market):
    at = open_page("data", part="packs")
    at.selectbox(key="pack_source").set_value("mine").run()
    at.multiselect(key="pack_symbols").set_value(["AAA"]).run()
    at.checkbox(key="pack_chains").check().run()
    at.number_input(key="pack_max_days").set_value(30)
    at.number_input(key="pack_width").set_value(7.5).run()
    assert not at.exception
    at.button(key=state.BUILD_PACK).click().run()
    store = open_store(market)
    payload = jobs.list_jobs(store, kinds=("pack",))[0].payload
    store.close()
    assert payload["chains"] == {"symbols": ["AAA"], "max_days": 30, "width_pct": 7.5}


def test_a_pack_tells_its_chains(data, market):
    pack = build_pack(market, source="mine", requests=[("AAA", "1min")], window_start=DAY, window_end=DAY,
                      chains=[ChainRequest("AAA", "1min", 30)])  # fmt: skip
    at = open_page("data", part="packs", pack=pack.hash[:12])
    assert not at.exception
    listed, chains = at.dataframe[0].value.iloc[0], at.dataframe[-1].value.iloc[0]
    assert listed["series"] == "AAA options, AAA 1min"
    # of two expirations one is 25 days ahead: five strikes, two rights
    assert (chains["symbol"], chains["sessions"], chains["contracts"], chains["quoted"]) == (
        "AAA",
        1,
        10,
        True,
    )


def test_the_health_of_a_chain_is_that_of_its_last_sessions(data):
    at = open_page("data", series="mine/AAA/option/1min/quotes")
    assert not at.exception
    said = texts(at)
    assert "contracts' bars without a standing quote" in said
    assert "python -m engine data health --source mine --symbols AAA" in said
    assert "rows, and 0 after expiry" in "".join(str(one.proto) for one in at.get("html"))
