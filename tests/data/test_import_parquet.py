"""Processed parquet by path templates and column maps, as specs name them."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cli import main
from engine.core.errors import ArgusError, DataError
from engine.core.settings import CHECKOUT, Settings
from engine.data import catalog
from engine.data.importers import ImportCancelled, parquet
from engine.data.importers.preview import guess_format, preview
from engine.data.partitions import read_part
from engine.data.processed import files_of
from engine.data.schemas import PRICES
from tests.fixtures.vendor_files import NOW, bring, state_of

DAY = dt.date(2023, 3, 1)
TEMPLATE = "data/processed/{name}/{{YYYY}}/{{MM}}/{{YYYY}}-{{MM}}-{{DD}}.parquet"
EQUITIES = {"ts": "datetime", **{n: n for n in ("open", "high", "low", "close", "volume")}}
OPTIONS = {"ts": "datetime_et", "ticker": "ticker", "close": "close", "underlying": "underlying",
           "expiration": "expiration"}  # fmt: skip


def clock(*minutes, day=DAY):
    """New York clock readings without a zone, minutes after 09:30."""
    return [dt.datetime.combine(day, dt.time(9, 30)) + dt.timedelta(minutes=m) for m in minutes]


def equities(day=DAY, n=3, symbols=("SPY", "QQQ"), first=400.0):
    return pl.concat(
        pl.DataFrame({
            "ticker": [symbol] * n, "datetime": clock(*range(n), day=day), "open": [first + i for i in range(n)],
            "high": [first + i + 0.5 for i in range(n)], "low": [first + i - 0.5 for i in range(n)],
            "close": [first + i + 0.25 for i in range(n)], "volume": [100 + i for i in range(n)],
            "transactions": [7] * n,
        })
        for symbol in symbols
    )  # fmt: skip


def options(day=DAY):
    """Aggregates of two contracts, as a pipeline over us_options_opra writes them."""
    put, call = "O:SPY230317P00390000", "O:SPY230317C00410000"
    return pl.DataFrame({
        "ticker": [put, put, call], "datetime_et": clock(0, 2, 1, day=day), "open": [1.0, 1.1, 2.0],
        "high": [1.2, 1.1, 2.0], "low": [0.9, 1.1, 2.0], "close": [1.1, 1.1, 2.0], "volume": [10, 2, 1],
        "underlying": ["SPY"] * 3, "expiration": [dt.date(2023, 3, 17)] * 3,
    })  # fmt: skip


def write(home, name, rows, day=DAY):
    path = home / f"processed/{name}/{day:%Y/%m}/{day}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    return path


def a_spec(folder, names=("equities_min", "options_min"), **data):
    made = json.loads((CHECKOUT / "specs/sma_crossover.json").read_text())
    made["data"] = {
        "source": "polygon_flat", "paths": {name: TEMPLATE.format(name=name) for name in names},
        "columns": {"equities": EQUITIES, "options": OPTIONS}, "tz": "America/New_York", **data,
    }  # fmt: skip
    path = folder / "spec.json"
    path.write_text(json.dumps(made))
    return path


def stored(home, dataset, source="polygon", day=DAY):
    return read_part(home / f"market/{source}/{dataset}/{day:%Y/%m}/{day}.parquet", dataset)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


# ---------------------------------------------------------------- by a spec


def test_the_files_of_a_specs_templates_come_in_under_the_source_that_it_names(home, tmp_path):
    for day in (DAY, dt.date(2023, 3, 2)):
        write(home, "equities_min", equities(day), day)
    write(home, "options_min", options())
    report = bring(home, "parquet", a_spec(tmp_path))
    told = [(s.source, s.symbol, s.kind, s.timeframe, s.n_new) for s in report.series]
    assert told == [
        ("polygon", "QQQ", "equity", "1min", 6), ("polygon", "SPY", "equity", "1min", 6),
        ("polygon", "SPY", "option", "1min", 3),
    ]  # fmt: skip
    bars = stored(home, "equities_min").filter(pl.col("symbol") == "SPY")
    # 09:30 of 1 March in New York is 14:30 UTC
    assert bars["start"][0] == dt.datetime(2023, 3, 1, 14, 30, tzinfo=dt.UTC)
    assert bars.select("open", "high", "low", "close", "volume").row(1) == (
        401.0,
        401.5,
        400.5,
        401.25,
        101.0,
    )


def test_aggregates_of_options_are_filed_by_contract(home, tmp_path):
    write(home, "options_min", options())
    bring(home, "parquet", a_spec(tmp_path, ("options_min",)))
    rows = stored(home, "options_min")
    names = ("symbol", "root", "expiry", "strike", "is_call", "close", "volume")
    expiry = dt.date(2023, 3, 17)
    assert rows.select(names).rows() == [
        ("SPY", "SPY", expiry, 390.0, False, 1.1, 10.0), ("SPY", "SPY", expiry, 390.0, False, 1.1, 2.0),
        ("SPY", "SPY", expiry, 410.0, True, 2.0, 1.0),
    ]  # fmt: skip


def test_the_example_spec_of_the_second_chance_brings_its_files_in(home):
    spec = Path(__file__).parents[3] / "shared/specs/zrce_second_chance.json"
    if not spec.is_file():
        pytest.skip(f"no example specs at {spec.parent}")
    write(home, "equities_min", equities())
    write(home, "equities_5min", equities(n=1))
    write(home, "options_min", options())
    report = bring(home, "parquet", spec, symbols=["SPY"])
    assert [(s.kind, s.timeframe, s.n_rows) for s in report.series] == [
        ("equity", "5min", 1), ("equity", "1min", 3), ("option", "1min", 3),
    ]  # fmt: skip


def test_what_was_imported_again_changes_nothing_and_a_mended_file_replaces_its_rows(home, tmp_path):
    write(home, "equities_min", equities())
    spec = a_spec(tmp_path, ("equities_min",))
    bring(home, "parquet", spec)
    before = state_of(home / "market")
    again = bring(home, "parquet", spec)
    assert (again.n_new, again.n_replaced) == (0, 0)
    assert {n: v for n, v in state_of(home / "market").items() if not n.endswith("imports.jsonl")} == {
        n: v for n, v in before.items() if not n.endswith("imports.jsonl")
    }
    write(home, "equities_min", equities(first=401.0))
    assert bring(home, "parquet", spec).n_replaced == 6


def test_one_wrong_row_in_the_last_file_keeps_all_of_them_out(home, tmp_path):
    write(home, "equities_min", equities())
    bad = equities(dt.date(2023, 3, 2)).with_columns(
        pl.when(pl.int_range(pl.len()) == 4).then(-1.0).otherwise("low").alias("low")
    )
    write(home, "equities_min", bad, dt.date(2023, 3, 2))
    with pytest.raises(DataError, match=r"2023-03-02.parquet, row 5: price is zero or negative"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))
    assert catalog.series(Settings(home)) == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"equities": {"ts": "when"}}, "no column 'when' for ts. Columns: ticker, datetime, open, high, low, close"),
        ({"equities": {"tz": "datetime"}}, "'tz' is no field. Fields: start, symbol, open, high, low, close"),
        ({"equity": EQUITIES}, "equity: not a dataset"),
    ],
)  # fmt: skip
def test_wrong_columns_are_one_line_that_names_those_that_exist(home, tmp_path, columns, said):
    write(home, "equities_min", equities())
    with pytest.raises(DataError, match=said) as caught:
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",), columns=columns))
    assert "\n" not in str(caught.value)


def test_a_column_that_lacks_is_named_with_those_that_exist(home, tmp_path):
    write(home, "equities_min", equities().drop("high", "low"))
    with pytest.raises(DataError, match=r"no column for high, low\. Columns: ticker, datetime, open, close"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",), columns={}))


def test_a_spec_that_is_not_there_says_so(home):
    path = write(home, "equities_min", equities())
    with pytest.raises(ArgusError, match="no such spec file"):
        bring(home, "parquet", path, options={"spec": str(home / "none.json")})


def test_templates_without_a_file_and_specs_without_a_template_say_so(home, tmp_path):
    with pytest.raises(DataError, match=r"none of data/processed/equities_min/.* is there"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))
    with pytest.raises(DataError, match=r"names no data\.paths"):
        bring(home, "parquet", a_spec(tmp_path, ()))


# ---------------------------------------------------------------- templates


def test_a_template_means_the_same_digits_wherever_it_repeats_a_placeholder(tmp_path):
    for name in ("2023/03/2023-03-01", "2023/03/2023-04-01", "2023/03/notes", "2023/3/2023-03-01"):
        path = tmp_path / "processed/x" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = files_of(Settings(tmp_path), TEMPLATE.format(name="x"))
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "processed/x/2023/03/2023-03-01.parquet"
    ]
    absolute = f"{tmp_path}/processed/x/{{YYYY}}/{{MM}}/{{YYYY}}-{{MM}}-{{DD}}.parquet"
    assert files_of(Settings(tmp_path / "other"), absolute) == found


@pytest.mark.parametrize(
    "template", ["data/{SYMBOL}.parquet", "data/../{YYYY}.parquet", "data/{YYYY.parquet", "a\0{MM}"]
)
def test_what_is_no_template_is_refused(tmp_path, template):
    with pytest.raises(DataError, match="not a template"):
        files_of(Settings(tmp_path), template)


def test_a_template_in_place_of_a_path_takes_a_mapping_or_a_specs_columns(home, tmp_path):
    write(home, "equities_min", equities())
    template = TEMPLATE.format(name="equities_min")
    one = bring(home, "parquet", template, options={"tz": "America/New_York"}, source="one")
    spec = str(a_spec(tmp_path))
    other = bring(home, "parquet", template, options={"spec": spec}, source="other")
    assert one.n_new == other.n_new == 6
    assert stored(home, "equities_min", "one").equals(stored(home, "equities_min", "other"))


# ---------------------------------------------------------------- times and types


@pytest.mark.parametrize(
    "cast",
    [
        pl.col("datetime").dt.replace_time_zone("America/New_York"),
        pl.col("datetime").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC"),
        pl.col("datetime").dt.cast_time_unit("ns"),
        pl.col("datetime").dt.to_string("%Y-%m-%d %H:%M:%S"),
        pl.col("datetime").dt.to_string("%Y-%m-%dT%H:%M:%S-05:00"),
    ],
    ids=["zoned", "utc", "naive", "text", "offset"],
)
def test_times_of_every_common_kind_mean_the_same(home, tmp_path, cast):
    write(home, "equities_min", equities(symbols=("SPY",)).with_columns(cast.alias("datetime")))
    bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))
    assert stored(home, "equities_min")["start"][0] == dt.datetime(2023, 3, 1, 14, 30, tzinfo=dt.UTC)


def test_window_starts_are_nanoseconds_and_other_numbers_need_their_unit(home):
    moment = pl.col("datetime").dt.replace_time_zone("America/New_York")

    def numbered(unit, name):
        rows = equities(symbols=("SPY",)).with_columns(moment.dt.epoch(unit).alias(name)).drop("datetime")
        return write(home, "equities_min", rows)

    bring(home, "parquet", numbered("ns", "window_start"))
    assert stored(home, "equities_min", "parquet")["start"][0] == dt.datetime(
        2023, 3, 1, 14, 30, tzinfo=dt.UTC
    )
    path = numbered("ms", "ts")
    with pytest.raises(DataError, match=r"ts holds numbers\. Say what they are with --time-unit"):
        bring(home, "parquet", path)
    again = bring(home, "parquet", path, options={"time_unit": "ms"})
    assert (again.n_rows, again.n_new, again.n_replaced) == (3, 0, 0)


def test_times_without_a_zone_ask_for_one(home):
    path = write(home, "equities_min", equities())
    with pytest.raises(DataError, match="times without a zone"):
        bring(home, "parquet", path)


def test_numbers_of_other_widths_and_categories_are_taken_and_text_is_not(home, tmp_path):
    rows = equities().with_columns(
        pl.col("open", "high", "low", "close").cast(pl.Float32), pl.col("ticker").cast(pl.Categorical),
        pl.col("volume").cast(pl.UInt32),
    )  # fmt: skip
    write(home, "equities_min", rows)
    assert bring(home, "parquet", a_spec(tmp_path, ("equities_min",))).n_new == 6
    write(home, "equities_min", equities().with_columns(pl.lit("abc").alias("volume")))
    with pytest.raises(DataError, match="row 1: volume: 'abc' is not a number"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))
    write(home, "equities_min", equities().with_columns(pl.lit(b"\xff\xfe").alias("ticker")))
    with pytest.raises(DataError, match="column 'ticker' holds bytes that are not UTF-8"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))


def test_a_bar_twice_and_a_bar_out_of_order_are_refused(home, tmp_path):
    write(home, "equities_min", pl.concat([equities(), equities(symbols=("SPY",), n=1)]))
    with pytest.raises(DataError, match=r"row 7: bars out of order"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))


@pytest.mark.parametrize(
    ("column", "value"),
    [("expiration", dt.date(2023, 3, 24)), ("underlying", "QQQ"), ("ticker", "O:SPY230317X00390000")],
)
def test_a_ticker_and_columns_beside_it_name_one_contract(home, tmp_path, column, value):
    write(home, "options_min", options().with_columns(pl.lit(value).alias(column)))
    with pytest.raises(DataError, match=r"different contracts|not an OPRA ticker"):
        bring(home, "parquet", a_spec(tmp_path, ("options_min",)))


def test_contracts_without_a_ticker_come_from_their_columns(home):
    rows = options().drop("ticker", "underlying").with_columns(
        pl.Series("strike", [390.0, 390.0, 410.0]), pl.Series("type", ["P", "put", "C"]), pl.lit("spy").alias("symbol")
    )  # fmt: skip
    path = write(home, "options_min", rows)
    bring(home, "parquet", path, options={"tz": "America/New_York"})
    found = stored(home, "options_min", "parquet")
    assert found.select("symbol", "strike", "is_call").unique(maintain_order=True).rows() == [
        ("SPY", 390.0, False), ("SPY", 410.0, True),
    ]  # fmt: skip


def test_minutes_of_quotes_go_beside_the_trades(home):
    sides = {
        f"{side}_{part}": pl.lit(price) for side, price in (("bid", 1.0), ("ask", 1.2)) for part in PRICES
    }
    traded = pl.int_range(pl.len()) != 1
    rows = options().with_columns(
        *(pl.when(traded).then(pl.col(name)).alias(name) for name in PRICES), **sides
    )
    bring(home, "parquet", write(home, "options_min", rows), options={"tz": "America/New_York"})
    assert len(stored(home, "options_min", "parquet")) == 2
    assert len(stored(home, "options_quotes_min", "parquet")) == 3


def test_a_days_snapshot_keeps_quotes_open_interest_and_the_vendors_numbers(home):
    rows = pl.DataFrame({
        "date": [DAY] * 2, "ticker": ["SPY230317P00390000", "SPY230317C00410000"],
        "bid": [0.0, 1.9], "ask": [0.05, 2.0],
        "open_interest": [5, 7], "iv": [0.2, 0.21], "delta": [-0.1, 0.4], "underlying": [400.1, 400.1],
    })  # fmt: skip
    bring(home, "parquet", write(home, "options_daily", rows))
    names = ("bid_close", "ask_close", "open_interest", "implied_volatility", "delta", "underlying")
    found = stored(home, "options_daily", "parquet")
    assert found.select(names).row(0) == (0.0, 0.05, 5.0, 0.2, -0.1, 400.1)
    # the session of 1 March 2023 opens at 09:30 New York, 14:30 UTC
    assert found["start"].unique().to_list() == [dt.datetime(2023, 3, 1, 14, 30, tzinfo=dt.UTC)]


def test_an_underlying_that_is_a_price_names_no_contract_even_where_the_price_stands_twice(home):
    rows = options().head(1).drop("underlying").rename({"datetime_et": "date"}).with_columns(
        bid=pl.lit(1.0), ask=pl.lit(1.2), underlying=pl.lit(400.0), underlying_price=pl.lit(400.1),
    )  # fmt: skip
    bring(home, "parquet", write(home, "options_daily", rows))
    assert stored(home, "options_daily", "parquet").select("symbol", "underlying").rows() == [("SPY", 400.1)]
    of_columns = rows.drop("ticker").with_columns(strike=pl.lit(390.0), type=pl.lit("put"))
    bring(home, "parquet", write(home, "options_daily", of_columns), options={"symbol": "SPY"})
    assert len(stored(home, "options_daily", "parquet")) == 1


# ---------------------------------------------------------------- hostile files, preview, memory


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all, but long enough to be one" * 9])
def test_what_is_no_parquet_is_one_line(home, content):
    path = home / "equities_min/x.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match="no parquet file, or a damaged one"):
        bring(home, "parquet", path)


def test_a_file_cut_off_in_its_rows_is_one_line_and_leaves_nothing(home, tmp_path):
    path = write(home, "equities_min", equities(n=380))
    raw = path.read_bytes()
    path.write_bytes(raw[:4] + bytes(len(raw) // 2) + raw[4 + len(raw) // 2 :])
    with pytest.raises(ArgusError, match=r"2023-03-01\.parquet"):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)))
    assert catalog.series(Settings(home)) == []


def test_nested_columns_are_refused_by_name(home):
    path = home / "equities_min/x.parquet"
    path.parent.mkdir(parents=True)
    prices = {"open": [[1.0]], "high": [1.0], "low": [1.0], "close": [1.0]}
    table = pa.table({"ticker": ["SPY"], "ts": ["2023-03-01T14:30Z"], **prices})
    pq.write_table(table, path)
    with pytest.raises(DataError, match="column 'open' holds List"):
        bring(home, "parquet", path)


def test_a_preview_tells_series_rows_and_columns_and_stores_nothing(home, tmp_path):
    write(home, "equities_min", equities())
    write(home, "options_min", options())
    spec = a_spec(tmp_path)
    found = preview(Settings(home), "parquet", spec, now=NOW)
    assert [(s.symbol, s.kind, s.n_rows) for s in found.series] == [
        ("QQQ", "equity", 3), ("SPY", "equity", 3), ("SPY", "option", 3),
    ]  # fmt: skip
    assert (found.source, found.is_whole, found.faults) == ("polygon", True, ())
    assert found.columns[:2] == ("ticker", "datetime")
    assert guess_format(home / "processed") == guess_format(spec) == "parquet"
    assert not (home / "market").exists()


def test_a_fault_is_in_the_preview_with_its_row(home):
    path = write(home, "equities_min", equities().with_columns(pl.lit(0.0).alias("low")))
    found = preview(Settings(home), "parquet", path, options={"tz": "UTC"}, now=NOW)
    assert found.faults[0].startswith("2023-03-01.parquet, row 1: price is zero or negative")


def test_rows_are_numbered_through_all_batches_of_a_file(home, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 50)
    rows = equities(n=380, symbols=("SPY",)).with_columns(
        pl.when(pl.int_range(pl.len()) == 320).then(0.0).otherwise("close").alias("close")
    )
    with pytest.raises(DataError, match="row 321: price is zero or negative"):
        bring(home, "parquet", write(home, "equities_min", rows), options={"tz": "America/New_York"})


@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_cancelled_import_was_never_there(home, tmp_path, at):
    for day in (DAY, dt.date(2023, 3, 2)):
        write(home, "equities_min", equities(day), day)
    asked = iter(range(1000))
    with pytest.raises(ImportCancelled):
        bring(home, "parquet", a_spec(tmp_path, ("equities_min",)), cancelled=lambda: next(asked) >= at)
    assert catalog.series(Settings(home)) == []
    assert not list((home / "market").rglob("*.parquet"))


def test_flags_of_the_command_line(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(home))
    path = write(home, "mine", equities(symbols=("SPY",)))
    flags = ["--tz", "America/New_York", "--source", "mine", "--map", "volume=transactions"]
    assert main(["data", "import", "parquet", str(path), "--json", *flags]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["series"][0]["n_rows"] == 3
    assert stored(home, "equities_min", "mine")["volume"].to_list() == [7.0] * 3
    assert main(["data", "import", "parquet", str(path), "--time-format", "%d"]) == 2
    assert "--time-format: for csv and calls only" in capsys.readouterr().err


# ---------------------------------------------------------------- runs


def test_a_run_says_how_to_bring_its_processed_files_in_and_then_finds_them(
    home, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("ARGUS_HOME", str(home))
    for day in (DAY, dt.date(2023, 3, 2)):
        write(home, "equities_min", equities(day, n=390, symbols=("SPY",)), day)
    data = {
        "source": "polygon_flat", "paths": {"equities_min": TEMPLATE.format(name="equities_min")},
        "columns": {"equities": EQUITIES},
    }  # fmt: skip
    spec = tmp_path / "hold.json"
    spec.write_text(
        json.dumps({"name": "Hold", "slug": "hold", "universe": ["SPY"], "timeframe": "1h", "data": data})
    )
    assert main(["run", str(spec)]) == 2
    err = capsys.readouterr().err
    assert "SPY: source polygon has no bars of it, but 2 processed files of data.paths are there" in err
    assert "`python -m engine data import parquet FILE`" in err
    assert main(["data", "import", "parquet", str(spec)]) == 0
    assert main(["run", str(spec), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["total_return"] is not None


def test_without_processed_files_a_run_says_what_it_always_said(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(home))
    assert main(["run", str(a_spec(tmp_path))]) == 2
    assert "processed" not in capsys.readouterr().err
