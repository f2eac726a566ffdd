"""A CSV of trade calls: what is understood, what is repaired, what is refused, and that every row is told."""

import datetime as dt
import json

import numpy as np
import pytest

from engine import cli
from engine.core.calls import ACTIONS
from engine.core.errors import DataError, NotFound
from engine.core.settings import Settings
from engine.data.calls import call_rows, call_sets, calls_of, find_set, save_calls
from engine.data.importers import call_cells as cells
from engine.data.importers.call_cells import Unclear
from engine.data.importers.calls import CallOptions, read_calls, read_header
from tests.fixtures.calls import at_ns

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
HEADER = "time,symbol,action,entry,sl,tp1,tp2,expires"
GOOD = "2014-05-01 09:00,EURUSD,BUY,1.3865,1.3840,1.3885,1.3900,"


def read(tmp_path, *lines, header=HEADER, **options):
    path = tmp_path / "calls.csv"
    path.write_text("\n".join((header, *lines)) + "\n", "utf-8")
    return read_calls(path, CallOptions(**({"tz": "UTC"} | options)))


def only(found):
    assert len(found.rows) == 1
    return found.rows[0]


def test_a_plain_row_is_taken_as_it_stands(tmp_path):
    row = only(read(tmp_path, GOOD))
    assert (row.line, row.verdict, row.notes) == (2, "taken", ())
    assert (row.call.at, row.call.symbol, ACTIONS[row.call.action]) == (
        at_ns("2014-05-01T09:00"),
        "EURUSD",
        "buy",
    )
    assert (row.call.low, row.call.high, row.call.stop, row.call.targets) == (
        1.3865,
        1.3865,
        1.384,
        (1.3885, 1.39),
    )


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("2014-05-01 09:00,XAUUSD.r,BUY,1285,1280,1290,,", "XAUUSD.r read as XAUUSD"),
        ("2014-05-01 09:00,gold,long,1285,1280,1290,,", "gold read as XAUUSD; long read as BUY"),
        (
            '2014-05-01 09:00,EURUSD,BUY NOW,"1,3865",1.3840,1.3885,,',
            None,
        ),  # 1,3865: four digits, a decimal comma
        ("2014-05-01 09:00,XAUUSD,SELL,1287-1285,1292,1280,,", "range 1287-1285 turned round"),
        ("2014-05-01 09:00,XAUUSD,SELL,1285,1292,1275,1280,", "targets put in order"),
        ("2014-05-01 09:00,XAUUSD,SELL,1285,1292,1280,1280,", "target 1280 stands twice"),
        (
            "2014-05-01 09:00,XAUUSD,SELL,1285,1292,1280,open,",
            "target 'open' has no price: its part leaves with the last that has one",
        ),
        ("2014-05-01 09.00,XAUUSD,SELL,1285,1292,1280,,", "2014-05-01 09.00 read as 09:00"),
        ("2014-05-01 09:00,XAUUSD,SELL,@1285,1292,1280,,", "@1285 read as 1285"),
        ("2014-05-01 09:00,XAUUSD,CLOSE BUY,,,,,", "CLOSE BUY closes whatever is open"),
        ("2014-05-01 09:00,XAUUSD,SELL,1285,SL: 1292,1280,,", "SL: 1292 read as 1292"),
        ("2014-05-01 09:00,XAUUSD,SELL,1285,1292,TP 1280,,", "TP 1280 read as 1280"),
        (
            "2014-05-01 09:00,XAUUSD,SELL,1285,1292,TP1 1280,tp2: 1275,",
            "TP1 1280 read as 1280; tp2: 1275 read as 1275",
        ),
        # MetaTrader writes 0.00000 where there is no stop or target
        ("2014-05-01 09:00,EURUSD,BUY,1.3865,0.00000,0,,", "0.00000 read as none; 0 read as none"),
        ("2014-05-01 09:00,XAUUSD,BUY", "the row ends after 3 of 8 cells"),
    ],
)
def test_what_is_read_otherwise_than_it_stands_is_told(tmp_path, line, note):
    row = only(read(tmp_path, line))
    assert row.verdict == "repaired" and row.call is not None
    assert note is None or "; ".join(row.notes) == note


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (",EURUSD,BUY,,,,,", "no time"),
        ("2014-05-01,EURUSD,BUY,,,,,", "a date without a time of day"),
        ("05/06/2014 09:00,EURUSD,BUY,,,,,", "day or month first"),
        ("yesterday,EURUSD,BUY,,,,,", "is not a time"),
        ("0001-01-01 00:00,EURUSD,BUY,,,,,", "'0001-01-01 00:00' is outside of 1900..2200"),
        ("9999-12-31 23:59,EURUSD,BUY,,,,,", "'9999-12-31 23:59' is outside of 1900..2200"),
        ("2014-05-01 09:00,EURUSD,BUY,,,,,99999999999w", "a span that ends after 2200"),
        ("2014-05-01 09:00,,BUY,,,,,", "no symbol"),
        ("2014-05-01 09:00,E?,BUY,,,,,", "not a symbol"),
        ("2014-05-01 09:00,EURUSD,,,,,,", "no action"),
        ("2014-05-01 09:00,EURUSD,MODIFY,,,,,", "not one of BUY, SELL"),
        ("2014-05-01 09:00,EURUSD,CLOSE HALF,,,,,", "not one of BUY, SELL"),
        ("2014-05-01 09:00,EURUSD,CLOSE 50%,,,,,", "'CLOSE 50%': closes a part"),
        ("2014-05-01 09:00,EURUSD,CLOSE \u00bd,,,,,", "closes a part"),
        ("2014-05-01 09:00,EURUSD,close 1/2,,,,,", "'close 1/2': closes a part"),
        (
            '2014-05-01 09:00,XAUUSD,BUY,"1285,1287",1280,1290,,',
            "one price or two: write 1285.1287 or 1285-1287",
        ),
        ('2014-05-01 09:00,XAUUSD,BUY,"12.85,1287",1280,1290,,', "'12.85,1287' is not a price"),
        ('2014-05-01 09:00,XAUUSD,BUY,1285,1280,"1290,1295,1300",,', "'1290,1295,1300' is not a price"),
        # a price or a size among the words of the action was dropped without a word
        ("2014-05-01 09:00,XAUUSD,BUY 1283-1286,,1280,1290,,", "'BUY 1283-1286': holds a price or a size"),
        ("2014-05-01 09:00,XAUUSD,BUY @ 1285,,1280,1290,,", "Give a price the column entry"),
        ("2014-05-01 09:00,XAUUSD,buy 0.5,1285,1280,1290,,", "leave a size out, and write BUY"),
        ("2014-05-01 09:00,XAUUSD,BUY LIMIT 1284,,1280,1290,,", "and write BUY LIMIT"),
        ("2014-05-01 09:00,EURUSD,BUY STOP LIMIT,1.4,1.3,1.5,,", "not one of BUY, SELL"),
        ("2014-05-01 09:00,EURUSD,SELL STOP,,1.4,1.3,,", "SELL STOP without a price"),
        (
            "2014-05-01 09:00,EURUSD,BUY,1.3865,1.3890,1.3900,,",
            "stop 1.389 on the wrong side of entry 1.3865",
        ),
        (
            "2014-05-01 09:00,EURUSD,SELL,1.3865,1.3890,1.3900,,",
            "target 1.39 on the wrong side of entry 1.3865",
        ),
        ("2014-05-01 09:00,EURUSD,BUY,,1.3890,1.3880,,", "target 1.388 on the wrong side of stop 1.389"),
        ("2014-05-01 09:00,XAUUSD,BUY,1285,12.80,1290,,", "stop 12.8 is far from 1285"),
        ('2014-05-01 09:00,XAUUSD,BUY,"1,285",1280,1290,,', "1,285 may be 1285 or 1.285"),
        ("2014-05-01 09:00,XAUUSD,BUY,1285,30 pips,1290,,", "'30 pips' is not a price"),
        (
            "2014-05-01 09:00,XAUUSD,BUY,1285,TP 1280,1290,,",
            "'TP 1280' is not a price",
        ),  # in the column of the stop
        (
            "2014-05-01 09:00,XAUUSD,BUY,1285,1280,TP11290,,",
            "'TP11290' is not a price",
        ),  # TP 11290 or TP1 1290
        # of several targets in a cell, when no other price stands beside them
        (
            '2014-05-01 09:00,SPY,BUY,,,"150,155,160",,',
            "150,155,160 may be one price or several: write 150155160 or 150/155/160",
        ),
        ("2014-05-01 09:00,SPY,BUY,,,TP1: $150 155 160,,", "150 155 160 may be one price or several"),
        ("2014-05-01 09:00,XAUUSD,BUY,1283 1286,,,,", "'1283 1286' is not a price"),
        (
            "2014-05-01 09:00,SPY,BUY,150 155,,,,",
            "150 155 may be one price or two: write 150155 or 150-155",
        ),
        # six digits are not all that a price has
        (
            "2014-05-01 09:00,NAS100,BUY,16505.25,16505.75,16600,,",
            "stop 16505.75 on the wrong side of entry 16505.25",
        ),
        ("2014-05-01 09:00,BTCUSD,BUY,109876.5,10987.25,,,", "stop 10987.25 is far from 109876.5"),
        ("2014-05-01 09:00,XAUUSD,BUY,-1285,1280,1290,,", "'-1285' is not a price or a range of two"),
        ("2014-05-01 09:00,XAUUSD,BUY,\u22121285,1280,1290,,", "is not a price or a range of two"),
        ("2014-05-01 09:00,XAUUSD,BUY,1285-,1280,1290,,", "'1285-' is not a price or a range of two"),
        ("2014-05-01 09:00,XAUUSD,BUY,0-1285,1280,1290,,", "'0-1285' is not a price or a range of two"),
        ("2014-05-01 09:00,XAUUSD,BUY LIMIT,0,1280,1290,,", "BUY LIMIT without a price"),
        ("1 May 2014 09:00,XAUUSD,BUY,1285,1280,1290,,", "say its form with --time-format"),
        ("2014-05-01 09:00,XAUUSD,BUY STOP,1285,1280,1290,,soon", "is not a time"),
        ("2014-05-01 09:00,XAUUSD,BUY STOP,1285,1280,1290,,2014-04-30 09:00", "not after the call itself"),
        ("2014-05-01 09:00,XAUUSD,BUY,1285,1280,1290,1295,,left,over", "10 cells where row 1 names 8"),
        (",,,,,,,", "empty row"),
    ],
)
def test_a_row_that_is_not_understood_is_kept_with_its_reason(tmp_path, line, why):
    found = read(tmp_path, GOOD, line)
    assert [row.verdict for row in found.rows] == ["taken", "refused"]
    assert found.rows[1].line == 3 and found.rows[1].call is None
    assert why in found.rows[1].notes[0]


