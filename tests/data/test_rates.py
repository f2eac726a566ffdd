"""Interest rates: from LEAN's file into the store, and from there into packs with chains."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from engine.cli import main
from engine.core.errors import DataError
from engine.core.sessions import day_number
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.importers.preview import preview
from engine.data.rates import sources_with_rates, stored_rates
from engine.options.rates import DividendHistory
from engine.packs.alter import changed_after, cut_after
from engine.packs.build import build_pack
from engine.packs.disk import load_pack
from engine.packs.pack import ChainRequest
from engine.packs.verify import verify_pack
from tests.fixtures.vendor_files import bring, real_data

NOW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
TWX_DAYS = (dt.date(2014, 6, 5), dt.date(2014, 6, 6))


def a_file(folder, text="DATE,PCREDIT8\n2013-06-01,0.75\n2014-06-06,1.00\n"):
    path = folder / "lean" / "alternative" / "interest-rate" / "usa" / "interest-rate.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_leans_rates_come_in_with_the_rest_and_are_told_as_a_series(tmp_path):
    settings = Settings(tmp_path / "home")
    a_file(tmp_path)
    report = bring(settings.home, "lean", tmp_path / "lean")
    assert [(s.symbol, s.kind, s.n_rows, s.n_new) for s in report.series] == [("PCREDIT8", "rate", 2, 2)]
    (held,) = stored_rates(settings, "lean")
    # 0.75 % compounded once a year is ln(1.0075) continuous
    assert held.on(day_number(dt.date(2014, 6, 5))) == pytest.approx(np.log(1.0075), abs=1e-12)
    assert sources_with_rates(settings) == ["lean"]
    assert catalog.series(settings) == []


def test_the_same_rates_again_change_nothing_and_a_corrected_file_replaces_them(tmp_path):
    settings = Settings(tmp_path / "home")
    path = a_file(tmp_path)
    bring(settings.home, "lean", path)
    again = bring(settings.home, "lean", path)
    assert again.skipped == ()
    assert (again.n_rows, again.n_new, again.n_replaced) == (2, 0, 0)
    a_file(tmp_path, "DATE,PCREDIT8\n2013-06-01,0.75\n2014-06-06,1.25\n2014-07-01,1.5\n")
    mended = bring(settings.home, "lean", path)
    assert (mended.n_rows, mended.n_new, mended.n_replaced) == (3, 1, 1)


def test_a_bad_line_of_rates_stores_nothing(tmp_path):
    settings = Settings(tmp_path / "home")
    path = a_file(tmp_path, "DATE,PCREDIT8\n2013-06-01,0.75\n2013-05-01,0.75\n")
    with pytest.raises(DataError, match="line 3: dates must rise"):
        bring(settings.home, "lean", path)
    assert sources_with_rates(settings) == []


def test_a_preview_tells_of_rates_and_stores_none(tmp_path):
    settings = Settings(tmp_path / "home")
    found = preview(settings, "lean", a_file(tmp_path), now=NOW)
    (one,) = found.series
    assert (one.symbol, one.kind, one.n_rows, one.first) == ("PCREDIT8", "rate", 2, dt.date(2013, 6, 1))
    assert found.is_whole
    assert sources_with_rates(settings) == []


def test_data_list_tells_of_rates(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))
    bring(tmp_path / "home", "lean", a_file(tmp_path))
    assert main(["data", "list"]) == 0
    assert "rates PCREDIT8 of lean: 2 changes, 2013-06-01 to 2014-06-06" in capsys.readouterr().err


# ---------------------------------------------------------------- packs


def twx(tmp_path, *, rates=True):
    """A store with the chain of TWX and, if asked, the two rates of `a_file`."""
    settings = Settings(tmp_path / f"home-{rates}")
    bring(settings.home, "lean", real_data() / "lean/option/usa/minute/twx")
    if rates:
        bring(settings.home, "lean", a_file(tmp_path))
    return settings


def built(settings, *days):
    return build_pack(
        settings, source="lean", requests=(), window_start=days[0], window_end=days[-1],
        chains=[ChainRequest("TWX", max_days=20, width_frac=0.02)],
    )  # fmt: skip


def test_a_pack_with_chains_carries_the_rates_in_force_on_its_sessions(tmp_path):
    settings = twx(tmp_path)
    pack = built(settings, *TWX_DAYS)
    assert [pack.rates.on(day_number(day)) for day in TWX_DAYS] == pytest.approx(np.log([1.0075, 1.01]))
    assert "interest rates: PCREDIT8 of source lean" in pack.notes
    loaded = load_pack(settings, pack.hash)
    assert loaded.rates.name == "PCREDIT8"
    assert np.array_equal(loaded.rates.rate, pack.rates.rate)
    assert verify_pack(settings, pack.hash).is_sound


def test_rates_are_part_of_what_a_pack_is(tmp_path):
    with_rates, without = (built(twx(tmp_path, rates=one), *TWX_DAYS) for one in (True, False))
    assert without.rates is None
    assert with_rates.hash != without.hash
    assert pytest.approx(np.log(1.0075)) == built(twx(tmp_path), TWX_DAYS[0]).rates.rate  # no later rate


def test_a_pack_without_chains_has_no_rates_and_keeps_its_hash(tmp_path):
    hashes = []
    for name in (None, "rates"):
        settings = Settings(tmp_path / f"home-{name}")
        bring(settings.home, "lean", real_data() / "lean/equity/usa/minute/spy")
        if name:
            bring(settings.home, "lean", a_file(tmp_path))
        day = dt.date(2013, 10, 7)
        pack = build_pack(
            settings, source="lean", requests=[("SPY", "1min")], window_start=day, window_end=day
        )
        assert pack.rates is None
        hashes.append(pack.hash)
    assert hashes[0] == hashes[1]


def test_another_sources_rates_serve_where_its_own_has_none(tmp_path):
    settings = Settings(tmp_path / "home")
    bring(settings.home, "lean", real_data() / "lean/option/usa/minute/twx", source="mine")
    bring(settings.home, "lean", a_file(tmp_path))
    pack = build_pack(
        settings, source="mine", requests=(), window_start=TWX_DAYS[0], window_end=TWX_DAYS[0],
        chains=[ChainRequest("TWX", max_days=20, width_frac=0.02)],
    )  # fmt: skip
    assert "interest rates: PCREDIT8 of source lean" in pack.notes


def test_a_pack_carries_the_dividends_of_its_underlying_a_year_back(tmp_path):
    settings = Settings(tmp_path / "home")
    bring(settings.home, "lean", real_data() / "lean/option/usa/minute/aapl")
    day = dt.date(2014, 6, 6)
    pack = build_pack(
        settings, source="lean", requests=(), window_start=day, window_end=day,
        chains=[ChainRequest("AAPL", max_days=20, width_frac=0.02)],
    )  # fmt: skip
    held = pack.ex_dividends["AAPL"]
    # Apple paid 3.05 on 8 August, 6 November 2013 and 6 February 2014, 3.29 on 8 May 2014 (investor.apple.com)
    assert [str(np.datetime64(int(day), "D")) for day in held.ex_day] == [
        "2013-08-08", "2013-11-06", "2014-02-06", "2014-05-08",
    ]  # fmt: skip
    assert held.amount == pytest.approx([3.05, 3.05, 3.05, 3.29], abs=2e-3)
    loaded = load_pack(settings, pack.hash)
    assert np.array_equal(loaded.ex_dividends["AAPL"].amount, held.amount)
    assert verify_pack(settings, pack.hash).is_sound


def test_a_packs_rates_and_dividends_are_shown(tmp_path, monkeypatch, capsys):
    settings = twx(tmp_path)
    monkeypatch.setenv("ARGUS_HOME", str(settings.home))
    pack = built(settings, *TWX_DAYS)
    assert main(["pack", "show", pack.hash, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rates"]["name"], told["rates"]["rate"]) == ("PCREDIT8", pack.rates.rate.tolist())
    assert told["ex_dividends"] == {}
    assert main(["pack", "show", pack.hash]) == 0
    assert "interest rates: PCREDIT8 of source lean" in capsys.readouterr().out


def test_dividends_of_before_a_split_are_told_per_share_of_after_it():
    paid = DividendHistory(np.array([10, 100]), np.array([7.0, 1.5]), np.array([50]), np.array([7.0]))
    assert paid.per_share_of(40).tolist() == [7.0, 1.5]
    assert paid.per_share_of(50).tolist() == [1.0, 1.5]
    days, amounts = paid.expected(60, 400)
    assert (days.tolist(), amounts.tolist()) == ([375], [1.0])  # what was paid on day 10, a year on


def test_what_was_not_known_yet_is_cut_off_and_can_be_changed_without_the_past(tmp_path):
    pack = built(twx(tmp_path), *TWX_DAYS)
    paid = DividendHistory(
        np.array([day_number(one) for one in TWX_DAYS]), np.array([1.0, 2.0]), np.empty(0, int), np.empty(0)
    )
    pack = replace(pack, ex_dividends={"TWX": paid})
    at = int(dt.datetime(2014, 6, 5, 18, tzinfo=dt.UTC).timestamp()) * 10**9
    known = cut_after(pack, at)
    assert known.rates.rate == pytest.approx([np.log(1.0075)])
    assert known.ex_dividends["TWX"].amount.tolist() == [1.0]
    other = changed_after(pack, at, np.random.default_rng(1))
    assert other.rates.rate[0] == pack.rates.rate[0] != other.rates.rate[1]
    assert other.rates.rate[1] != pack.rates.rate[1]
    assert other.ex_dividends["TWX"].amount[0] == 1.0 != other.ex_dividends["TWX"].amount[1]
