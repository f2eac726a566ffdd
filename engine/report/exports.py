"""CSV that a spreadsheet cannot be made to run."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
_FORMULA = r"^[=+\-@\t\r\n]"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def neutralised(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before each text that a spreadsheet would take for a formula.

    Numbers stay as they are, also where they are written as text: -5.2 is no formula.
    """
    text = cs.string() | cs.categorical()
    column = text.cast(pl.String)
    is_formula = column.str.contains(_FORMULA) & ~column.str.contains(_NUMBER)
    safe = frame.with_columns(pl.when(is_formula).then(pl.lit("'") + column).otherwise(column).name.keep())
    headers = pl.Series(safe.columns, dtype=pl.String)
    risky = headers.str.contains(_FORMULA)
    return safe.rename({name: f"'{name}" for name in headers.filter(risky)})


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as UTF-8 CSV: a header, \\n after each row, instants as 2013-10-04T13:45:00Z.

    NaN and null are empty cells; floats keep every digit.
    """
    plain = neutralised(frame.with_columns(cs.float().fill_nan(None)))
    return plain.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.fZ", date_format="%Y-%m-%d").encode()