def test_a_call_that_stands_twice_is_taken_once_and_says_where_the_first_is(tmp_path):
    found = read(tmp_path, GOOD, "2014-05-02 09:00,EURUSD,CLOSE,,,,,", GOOD.replace("1.3840", "1.38400"))
    assert [row.verdict for row in found.rows] == ["taken", "taken", "refused"]
    assert found.rows[2].notes == ("the same call as in row 2",)


def test_columns_are_found_by_their_usual_names_and_by_the_mapping(tmp_path):
    header = "Date;Clock;Pair;Side;Order type;From;To;Stop Loss;Take Profit;Comment"
    line = "2014-05-01;9:00;EUR/USD;Sell;Limit;1.3890;1.3880;1.3920;1.3850/1.3820;hm"
    found = read(
        tmp_path, line, header=header, map={"time": "Clock", "entry_low": "From", "entry_high": "To"}
    )
    row = only(found)
    assert ACTIONS[row.call.action] == "sell limit" and (row.call.low, row.call.high) == (1.388, 1.389)
    assert row.call.targets == (1.385, 1.382) and row.call.at == at_ns("2014-05-01T09:00")
    assert found.unused == ("Comment",) and found.columns["stop"] == "Stop Loss"


@pytest.mark.parametrize(
    ("header", "options", "why"),
    [
        (
            "when,symbol,action",
            {},
            "no column for time. Columns: when, symbol, action. Name them with --map time=",
        ),
        (HEADER, {"map": {"stop": "SL!"}}, "no column 'SL!' for stop"),
        (HEADER, {"map": {"profit": "tp1"}}, "field of --map 'profit': unknown"),
        (HEADER, {"tz": "London"}, "time zone 'London': unknown"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path, header, options, why):
    with pytest.raises(DataError, match=why.replace("(", r"\(")):
        read(tmp_path, GOOD, header=header, **options)


MT5 = "Time,Position,Symbol,Type,Volume,Price,S / L,T / P,Time,Price,Profit"
MT4 = "Ticket;Open Time;Type;Size;Item;Price;S / L;T / P;Close Time;Price;Profit"


@pytest.mark.parametrize(
    ("header", "line", "also"),
    [
        (MT5, "2014.05.01 09:00:00,1,EURUSD,buy,0.1,1.3865,1.384,1.3885,2014.05.01 10:00:00,1.388,50",
         ("Position", "Volume", "Time (column 9)", "Price (column 10)", "Profit")),
        (MT4, "1;2014.05.01 09:00:00;buy;0.10;eurusd;1.3865;1.384;1.3885;2014.05.01 10:00:00;1.388;50",
         ("Ticket", "Size", "Close Time", "Price (column 10)", "Profit")),
    ],
)  # fmt: skip
def test_a_statement_of_metatrader_is_read_with_its_targets_and_its_opening(tmp_path, header, line, also):
    """Its second Time and Price are those of the close; what is not read is named."""
    found = read(tmp_path, line, header=header)
    call = only(found).call
    assert (call.symbol, call.at) == ("EURUSD", at_ns("2014-05-01T09:00"))
    assert (call.low, call.stop, call.targets) == (1.3865, 1.384, (1.3885,))
    assert found.unused == also


def test_the_number_of_an_order_is_no_part_of_its_action(tmp_path):
    """Orders of MetaTrader 5 are numbered in a column Order; without a price beside it the number may be one."""
    header = "Open Time,Order,Symbol,Type,Volume,Price,S / L,T / P"
    numbers = [("12345", "1.3865"), ("#12345", "1.3865"), ("12345", "-"), ("1.3865", "1.3865")]
    lines = [f"2014.05.01 09:00:00,{n},EURUSD,buy limit,0.1,{price},1.384,1.3885" for n, price in numbers]
    found = read(tmp_path, *lines, header=header)
    assert [row.verdict for row in found.rows] == ["taken", "refused", "refused", "refused"]
    assert found.rows[1].notes == ("the same call as in row 2",)
    assert all("holds a price or a size" in row.notes[0] for row in found.rows[2:])


ENDS = "time,symbol,action,entry,entry 1,entry 2,sl"


@pytest.mark.parametrize(
    ("entries", "read_as"),
    [
        ("1285,1285,", (1285.0, 1285.0)),  # the same price twice
        ("1283-1286,1286,1283", (1283.0, 1286.0)),
        (",1286,1283", (1283.0, 1286.0)),
        ("-,1283,1286", (1283.0, 1286.0)),
        ("1285,,0.00", (1285.0, 1285.0)),
    ],
)
def test_ends_beside_an_entry_may_say_the_same(tmp_path, entries, read_as):
    row = only(read(tmp_path, f"2014-05-01 09:00,XAUUSD,BUY,{entries},1280", header=ENDS))
    assert (row.call.low, row.call.high) == read_as


@pytest.mark.parametrize("entries", ["1285,1283,1286", "1285,,1283", "1283-1286,1282,1286"])
def test_ends_that_say_something_else_than_the_entry_beside_them_are_not_passed_over(tmp_path, entries):
    row = only(read(tmp_path, f"2014-05-01 09:00,XAUUSD,BUY,{entries},1280", header=ENDS))
    assert row.verdict == "refused" and "beside entry" in row.notes[0]
    assert "which of them is traded? Empty the other's column" in row.notes[0]


def test_targets_of_one_cell_may_be_numbered(tmp_path):
    header = "time,symbol,action,entry,sl,tp"
    line = "2014-05-01 09:00,XAUUSD,BUY,1285\u22121287,SL 1280,TP1 1290 / TP2: 1295 / TP3 open"
    row = only(read(tmp_path, line, header=header))
    assert (row.call.low, row.call.high, row.call.stop, row.call.targets) == (1285, 1287, 1280, (1290, 1295))
    assert row.notes == ("SL 1280 read as 1280", "TP1 1290 read as 1290", "TP2: 1295 read as 1295",
                         "target 'TP3 open' has no price: its part leaves with the last that has one")  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,285.50", 1285.5), ("1.285,50", 1285.5), ("1285,5", 1285.5), ("1,3880", 1.388), ("1,285,500", 1285500.0),
     ("1.285.500,5", 1285500.5), ("138,85", 138.85), ("16500,2", 16500.2), ("0,9512", 0.9512), ("1 285.5", 1285.5),
     ("1 285", 1285.0), ("$ 1285", 1285.0), ("1\u00a0285\u00a0500", 1285500.0)],
)  # fmt: skip
def test_a_price_is_read_with_either_decimal_mark_and_that_is_told(text, value):
    notes = []
    assert cells.price(text, notes) == value and len(notes) == 1 and notes[0].startswith(f"{text} read as ")


