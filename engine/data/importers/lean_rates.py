"""LEAN's interest rates: `alternative/interest-rate/<country>/interest-rate.csv`, the primary credit rate by date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import DataError
from engine.data.importers.job import Request, Transaction
from engine.data.streams import sha256_of
from engine.options.rates import read_rates

FILE = "interest-rate.csv"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,39}")
_MAX_BYTES = 4 << 20  # a line a change: decades are some kilobytes


@dataclass(frozen=True)
class RateFile:
    """One file of rates; `kind` tells it from files of bars."""

    path: Path

    kind = "rate"


def find(request: Request) -> list[RateFile]:
    """Files of dollar rates below the path: LEAN has other countries' beside `usa`. A file named itself counts."""
    found = [path.resolve() for path in request.files(FILE) if path.name.lower() == FILE]
    return [RateFile(path) for path in found if path.parent.name.lower() == "usa" or request.path.is_file()]


def read(file: RateFile, into: Transaction) -> None:
    """rates/<name>.parquet, every line checked; the name is the heading of the column."""
    path, meter = file.path, into.request.meter
    meter.step(path.stat().st_size, "interest rates")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path}: larger than {_MAX_BYTES >> 20} MB; this is no file of interest rates.")
    rates = read_rates(path)
    if not _NAME.fullmatch(rates.name):
        raise DataError(
            f"{path}, line 1: {rates.name!r} names no rate. Write a heading such as DATE,PCREDIT8."
        )
    into.add_rates(rates)
    into.record("/".join(path.parts[-4:]), sha256_of(path), len(rates.day))
