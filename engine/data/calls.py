"""Sets of trade calls in the workspace: `calls/NAME.parquet`, every line of the file with its verdict.

A set is replaced whole by the next import under its name; runs are not touched, since their packs hold the values.
One name is the demo market's, and no import takes it: made-up calls are never taken for somebody's.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.calls import ACTIONS, MOST_TARGETS, Calls
from engine.core.durable import sync_folder, write_atomically
from engine.core.errors import DataError, NotFound
from engine.core.settings import Settings
from engine.core.slugs import slug_of
from engine.data.importers.call_rows import Row
from engine.data.importers.calls import CallFile

LEVELS = [f"{name}_{n}" for name in ("target", "share") for n in range(1, MOST_TARGETS + 1)]
SCHEMA: dict[str, Any] = {
    "row": pl.Int32, "verdict": pl.String, "notes": pl.String, "text": pl.String,
    "at": pl.Datetime("ns", "UTC"), "symbol": pl.String, "action": pl.String,
    "low": pl.Float64, "high": pl.Float64, "stop": pl.Float64, **dict.fromkeys(LEVELS, pl.Float64),
    "expires_at": pl.Datetime("ns", "UTC"),
}  # fmt: skip
ABOUT = "argus"
MADE_UP = "synthetic"
"""The set that belongs to the demo market, as the source SYNTHETIC does."""


@dataclass(frozen=True)
class CallSet:
    """One imported file. unused: columns that say nothing here; first, last: UTC, None without a call."""

    name: str
    file: str
    sha256: str
    tz: str | None
    columns: dict[str, str]
    unused: tuple[str, ...]
    n_rows: int
    n_taken: int
    n_repaired: int
    n_refused: int
    symbols: tuple[str, ...]
    first: str | None
    last: str | None
    imported_at: str

    @property
    def is_synthetic(self) -> bool:
        return self.name == MADE_UP


def rows_frame(rows: tuple[Row, ...]) -> pl.DataFrame:
    """Rows of a file with the columns of SCHEMA, in the order of the file; null where a call names nothing."""
    return pl.DataFrame([_plain(row) for row in rows], schema=SCHEMA, orient="row")


def _plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = dict.fromkeys(SCHEMA)
    plain |= {"row": row.line, "verdict": row.verdict, "notes": "; ".join(row.notes), "text": row.text}
    call = row.call
    if call is not None:
        plain |= {"at": call.at, "symbol": call.symbol, "action": ACTIONS[call.action]}
        plain |= {name: _known(getattr(call, name)) for name in ("low", "high", "stop")}
        for n, (price, share) in enumerate(zip(call.targets, call.shares, strict=True), 1):
            plain[f"target_{n}"], plain[f"share_{n}"] = price, _known(share)
        plain["expires_at"] = call.expires_at or None
    return plain


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def about(name: str, found: CallFile, tz: str | None, now: dt.datetime) -> CallSet:
    """What a set of a read file is."""
    calls = [row.call for row in found.rows if row.call is not None]
    times = [dt.datetime.fromtimestamp(call.at // 1_000_000_000, dt.UTC).isoformat() for call in calls]
    return CallSet(
        name=checked_name(name),
        file=found.name,
        sha256=found.sha256,
        tz=tz,
        columns=found.columns,
        unused=found.unused,
        n_rows=len(found.rows),
        n_taken=found.count("taken"),
        n_repaired=found.count("repaired"),
        n_refused=found.count("refused"),
        symbols=tuple(sorted({call.symbol for call in calls})),
        first=min(times, default=None),
        last=max(times, default=None),
        imported_at=now.isoformat(timespec="seconds"),
    )


def checked_name(name: str) -> str:
    """The name of a set; DataError where it is none."""
    if not name or slug_of(name) != name:
        raise DataError(
            f"set of calls {name!r}: not a name. Write small letters, digits and '_', such as "
            f"{slug_of(name) or 'calls'}."
        )
    return name


def import_name(name: str) -> str:
    """The name of a set that is imported; DataError where it is none, or the demo market's."""
    if name == MADE_UP:
        raise DataError(f"set of calls {name!r}: belongs to the demo market. Choose another name.")
    return checked_name(name)


