"""Each page of docs/strategies says what its specs say: name, bars, size of the grid, defaults, and what is swept.

A cell of a table holds a value or list for every name of its row, parted by "; " where the names differ; "a to b" is a
span. On a page of two specs `shares` or `options` before a part says whose it is.
"""

import re
from pathlib import Path

import pytest

from engine.core.spec_text import load_spec
from engine.signals.logic import named_logic
from engine.sweep.grid import Grid

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "strategies").glob("*.md"))
HEAD = re.compile(r"^`specs/(\w+)\.json` · ([^·]+) · ([^·]+) · ([\d,]+) configs in its grid", re.MULTILINE)
ROW = re.compile(r"^\| (`[^|]+) \| [^|]+ \| ([^|]*) \| ?([^|]*) ?\|$", re.MULTILINE)
BARS = {"1min": "minutes", "5min": "five minutes", "1h": "hours", "1D": "days"}
HEADINGS = ["Rules", "Parameters", "What it needs", "What kills it"]


def ids(page):
    return page.stem


def specs_of(text):
    return {name: load_spec(ROOT / "specs" / f"{name}.json") for name, *_ in HEAD.findall(text)}


def rows(text):
    """(names, defaults, grids) of the table; `.method` stands beside the name before it."""
    for names, default, grid in ROW.findall(text):
        full = []
        for name in re.findall(r"`([^`]+)`", names):
            full.append(full[0].rpartition(".")[0] + name if name.startswith(".") else name)
        yield full, default.strip(), grid.strip()


def of_kind(cell, kind, is_alone):
    """The parts of a cell that are about shares or options; all of them on a page of one spec."""
    parts = [part for part in cell.split("; ") if part]
    if is_alone:
        return parts
    own = [part.removeprefix(f"{kind} ") for part in parts if part.startswith(f"{kind} ")]
    return own or [part for part in parts if not part.startswith(("shares ", "options "))]


def value(text):
    """As JSON would have it: 0.40 is 0.4, `none` is None, 10:30 a time."""
    known = {"true": True, "false": False, "none": None}
    if text in known:
        return known[text]
    try:
        return float(text)
    except ValueError:
        return text


def same(said, found):
    if isinstance(found, str):
        return said in (found, found.removesuffix(":00"))
    return said == found and isinstance(said, bool) == isinstance(found, bool)


def default_of(spec, name):
    """What the spec has at a path or alias; a parameter of its logic also where the spec leaves it out."""
    path = spec.sweep.aliases.get(name, name)
    values = []
    for one in [path] if isinstance(path, str) else path:
        node = spec.model_dump(mode="json", by_alias=True)
        if one.startswith("entry.logic_params."):
            node = {"entry": {"logic_params": named_logic(spec)[1].model_dump(mode="json")}}
        for part in one.split("."):
            node = node[int(part)] if isinstance(node, list) else node[part]
        values.append(node)
    assert all(one == values[0] for one in values), name
    return values[0]


def axis_of(spec, name):
    """The axis of the grid that moves a path, by its own name or an alias; None where it is not swept."""
    by_path = {spec.sweep.aliases.get(key, key): key for key in spec.sweep.grid}
    key = name if name in spec.sweep.grid else by_path.get(name)
    return None if key is None else spec.sweep.grid[key]


def is_axis(said, axis):
    """'1.2, 1.5, 2' are all values of the axis; '0.2 to 0.8' its ends."""
    ends = [axis.start, axis.stop] if axis.values is None else [axis.values[0], axis.values[-1]]
    if " to " in said:
        told, found = said.split(" to "), ends
    else:
        told, found = said.split(", "), axis.values or []
    return len(told) == len(found) and all(same(value(a), b) for a, b in zip(told, found, strict=True))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_its_head_is_that_of_its_specs(page):
    text = page.read_text(encoding="utf-8")
    specs = specs_of(text)
    assert text.startswith(f"# {next(iter(specs.values())).name}\n") and "**Idea.**" in text
    assert set(HEADINGS) <= set(re.findall(r"^## (.*)$", text, re.MULTILINE))
    for name, kind, bars, count in HEAD.findall(text):
        spec = specs[name]
        assert (kind == "options", bars) == (spec.is_options, BARS[spec.timeframe])
        assert int(count.replace(",", "")) == len(Grid.from_spec(spec)), name
    for count in re.findall(r"best of ([\d,]+)", text):
        assert int(count.replace(",", "")) in [len(Grid.from_spec(spec)) for spec in specs.values()]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_its_defaults_are_those_of_its_specs(page):
    text = page.read_text(encoding="utf-8")
    specs = specs_of(text)
    for spec in specs.values():
        kind = "options" if spec.is_options else "shares"
        for names, default, _ in rows(text):
            (told,) = of_kind(default, kind, is_alone=len(specs) == 1)
            each = told.split(", ") if len(names) > 1 and ", " in told else [told] * len(names)
            for name, said in zip(names, each, strict=True):
                assert same(value(said), default_of(spec, name)), f"{spec.slug}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_its_grid_is_that_of_its_specs(page):
    """Every axis with its values, and none that is not swept."""
    text = page.read_text(encoding="utf-8")
    specs = specs_of(text)
    for spec in specs.values():
        kind = "options" if spec.is_options else "shares"
        told = {}
        for names, _, grid in rows(text):
            told |= dict(zip(names, of_kind(grid, kind, is_alone=len(specs) == 1), strict=False))
        for name, said in told.items():
            axis = axis_of(spec, name)
            assert axis is not None and is_axis(said, axis), f"{spec.slug}: {name}"
        assert len(told) == len(spec.sweep.grid), f"{spec.slug}: {sorted(spec.sweep.grid)}"


def test_the_table_of_specs_names_each_with_the_size_of_its_grid():
    text = (ROOT / "specs" / "README.md").read_text(encoding="utf-8")
    told = {
        name: int(n.replace(",", ""))
        for name, n in re.findall(r"^\| `(\w+)\.json` \|.*\| ([\d,]+) \|$", text, re.MULTILINE)
    }
    assert told == {
        path.stem: len(Grid.from_spec(load_spec(path))) for path in (ROOT / "specs").glob("*.json")
    }


def test_every_spec_has_its_page():
    named = [name for page in PAGES for name in specs_of(page.read_text(encoding="utf-8"))]
    assert sorted(named) == sorted(path.stem for path in (ROOT / "specs").glob("*.json"))