@pytest.mark.parametrize(
    ("text", "part"),
    [("50", 0.5), ("50 %", 0.5), ("0.5%", 0.005), ("1 %", 0.01), ("100", 1.0), ("1.5", 0.015)],
)
def test_a_share_is_a_percentage(text, part):
    assert cells.share(text) == part


@pytest.mark.parametrize(
    ("text", "said"),
    [("0.5", "write 0.5% or 50"), ("1", "write 1% or 100"), ("0", "from 0 to 100"), ("half", "from 0")],
)
def test_a_share_that_may_be_a_fraction_is_refused(text, said):
    """0.5 beside the last of two targets would leave half a percent at the first, and nobody would be told."""
    with pytest.raises(Unclear, match=said):
        cells.share(text)


def test_a_column_of_orders_alone_holds_the_actions(tmp_path):
    found = read(tmp_path, "2014-05-01 09:00,XAUUSD,Sell Limit,1285", header="time,symbol,order,entry")
    assert found.columns["action"] == "order" and ACTIONS[only(found).call.action] == "sell limit"


def test_excels_first_line_names_the_separator(tmp_path):
    found = read(tmp_path, *(line.replace(",", ";") for line in (HEADER, GOOD)), header="sep=;")
    assert (only(found).line, only(found).verdict) == (3, "taken")


