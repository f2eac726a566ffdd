"""Processed files of a user's own pipeline, as a spec names them: path templates, column names, time zone.

    "paths":   {"options_min": "data/processed/options_min/{YYYY}/{MM}/{YYYY}-{MM}-{DD}.parquet"}
    "columns": {"options": {"ts": "datetime_et", "ticker": "ticker", "close": "close"}}

A relative template is looked up in the workspace (its first element `data` is the workspace itself), then below the
current directory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.core.spec import DataSpec
from engine.core.spec_text import read_spec
from engine.data.schemas import PLURALS, parse_dataset

_DIGITS = {"{YYYY}": r"\d{4}", "{MM}": r"\d{2}", "{DD}": r"\d{2}"}
_EXAMPLE = "data/processed/equities_min/{YYYY}/{MM}/{YYYY}-{MM}-{DD}.parquet"


@dataclass(frozen=True)
class Processed:
    """What a spec says. paths: template by dataset. columns: field -> column, by dataset or plural of a kind.

    source : its name in the store; None where the spec leaves it open. tz: of naive times.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tz: str | None = None
    source: str | None = None

    @staticmethod
    def of(data: DataSpec) -> Processed:
        """Checked names; DataError for what is no dataset."""
        for name in data.paths:
            parse_dataset(name)
        for name in data.columns:
            if name not in PLURALS.values():
                parse_dataset(name)
        return Processed(data.paths, data.columns, data.tz, None if data.source == "auto" else data.source)

    def columns_of(self, dataset: str) -> Mapping[str, str]:
        """Names of a dataset's columns: its own, else those of its kind."""
        kind, _, _ = parse_dataset(dataset)
        return self.columns.get(dataset) or self.columns.get(PLURALS[kind]) or {}


def read_processed(path: Path) -> Processed:
    """What the spec in a file says. Errors as `read_spec`."""
    spec, _ = read_spec(path)
    return Processed.of(spec.data)


def is_template(path: Path | str) -> bool:
    return "{" in str(path)


def files_of(settings: Settings, template: str) -> list[Path]:
    """The files that a template means, in order of their names; DataError for what is no template."""
    pattern = _pattern(template)
    posix = PurePosixPath(template.replace("\\", "/"))
    if posix.is_absolute():
        return _below(Path("/"), posix.relative_to("/"), pattern, Path(template))
    inside = PurePosixPath(*posix.parts[1:]) if posix.parts[:1] == ("data",) else posix
    for root, relative in ((settings.home, inside), (Path(), posix)):
        if found := _below(root, relative, _pattern(str(relative)), Path(template)):
            return found
    return []


def _pattern(template: str) -> re.Pattern[str]:
    """A file's path as the template writes it; the same placeholder means the same digits each time."""
    plain = template.replace("\\", "/")
    parts = re.split(r"(\{[^{}]*\})", plain)
    known = all(part in _DIGITS for part in parts[1::2])
    if not known or ".." in PurePosixPath(plain).parts or "\0" in plain or "{" in "".join(parts[::2]):
        raise DataError(
            f"path {template!r}: not a template. Write {{YYYY}}, {{MM}} and {{DD}} for year, month and day, such as "
            f"{_EXAMPLE}."
        )
    seen: set[str] = set()
    said = []
    for i, part in enumerate(parts):
        name = part.strip("{}")
        if i % 2 == 0:
            said.append(re.escape(part))
        elif part in seen:
            said.append(f"(?P={name})")
        else:
            said.append(f"(?P<{name}>{_DIGITS[part]})")
            seen.add(part)
    return re.compile("".join(said))


def _below(root: Path, relative: PurePosixPath, pattern: re.Pattern[str], shown: Path) -> list[Path]:
    """Files below `root` whose path fits. Only folders that the template itself names are looked into."""
    glob = re.sub(r"\{[^{}]*\}", "*", str(relative))
    prefix = "/" if str(pattern.pattern).startswith("/") else ""
    try:
        return sorted(
            path
            for path in root.glob(glob)
            if path.is_file() and pattern.fullmatch(prefix + path.relative_to(root).as_posix())
        )
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror or error}. Name files that Argus may read.") from error
