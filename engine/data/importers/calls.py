"""A CSV of trade calls, as a signal service or a trader's notebook writes them.

Columns are found by the names people use (NAMES), or by a mapping: {"time": "Sent at", "stop": "SL"}. The file is
read leniently and reported strictly: every line is kept with a verdict (taken, repaired, refused) and the reason.
"""

from __future__ import annotations

import csv
import io
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from engine.core.errors import DataError
from engine.data.importers.call_rows import Row, read_row
from engine.data.importers.call_times import Clock, checked_form

_FIVE = range(1, 6)
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "datetime", "timestamp", "date time", "time utc", "sent", "sent at", "signal time", "posted",
             "open time"),
    "date": ("date", "day"),
    "symbol": ("symbol", "pair", "instrument", "asset", "ticker", "market", "currency pair", "item"),
    "action": ("action", "side", "direction", "signal", "type", "buy sell", "command"),
    "order": ("order", "order type", "type", "entry type"),
    "entry": ("entry", "price", "entry price", "entry range", "entry zone", "open price", "zone"),
    "entry_low": ("entry low", "entry from", "entry 1", "zone low"),
    "entry_high": ("entry high", "entry to", "entry 2", "zone high"),
    "stop": ("stop", "sl", "stop loss", "stoploss", "s l"),
    "targets": ("targets", "tp", "target", "take profit", "tps", "take profits", "t p"),
    **{f"target_{n}": (f"target {n}", f"tp{n}", f"tp {n}", f"target{n}", f"take profit {n}") for n in _FIVE},
    **{f"share_{n}": (f"share {n}", f"tp{n} share", f"close {n}", f"tp{n} pct", f"share{n}") for n in _FIVE},
    "expires": ("expires", "expiry", "expiration", "valid", "valid for", "valid until", "good till", "expires at"),
}  # fmt: skip
"""Names under which each field is found, in small letters with blanks for anything that is not a letter or digit."""

FIELDS = tuple(NAMES)
NEEDED = ("time", "symbol", "action")
MOST_BYTES, MOST_ROWS = 20_000_000, 200_000
UTC = zoneinfo.ZoneInfo("UTC")
_UTC_NAMES = ("UTC", "GMT", "UCT", "ZULU", "UNIVERSAL")
_IN_UTC = re.compile(
    r"(?:^|[\s_(\[])(?:utc|gmt)[)\]]?\s*$"  # Time (UTC), sent_gmt; not GMT/BST, not UTC+2
    r"|^(?:utc|gmt)[\s_]+[a-z]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CallOptions:
    """What the file does not say itself: map (field -> column), tz of times without an offset, time_format."""

    map: Mapping[str, str] | None = None
    tz: str | None = None
    time_format: str | None = None


@dataclass(frozen=True)
class CallFile:
    """A file of calls, read. columns: field -> column; unused: columns that say nothing here; rows in file order.

    header : names of all columns. is_whole: no row was left unread.
    """

    name: str
    sha256: str
    columns: dict[str, str]
    unused: tuple[str, ...]
    rows: tuple[Row, ...]
    header: tuple[str, ...] = ()
    is_whole: bool = True

    def count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)


@dataclass(frozen=True)
class _Table:
    """How the rows below a header are read. line: of the header; sent, ends: for times of calls and of their ends."""

    line: int
    header: list[str]
    columns: dict[str, str]
    sent: Clock
    ends: Clock


def read_calls(path: Path, options: CallOptions, most_rows: int | None = None) -> CallFile:
    """All rows of a file, or its first `most_rows`, with their verdicts.

    DataError where the file as a whole cannot be read.
    """
    _clock(options)  # what was typed is told before what the file says
    return parse_calls(_bytes(path), path.name, options, most_rows)


def read_header(path: Path) -> tuple[str, ...]:
    """Names of a file's columns, whatever stands before them; empty without one. DataError as `read_calls`."""
    _, names = next(_numbered(_text(_bytes(path), path.name), path.name), (0, []))
    return tuple(names)


def parse_calls(raw: bytes, name: str, options: CallOptions, most_rows: int | None = None) -> CallFile:
    """The same of the content of a file that is called `name`."""
    clock = _clock(options)
    lines = _lines(raw, name)
    (line, header), rest = lines[0], lines[1:][:most_rows]
    where = f"{name}, row {line}"
    columns = find_columns(header, options.map or {}, where)
    table = _Table(
        line,
        header,
        columns,
        _as_named(clock, [columns[field] for field in ("time", "date") if field in columns], where),
        Clock(UTC, clock.form) if _says_utc(columns.get("expires", "")) else clock,
    )
    rows = [_row(line, values, table) for line, values in rest]
    return CallFile(
        name,
        sha256(raw).hexdigest(),
        columns,
        tuple(_unused(header, columns)),
        tuple(_without_repeats(rows)),
        tuple(header),
        len(rest) == len(lines) - 1,
    )


def _unused(header: list[str], columns: Mapping[str, str]) -> Iterable[str]:
    """Columns that are not read; of several with one name the first is read, the others are told by their place."""
    for n, one in enumerate(header, 1):
        if one and header.index(one) < n - 1:
            yield f"{one} (column {n})"
        elif one and one not in columns.values():
            yield one