@pytest.mark.parametrize(
    ("before", "line"),
    [("", 1), ("\n", 2), ("\n  \n;;;\n", 4), ("sep=;\r\n", 2), ('"sep=;"\n\n', 3), ("\ufeff", 1)],
)
def test_a_header_is_found_below_what_spreadsheets_write_before_it(tmp_path, before, line):
    path = tmp_path / "calls.csv"
    path.write_text(f'{before}Sent;Pair;"Side"\n2014-05-01 09:00Z;EURUSD;BUY\na;b;c;d\n', "utf-8")
    found = read_calls(path, CallOptions())
    assert read_header(path) == found.header == ("Sent", "Pair", "Side")
    assert [(row.line, row.verdict) for row in found.rows] == [(line + 1, "taken"), (line + 2, "refused")]
    assert found.rows[1].notes == (f"4 cells where row {line} names 3",)
    with pytest.raises(DataError, match=f"calls.csv, row {line}: no column 'SL' for stop"):
        read_calls(path, CallOptions({"stop": "SL"}))


def test_a_row_is_numbered_by_the_line_on_which_it_begins(tmp_path):
    header, note = "time,symbol,action,note", '2014-05-01 09:00,EURUSD,BUY,"first\nsecond\nthird"'
    found = read(tmp_path, note, "2014-05-02 09:00,EURUSD,CLOSE,", "", note, header=header)
    assert [row.line for row in found.rows] == [2, 5, 6, 7]
    assert found.rows[3].notes == ("the same call as in row 2",)