def save_calls(settings: Settings, name: str, found: CallFile, tz: str | None, now: dt.datetime) -> CallSet:
    """Keep a read file as the set `name`. DataError where no row of it was understood, which is a wrong mapping."""
    return _save(settings, about(import_name(name), found, tz, now), found)


def save_made_up(settings: Settings, found: CallFile, now: dt.datetime) -> CallSet:
    """Keep the demo market's calls, in the place of those that it had."""
    return _save(settings, about(MADE_UP, found, None, now), found)


def _save(settings: Settings, made: CallSet, found: CallFile) -> CallSet:
    if made.n_rows == made.n_refused:
        first = found.rows[0]
        raise DataError(
            f"{found.name}: none of {made.n_rows} rows is a call; row {first.line}: {first.notes[0]}. "
            "Look at it with --preview and name the columns with --map."
        )
    settings.calls.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    rows_frame(found.rows).write_parquet(buffer, metadata={ABOUT: json.dumps(asdict(made))})
    write_atomically(_path(settings, made.name), buffer.getvalue())
    sync_folder(settings.calls)
    return made


def call_sets(settings: Settings) -> list[CallSet]:
    """All sets, by name."""
    if not settings.calls.is_dir():
        return []
    return [_about(path) for path in sorted(settings.calls.glob("*.parquet"))]


def find_set(settings: Settings, name: str) -> CallSet:
    """The set of a name; NotFound tells which there are."""
    path = _path(settings, checked_name(name))
    if not path.is_file():
        there = ", ".join(path.stem for path in sorted(settings.calls.glob("*.parquet"))) or "none yet"
        cure = f"Import it with `data import calls FILE --source {name}`"
        cure = "It comes with the demo market: `data demo`" if name == MADE_UP else cure
        raise NotFound(f"calls {name!r}: no such set. There are: {there}. {cure}.")
    return _about(path)


def call_rows(settings: Settings, name: str) -> pl.DataFrame:
    """Every line of a set with its verdict, columns as in SCHEMA."""
    find_set(settings, name)
    return _readable(_path(settings, name), lambda path: pl.read_parquet(path))


def calls_of(frame: pl.DataFrame, name: str, symbol: str) -> Calls:
    """The rows of `call_rows` of a set that are calls, as calls on `symbol`, in order of time and row."""
    rows = frame.filter(pl.col("action").is_not_null()).sort("at", "row")
    numbers = rows.with_columns(pl.col("at", "expires_at").to_physical())
    action = numbers["action"].replace_strict(
        {name: i for i, name in enumerate(ACTIONS)}, return_dtype=pl.Int8
    )
    level = numbers.select(pl.col("low", "high", "stop", *LEVELS).fill_null(math.nan)).to_dict()
    targets, shares = (
        numbers.select(
            pl.col(f"{name}_{n}").fill_null(math.nan) for n in range(1, MOST_TARGETS + 1)
        ).to_numpy()
        for name in ("target", "share")
    )
    return Calls(
        name=name,
        symbol=symbol,
        at=numbers["at"].to_numpy(),
        row=numbers["row"].to_numpy(),
        action=action.to_numpy(),
        low=level["low"].to_numpy(),
        high=level["high"].to_numpy(),
        stop=level["stop"].to_numpy(),
        targets=targets,
        shares=shares,
        expires_at=numbers["expires_at"].fill_null(0).to_numpy(),
    )


def _path(settings: Settings, name: str) -> Path:
    return settings.calls / f"{name}.parquet"


def _about(path: Path) -> CallSet:
    tree = json.loads(_readable(path, lambda one: pl.read_parquet_metadata(one)[ABOUT]))
    return CallSet(**{**tree, "unused": tuple(tree["unused"]), "symbols": tuple(tree["symbols"])})


def _readable(path: Path, read: Any) -> Any:
    try:
        return read(path)
    except (OSError, KeyError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Import the calls again.") from error
