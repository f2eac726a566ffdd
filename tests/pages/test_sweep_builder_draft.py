"""What was typed, what it means, and how it travels in an address."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.spec_text import load_spec
from engine.sweep.candidates import candidates
from engine.sweep.grid import build
from engine.sweep.grid_file import grid_yaml, parse_grid
from engine.sweep.review import review
from engine.sweep.suggest import suggested
from pages.ui.sweep_builder_draft import (
    LIST,
    LOG,
    MAX_TOKEN,
    RANGE,
    AxisDraft,
    Draft,
    added,
    from_token,
    of_spec,
    parsed_list,
    sweep_of,
    to_token,
    with_sweep,
    written,
)


def axis(mode: str, **boxes: str) -> AxisDraft:
    return AxisDraft(0, "x", STOP, mode, **boxes)


SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.json"))
STOP = ("risk_exits.stop_loss_pct",)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_grid_of_a_spec_goes_into_boxes_and_back(path):
    spec = load_spec(path)
    assert sweep_of(of_spec(spec), spec) == spec.sweep


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_grid_file_is_read_back_as_the_same(path):
    spec = load_spec(path)
    text = grid_yaml(sweep_of(of_spec(spec), spec))
    assert parse_grid(text.encode(), "grid.yaml") == spec.sweep
    assert with_sweep(Draft(), spec, parse_grid(text.encode(), "grid.yaml")) == of_spec(spec)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_names_in_the_page_are_those_of_the_grid_that_is_saved(path):
    """Every candidate added at once: many share the last part of their path."""
    spec = load_spec(path)
    draft = Draft()
    for one in [one for one in candidates(spec) if len(one.paths) == 1 and one.kind in ("int", "float")][:18]:
        draft = added(draft, one, suggested(spec, one))
    seen = review(spec, written(draft), ())
    assert sorted(axis.paths for axis in seen.axes if axis) == sorted(axis.paths for axis in draft.axes)
    small = replace(
        draft, axes=tuple(replace(a, mode=LIST, values="5") for a in draft.axes if a.name != "seed")
    )
    small = replace(
        small, axes=tuple(a for a in small.axes if "params." in a.paths[0] or ".shift" in a.paths[0])
    )
    grid = build(spec, sweep_of(small, spec))
    assert {axis.name for axis in grid.axes} == {axis.name for axis in small.axes}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5, 10,20", [5, 10, 20]),
        ("0.5; 1.0", [0.5, 1]),
        ("true, False", [True, False]),
        ("09:45, 10:00", ["09:45", "10:00"]),
        ("1e3, nan, inf", [1000, "nan", "inf"]),
        (" , ,", []),
    ],
)
def test_a_list_as_it_is_typed(text, values):
    found = list(parsed_list(text))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (axis(LIST), "Write at least one value; commas stand between several."),
        (axis(RANGE, start="1", stop="2"), "Step: is missing; write a number."),
        (axis(RANGE, start="one", stop="2"), "First 'one': is no number; write one such as 10 or 0.5."),
        (axis(RANGE, start="3", stop="2", step="1"), "First 3 is above last 2; exchange them."),
        (axis(RANGE, start="1", stop="2", step="0"), "Step 0: must be above 0."),
        (axis(LOG, start="0", stop="2", num="3"), "First 0: a log range begins above 0."),
        (axis(LOG, start="1", stop="2", num="1.5"), "How many 1.5: must be a whole number from 2 on."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_the_fault_of_its_axis(typed, said):
    assert written(Draft(axes=(typed,)))[0].fault == said


def test_a_name_that_is_taken_gets_a_number():
    spec = load_spec(next(path for path in SPECS if path.stem == "rsi_reversion_short"))
    length = next(
        one for one in candidates(spec) if one.path.endswith("params.length") and len(one.paths) == 1
    )
    twice = added(added(Draft(), length, suggested(spec, length)), length, suggested(spec, length))
    assert [axis.name for axis in twice.axes] == ["length", "length_2"]
    assert [axis.id for axis in twice.axes] == [0, 1]


# ---------------------------------------------------------------- in the address


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode()


texts = st.text(max_size=20)
axes = st.builds(
    AxisDraft, id=st.just(0), name=texts.filter(bool), paths=st.lists(texts, min_size=1, max_size=3).map(tuple),
    mode=st.sampled_from((LIST, RANGE, LOG)), values=texts, start=texts, stop=texts, step=texts, num=texts,
)  # fmt: skip
drafts = st.builds(
    Draft, axes=st.lists(axes, max_size=4).map(lambda found: tuple(replace(a, id=i) for i, a in enumerate(found))),
    where=st.lists(texts, max_size=3).map(tuple), source=st.none() | texts.filter(bool), top=st.integers(0, 1000),
    symbols=st.none() | st.lists(texts, min_size=1, max_size=3).map(tuple), start=st.none() | st.just("2024-01-02"),
    rank_by=st.sampled_from(["sharpe", "cagr"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(drafts)
def test_an_address_holds_all_that_was_typed_even_what_is_wrong(draft):
    assert from_token(to_token(draft)) == draft


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(zlib.compress(raw)).decode())
)
def test_an_address_that_somebody_mangled_is_no_draft_and_no_error(text):
    assert from_token(text) is None or isinstance(from_token(text), Draft)


def test_a_text_that_would_grow_a_thousandfold_is_refused():
    bomb = packed(b"[" * 50_000_000)
    assert from_token(bomb) is None


def test_a_grid_too_long_for_an_address_has_none():
    import random

    values = ", ".join(str(random.Random(i).random()) for i in range(2000))
    assert to_token(Draft(axes=(axis(LIST, values=values),))) == ""
    assert len(to_token(of_spec(load_spec(SPECS[0])))) < MAX_TOKEN / 10