def test_a_workbook_that_is_called_csv_says_so(tmp_path):
    (tmp_path / "calls.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(
        DataError, match=r"calls\.csv: a workbook or an archive, no text\. Save the sheet as CSV UTF-8"
    ):
        read_calls(tmp_path / "calls.csv", CallOptions(tz="UTC"))


def test_a_set_keeps_every_row_and_gives_back_the_calls_in_order_of_time(tmp_path):
    settings = Settings(tmp_path / "home")
    found = read(tmp_path, "2014-05-02 09:00,EURUSD,CLOSE,,,,,", "?,EURUSD,BUY,,,,,", GOOD)
    made = save_calls(settings, "vip", found, "UTC", NOW)
    assert (made.n_rows, made.n_taken, made.n_repaired, made.n_refused) == (3, 2, 0, 1)
    assert call_sets(settings) == [made] == [find_set(settings, "vip")]
    rows = call_rows(settings, "vip")
    assert rows["row"].to_list() == [2, 3, 4] and rows["verdict"].to_list() == ["taken", "refused", "taken"]
    calls = calls_of(rows, "vip", "EURUSD")
    assert calls.row.tolist() == [4, 2] and [ACTIONS[a] for a in calls.action] == ["buy", "close"]
    np.testing.assert_array_equal(calls.targets[0], [1.3885, 1.39, np.nan, np.nan, np.nan])


