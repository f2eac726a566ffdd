"""Lines of values in JSON texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.json_lines import line_of, lines_of

TEXT = """{
  "name": "A \\"quoted\\" {name}",
  "entry": {"signal_logic": [
    {"name": "SMA", "operator": ">",
     "value": 5},
    []
  ]},
  "last": null
}"""


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 1), (("name",), 2), (("entry", "signal_logic"), 3), (("entry", "signal_logic", "0"), 4),
     (("entry", "signal_logic", "0", "value"), 5), (("entry", "signal_logic", "1"), 6), (("last",), 8)],
)  # fmt: skip
def test_a_value_stands_on_the_line_of_its_name(path, line):
    assert lines_of(TEXT)[path] == line


def test_what_is_missing_is_looked_for_where_it_belongs():
    lines = lines_of(TEXT)
    assert line_of(lines, ("entry", "signal_logic", "0", "target", "name")) == 4
    assert line_of(lines, ("universe",)) == 1


_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _paths(tree, path=()):
    yield path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, child in children:
        yield from _paths(child, (*path, str(name)))


@given(_trees, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_value_has_a_line_and_lines_rise(tree, indent, ascii_only):
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    lines = lines_of(text)
    assert set(lines) == set(_paths(tree))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
    assert list(lines.values()) == sorted(lines.values())
