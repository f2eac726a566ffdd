"""CSV text to typed columns: the fast way when all is well, the exact row and column when it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from engine.core.errors import DataError
from engine.data.quality import EARLIEST, LATEST, fail
from engine.data.streams import Block

_WORDS = {pl.Float64: "a number", pl.Int64: "a whole number", pl.String: "text"}
_STAMP = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2})(:\d{2})?(\.\d{1,9})?)? ?(Z|[+-]\d{2}:?\d{2})?$"


def typed(
    block: Block, columns: Mapping[str, type[pl.DataType]], where: str, *, quote: str | None = None
) -> pl.DataFrame:
    """Rows of a header-less block as `columns` (name -> dtype, in the order of the file) plus `line`.

    Empty cells are null. DataError naming row and column where a cell is not of its type.
    """
    options = {
        "has_header": False,
        "quote_char": quote,
        "row_index_name": "line",
        "row_index_offset": block.line,
    }
    try:
        frame = pl.read_csv(block.text, schema=dict(columns), **options)  # type: ignore[arg-type]
    except pl.exceptions.PolarsError:
        raise _explain(block, columns, where, quote) from None
    if len(frame) != block.text.count(10):
        raise fail(where, block.line, "a quoted cell runs over a line's end; write one row a line")
    return frame.with_columns(pl.col("line").cast(pl.Int64))


def _explain(
    block: Block, columns: Mapping[str, type[pl.DataType]], where: str, quote: str | None
) -> DataError:
    """Find the first row that cannot be read as `columns`."""
    try:
        raw = pl.read_csv(
            block.text, has_header=False, quote_char=quote, schema=dict.fromkeys(columns, pl.String)
        )
    except pl.exceptions.PolarsError:
        for i, text in enumerate(block.text.splitlines()):
            if text.count(b",") >= len(columns):
                n = text.count(b",") + 1
                return fail(
                    where,
                    block.line + i,
                    f"{n} cells; there are {len(columns)} columns ({', '.join(columns)})",
                )
        return fail(where, block.line, "not readable as CSV")
    first: tuple[int, str, str] | None = None
    for name, dtype in columns.items():
        cells = raw[name].str.strip_chars()
        bad = (cells.cast(dtype, strict=False).is_null() & cells.is_not_null()).arg_true()
        if len(bad) and (first is None or bad[0] < first[0]):
            first = (int(bad[0]), name, f"{cells[int(bad[0])][:40]!r} is not {_WORDS.get(dtype, str(dtype))}")
    if first is None:
        return fail(where, block.line, "not readable as CSV")
    return fail(where, block.line + first[0], f"{first[1]}: {first[2]}")


def stamps(frame: pl.DataFrame, where: str, zone: str | None) -> pl.DataFrame:
    """Text column `start` (ISO date and time, perhaps with an offset) as time.

    With offsets the result is UTC; without them it is a clock reading of `zone` still to be converted
    (`quality.to_utc`). DataError for text that is no time, and for naive times when `zone` is None.
    """
    groups = pl.col("start").str.strip_chars().str.extract_groups(_STAMP)
    frame = frame.with_columns(
        groups.struct.rename_fields(["day", "minute", "second", "part", "offset"]).alias("_g")
    )
    part = {name: pl.col("_g").struct.field(name) for name in ("day", "minute", "second", "part", "offset")}
    text = pl.concat_str(
        part["day"],
        pl.lit("T"),
        part["minute"].fill_null("00:00").str.zfill(5),
        part["second"].fill_null(":00"),
        part["part"].fill_null(".0"),
    )
    naive = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ns", strict=False)
    frame = frame.with_columns(
        naive.alias("_t"), part["offset"].alias("_o"), part["minute"].is_null().alias("_d")
    )
    bad = frame.filter(pl.col("_t").is_null())
    if len(bad):
        row = bad.row(0, named=True)
        raise fail(
            where,
            row["line"],
            f"time {str(row['start'])[:40]!r} is not like 2023-10-04 09:30:00 or 2023-10-04T13:30Z",
        )
    year = part["day"].str.slice(0, 4).cast(pl.Int32)
    ages = frame.filter(~year.is_between(EARLIEST.year, LATEST.year - 1))
    if len(ages):  # nanoseconds overflow: a year of 1024 has become one of 2193
        row = ages.row(0, named=True)
        raise fail(
            where, row["line"], f"time {row['start'][:40]!r} is outside {EARLIEST.year}..{LATEST.year}"
        )
    zoned = frame["_o"].is_not_null()
    if zoned.any() and not zoned.all():
        line = frame.filter(pl.col("_o").is_null())["line"][0]
        raise fail(where, line, "a time without offset among times with one; write all alike")
    if zoned.any():
        moment = pl.col("_t").dt.replace_time_zone("UTC") - _offset(pl.col("_o"))
        return frame.with_columns(moment.alias("start")).drop("_g", "_t", "_o", "_d")
    if zone is None:
        raise fail(
            where,
            frame["line"][0],
            "times without a zone; say which with --tz, such as --tz America/New_York",
        )
    return frame.with_columns(pl.col("_t").alias("start")).drop("_g", "_t", "_o", "_d")


def _offset(text: pl.Expr) -> pl.Expr:
    """`+05:30`, `-0400` or `Z` as a duration."""
    digits = text.str.replace_all("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    minutes = digits.str.slice(1, 2).cast(pl.Int64) * 60 + digits.str.slice(3, 2).cast(pl.Int64)
    return pl.duration(
        minutes=pl.when(digits.str.starts_with("-")).then(-minutes).otherwise(minutes), time_unit="ns"
    )


def header(line: bytes, where: str) -> list[str]:
    """Names of a header row; DataError when they are empty or repeat."""
    names = [name.strip().strip('"') for name in line.decode("utf-8").rstrip("\r\n").split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise DataError(
            f"{where}, row 1: the header has empty or repeated names. Every column needs a name of its own."
        )
    if all(re.fullmatch(r"[\d.:\- ]*", name) for name in names):
        raise DataError(f"{where}, row 1: no header. The first row must name the columns.")
    return names