def _clock(options: CallOptions) -> Clock:
    """How times are read, as far as the options say it; DataError where they make no sense."""
    form = None if options.time_format is None else checked_form(options.time_format)
    return Clock(_zone(options.tz), form)


def _zone(name: str | None) -> zoneinfo.ZoneInfo | None:
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise DataError(f"time zone {name!r}: unknown. Write names such as Europe/London or UTC.") from None


def _as_named(clock: Clock, columns: Iterable[str], where: str) -> Clock:
    """UTC where a column of times says so in its name, as Time (UTC); DataError beside another zone."""
    for column in columns:
        if not _says_utc(column):
            continue
        if clock.zone is not None and clock.zone.key.rsplit("/", 1)[-1].upper() not in _UTC_NAMES:
            raise DataError(
                f"{where}: the column {column!r} is in UTC, and {clock.zone.key} was named with --tz. "
                "Leave the zone out, or give the column another name."
            )
        return Clock(UTC, clock.form)
    return clock


def _says_utc(column: str) -> bool:
    return _IN_UTC.search(column) is not None


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"{path}: not a file. Trade calls come as one CSV; name it.")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{path.name}: more than {MOST_BYTES // 1_000_000} MB, which is no list of trade calls."
        )
    return path.read_bytes()


def _lines(raw: bytes, name: str) -> list[tuple[int, list[str]]]:
    """(row it begins in, cells) of every call, the header first."""
    lines = []
    for line in _numbered(_text(raw, name), name):
        lines.append(line)
        if len(lines) > MOST_ROWS + 1:
            raise DataError(f"{name}: more than {MOST_ROWS:,} rows. Cut the file into parts.")
    if len(lines) < 2:
        raise DataError(f"{name}: no rows. The first names the columns, each other one is a call.")
    return lines


def _text(raw: bytes, name: str) -> str:
    if raw.startswith(b"PK"):
        raise DataError(f"{name}: a workbook or an archive, no text. Save the sheet as CSV UTF-8.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = raw[: error.start].count(b"\n") + 1
        raise DataError(f"{name}, row {at}: not UTF-8 text. Save the file as CSV UTF-8.") from None


def _numbered(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The same one by one. Empty lines and Excel's `sep=;` before the header count as rows, and are none."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    named = re.fullmatch(r"sep=(.)", first.strip().strip('"'))  # Excel's way to name the separator
    delimiter = named[1] if named else max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins, is_header_read = 1, False
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1  # a cell may hold line breaks
            is_mark = named is not None and not is_header_read and cells[:1] and cells[0].startswith("sep=")
            if is_header_read or (any(cell.strip() for cell in cells) and not is_mark):
                is_header_read = True
                yield line, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(f"{name}, row {begins}: {error}. Save it as plain CSV.") from None


def find_columns(header: list[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Field -> column of the file. DataError where a column is named twice, or one that is needed is not there."""
    for field, column in mapping.items():
        if field not in NAMES:
            raise DataError(f"field of --map {field!r}: unknown. Allowed: {', '.join(FIELDS)}.")
        if column not in header:
            raise DataError(f"{where}: no column {column!r} for {field}. Columns: {', '.join(header)}.")
    found = matched(header, mapping)
    if absent := [field for field in NEEDED if field not in found]:
        raise DataError(
            f"{where}: no column for {', '.join(absent)}. Columns: {', '.join(header)}. "
            f"Name them with --map {absent[0]}=COLUMN."
        )
    return found


def matched(header: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Field -> column, by the mapping and else by the names that people use."""
    header, found = list(header), dict(mapping)
    plain = {re.sub(r"[^a-z0-9]+", " ", one.lower()).strip(): one for one in reversed(header)}
    for field, names in NAMES.items():
        there = [plain[n] for n in names if n in plain and plain[n] not in found.values()]
        if field not in found and there:
            found[field] = there[0]
    for field, other in (("time", "date"), ("action", "order")):  # a column of both under the name of one
        if other in found and field not in found:
            found[field] = found.pop(other)
    return {field: found[field] for field in FIELDS if field in found}


def _row(line: int, values: list[str], table: _Table) -> Row:
    text, header = ", ".join(values), table.header
    if not any(values):
        return Row(line, text, "refused", ("empty row",))
    if len(values) > len(header) and any(values[len(header) :]):
        said = f"{len(values)} cells where row {table.line} names {len(header)}"
        return Row(line, text, "refused", (said,))
    at = {name: n for n, name in reversed(list(enumerate(header)))}
    found = {field: values[at[column]] for field, column in table.columns.items() if at[column] < len(values)}
    row = read_row(line, text, found, table.sent, table.ends)
    if len(values) < len(header) and row.call is not None:
        said = f"the row ends after {len(values)} of {len(header)} cells"
        row = replace(row, verdict="repaired", notes=(*row.notes, said))
    return row


def _without_repeats(rows: list[Row]) -> list[Row]:
    """A call that stands there twice is taken once."""
    seen: dict[str, int] = {}
    kept = []
    for row in rows:
        first = seen.setdefault(repr(row.call), row.line) if row.call is not None else row.line
        if first != row.line:
            row = replace(row, verdict="refused", notes=(f"the same call as in row {first}",), call=None)
        kept.append(row)
    return kept