def test_a_file_without_one_call_is_refused_and_a_missing_set_names_those_there_are(tmp_path):
    settings = Settings(tmp_path / "home")
    with pytest.raises(DataError, match="none of 1 rows is a call; row 2: no time"):
        save_calls(settings, "vip", read(tmp_path, ",EURUSD,BUY,,,,,"), None, NOW)
    save_calls(settings, "vip", read(tmp_path, GOOD), None, NOW)
    with pytest.raises(NotFound, match=r"'gold': no such set\. There are: vip\. Import it with"):
        find_set(settings, "gold")
    with pytest.raises(DataError, match="not a name"):
        save_calls(settings, "../x", read(tmp_path, GOOD), None, NOW)


def test_the_name_of_the_demo_markets_calls_is_not_for_imports(monkeypatch, capfd, tmp_path):
    with pytest.raises(DataError, match="'synthetic': belongs to the demo market"):
        save_calls(Settings(tmp_path / "home"), "synthetic", read(tmp_path, GOOD), None, NOW)
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))
    verb = ["data", "import", "calls", str(tmp_path / "calls.csv"), "--source", "synthetic", "--preview"]
    assert cli.main(verb) == 2
    assert "Choose another name" in capfd.readouterr().err
    assert call_sets(Settings(tmp_path / "home")) == []


@pytest.mark.parametrize(("flags", "stored"), [(["--preview"], []), ([], ["vip"])])
def test_the_verb_tells_every_row_and_stores_nothing_in_a_preview(
    monkeypatch, capfd, tmp_path, flags, stored
):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))
    path = tmp_path / "calls.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n?,EURUSD,BUY,,,,,\n", "utf-8")
    verb = ["data", "import", "calls", str(path), "--tz", "UTC", "--source", "vip"]
    assert cli.main([*verb, "--json", *flags]) == 0
    out, err = capfd.readouterr()
    assert [(row["row"], row["verdict"]) for row in json.loads(out)["rows"]] == [(2, "taken"), (3, "refused")]
    assert "2 rows: 1 taken, 0 repaired, 1 refused" in err and ("nothing was stored" in err) == (not stored)
    assert [one.name for one in call_sets(Settings(tmp_path / "home"))] == stored
    assert cli.main([*verb, *flags]) == 0
    assert "is not a time" in capfd.readouterr().out


def test_a_flag_of_bars_is_refused_for_calls(monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    assert cli.main(["data", "import", "calls", str(tmp_path), "--timeframe", "1h"]) == 2
    assert "--timeframe: not for calls" in capfd.readouterr().err
