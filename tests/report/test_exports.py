"""CSV that a spreadsheet cannot be made to run."""

import csv
import datetime as dt
import io
import math

import polars as pl
import pytest

from engine.report.exports import csv_bytes


def written(frame):
    return list(csv.reader(io.StringIO(csv_bytes(frame).decode(), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start):
    cell = f"{start}cmd|' /C calc'!A0"
    assert written(pl.DataFrame({"name": [cell]})) == [["name"], ["'" + cell]]


def test_a_formula_in_a_header_is_neutralised_too():
    assert written(pl.DataFrame({'=HYPERLINK("x")': [1]}))[0] == ['\'=HYPERLINK("x")']


@pytest.mark.parametrize("cell", ["-5.2", "+3", "-.5", "-1e-9", "plain", "a=b", ""])
def test_numbers_and_plain_text_stay_as_they_are(cell):
    assert written(pl.DataFrame({"x": [cell], "y": [1]}))[1][0] == cell


@pytest.mark.parametrize("cell", ["-5.2\n=1+1", "-5-cmd", "+1+1", "-"])
def test_text_that_only_begins_like_a_number_is_neutralised(cell):
    assert written(pl.DataFrame({"x": [cell]}))[1][0] == "'" + cell


def test_negative_numbers_are_numbers_and_keep_every_digit():
    frame = pl.DataFrame({"x": [-0.1, 1 / 3, 1e-9], "n": [-1, 2, 3]})
    rows = written(frame)[1:]
    assert [float(row[0]) for row in rows] == frame["x"].to_list()
    assert rows[0] == ["-0.1", "-1"]


def test_undefined_is_an_empty_cell():
    assert written(pl.DataFrame({"x": [math.nan, None], "y": [1, 2]}))[1:] == [["", "1"], ["", "2"]]


def test_instants_are_utc_and_days_are_dates():
    frame = pl.DataFrame(
        {"at": [dt.datetime(2013, 10, 4, 13, 45, tzinfo=dt.UTC)], "on": [dt.date(2013, 10, 4)]}
    ).with_columns(pl.col("at").cast(pl.Datetime("ns", "UTC")))
    assert written(frame)[1] == ["2013-10-04T13:45:00Z", "2013-10-04"]


def test_categories_are_text_as_well():
    frame = pl.DataFrame({"x": pl.Series(["=1"], dtype=pl.Categorical)})
    assert written(frame)[1] == ["'=1"]


def test_an_empty_frame_is_its_header():
    assert csv_bytes(pl.DataFrame(schema={"a": pl.String, "b": pl.Float64})) == b"a,b\n"
