"""Where in a JSON text a value stands, so that an error can name its line."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r"[^\s,\]}]+")
Path = tuple[str, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Line (from 1) of every value by its path, names and places in lists alike; () is the whole text.

    A member of an object stands on the line of its name. The text must be JSON that `parse_json` takes.
    """
    found: dict[Path, int] = {}
    text = text.removeprefix("\ufeff")
    _value(text, 0, (), found)
    ends = [at for at, letter in enumerate(text) if letter == "\n"]
    return _numbered(found, ends)


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of a path, or of the nearest thing around it where it is not there (a missing field)."""
    for n in range(len(path), -1, -1):
        if path[:n] in lines:
            return lines[path[:n]]
    return None


def _numbered(offsets: dict[Path, int], ends: list[int]) -> dict[Path, int]:
    """Offsets as line numbers; they rise as they were found, so one pass over the line ends is enough."""
    found, line = {}, 0
    for path, at in offsets.items():
        while line < len(ends) and ends[line] < at:
            line += 1
        found[path] = line + 1
    return found


def _value(text: str, at: int, path: Path, found: dict[Path, int]) -> int:
    """Note the value at `at` and return where it ends."""
    at = _skip(text, at)
    found.setdefault(path, at)
    if text[at] == "{":
        return _members(text, at + 1, path, found)
    if text[at] == "[":
        return _items(text, at + 1, path, found)
    if text[at] == '"':
        return int(scanstring(text, at + 1, True)[1])
    plain = _PLAIN.match(text, at)
    return plain.end() if plain else at + 1


def _members(text: str, at: int, path: Path, found: dict[Path, int]) -> int:
    at = _skip(text, at)
    while text[at] != "}":
        start = at
        name, at = scanstring(text, at + 1, True)
        child = (*path, str(name))
        found.setdefault(child, start)
        at = _next(text, _value(text, _skip(text, at) + 1, child, found))
    return at + 1


def _items(text: str, at: int, path: Path, found: dict[Path, int]) -> int:
    at, n = _skip(text, at), 0
    while text[at] != "]":
        at = _next(text, _value(text, at, (*path, str(n)), found))
        n += 1
    return at + 1


def _next(text: str, at: int) -> int:
    """Past a comma to what follows, or at the closing bracket."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
