"""Every JSON example of the documentation is a spec, a part of one, or a condition, and is valid."""

import json
import re
from pathlib import Path

import pytest

from engine.core.spec_text import check_tree
from engine.signals.rules import SignalPlan
from engine.sweep.grid import Grid

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "specs").glob("*.md")])
BLOCK = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
LEAST = {"name": "Example", "slug": "example", "universe": ["SPY"]}
CONDITION = {"operator", "all", "any", "not"}


def examples():
    """(page and number, value): a block may hold several values, one after the other."""
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            text, at = block.strip(), 0
            while at < len(text):
                value, end = json.JSONDecoder().raw_decode(text, at)
                yield pytest.param(value, id=f"{page.name}-{number}-{at}")
                at = end + len(text[end:]) - len(text[end:].lstrip())


def test_there_are_examples():
    assert len(list(examples())) > 15


@pytest.mark.parametrize("value", list(examples()))
def test_a_json_example_is_a_valid_spec_or_part_of_one(value):
    part = {"entry": {"signal_logic": [value]}} if CONDITION.intersection(value) else value
    spec, faults = check_tree({**LEAST, **part})
    assert not faults
    SignalPlan.of(spec)
    if spec.sweep.grid:
        grid = Grid.from_spec(spec)
        grid.check(spec)
        assert len(grid) > 1
