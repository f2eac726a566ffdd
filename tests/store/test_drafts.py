"""Drafts keep every text; strategies are listed by slug."""

from __future__ import annotations

import json

import pytest

from engine.core.errors import NotFound, SpecError
from engine.core.spec_text import MAX_BYTES, build_spec
from engine.store import drafts, runs, specs
from engine.store.db import store_revision
from engine.store.strategies import count_strategies, list_strategies
from tests.store.conftest import run_row, saved_spec

LEAST = {"name": "A", "slug": "a", "universe": ["SPY"]}


def text_of(**changes):
    return json.dumps(LEAST | changes)


def test_the_same_text_twice_is_the_same_draft(store):
    first = drafts.new_draft(store, "{", "a.json")
    before = store_revision(store)
    assert drafts.new_draft(store, "{", "b.json").id == first.id
    assert store_revision(store) == before
    assert drafts.new_draft(store, "{}").id != first.id
    assert drafts.count_drafts(store) == 2


def test_an_edited_draft_does_not_take_the_place_of_a_new_one(store):
    first = drafts.new_draft(store, "{")
    drafts.save_draft(store, first.id, "{}")
    again = drafts.new_draft(store, "{")
    assert again.id != first.id
    assert drafts.get_draft(store, first.id).text == "{}"


@pytest.mark.parametrize("text", ["", "no JSON", '{"a": NaN}', "Grün 日本"])
def test_a_draft_may_be_any_text(store, text):
    assert drafts.get_draft(store, drafts.new_draft(store, text).id).text == text


def test_a_text_over_the_limit_is_refused_and_nothing_is_lost(store):
    kept = drafts.new_draft(store, "{}")
    for act in (
        lambda t: drafts.new_draft(store, t, "big.json"),
        lambda t: drafts.save_draft(store, kept.id, t),
    ):
        with pytest.raises(SpecError, match="at most 1,000,000 are allowed") as error:
            act("x" * (MAX_BYTES + 1))
        assert "\n" not in str(error.value)
    assert drafts.get_draft(store, kept.id).text == "{}"


def test_what_another_window_changed_is_not_overwritten(store):
    mine = drafts.new_draft(store, "one")
    drafts.save_draft(store, mine.id, "two")
    kept = drafts.save_draft(store, mine.id, "three", seen="one")
    assert kept.id != mine.id
    assert drafts.get_draft(store, mine.id).text == "two"
    assert drafts.get_draft(store, kept.id).text == "three"


def test_drafts_stand_with_the_last_changed_first(store):
    first, second = drafts.new_draft(store, "1"), drafts.new_draft(store, "2")
    assert [d.id for d in drafts.list_drafts(store)] == [second.id, first.id]
    drafts.save_draft(store, first.id, "1 again")
    assert [d.id for d in drafts.list_drafts(store, limit=1)] == [first.id]


def test_a_draft_that_is_gone_says_so(store):
    gone = drafts.new_draft(store, "{}")
    drafts.delete_draft(store, gone.id)
    drafts.delete_draft(store, gone.id)
    for act in (lambda: drafts.get_draft(store, gone.id), lambda: drafts.save_draft(store, gone.id, "x")):
        with pytest.raises(NotFound, match="no such draft"):
            act()


def test_a_valid_draft_becomes_a_version_and_ends(store):
    draft = drafts.new_draft(store, text_of(idea_family="f"))
    version = drafts.publish(store, draft.id)
    assert (version.name, version.slug, version.idea_family) == ("A", "a", "f")
    assert specs.get_spec(store, version.hash).canonical == version.canonical
    assert drafts.count_drafts(store) == 0


def test_an_invalid_draft_stays_a_draft(store):
    draft = drafts.new_draft(store, text_of(timeframe="2h"))
    with pytest.raises(SpecError, match="timeframe"):
        drafts.publish(store, draft.id)
    assert drafts.get_draft(store, draft.id)


def test_a_new_slug_keeps_the_idea_of_the_version_it_began_from(store):
    origin = specs.keep_spec(store, build_spec(LEAST))
    renamed = drafts.new_draft(store, text_of(slug="a_tuned"), origin.hash)
    assert drafts.publish(store, renamed.id).idea_family == "a"
    chosen = drafts.new_draft(store, text_of(slug="b", idea_family="another"), origin.hash)
    assert drafts.publish(store, chosen.id).idea_family == "another"
    unchanged = drafts.new_draft(store, text_of(), origin.hash)
    assert drafts.publish(store, unchanged.id).hash == origin.hash


def test_strategies_are_one_row_a_slug_with_the_newest_version(store):
    older = specs.keep_spec(store, build_spec(LEAST))
    newer = specs.keep_spec(store, build_spec(LEAST | {"name": "A2"}))
    other = saved_spec(store, "other", "family_x")
    row = run_row(store, older.hash)
    with runs.staged(store, row.id) as folder:
        (folder / "settings.json").write_text("{}")
        run = runs.commit_run(store, row, folder)
    found = list_strategies(store)
    assert [(s.slug, s.hash, s.n_versions, s.n_runs) for s in found] == [
        ("other", other.hash, 1, 0),
        ("a", newer.hash, 2, 1),
    ]
    assert (found[0].last_run_at, found[1].last_run_at) == (None, run.created_at)
    assert found[1].name == "A2"


def test_strategies_are_found_by_name_slug_and_family_and_signs_are_no_patterns(store):
    saved_spec(store, "sma_100", "trend")
    saved_spec(store, "smax100")
    for search, slugs in {
        "trend": ["sma_100"],
        "SMA_1": ["sma_100"],
        "100": ["smax100", "sma_100"],
        "%": [],
        "!": [],
    }.items():
        assert [s.slug for s in list_strategies(store, search)] == slugs
        assert count_strategies(store, search) == len(slugs)
    assert [s.slug for s in list_strategies(store, limit=1, offset=1)] == ["sma_100"]


def test_a_page_of_strategies_reads_an_index_and_not_every_version(store):
    from sqlalchemy import text

    from engine.store import strategies
    from engine.store.db import read

    with read(store) as session:
        plan = session.execute(
            text(f"EXPLAIN QUERY PLAN {strategies._FOUND} ORDER BY g.newest DESC LIMIT 25")
        ).all()
        of_slug = session.execute(text(f"EXPLAIN QUERY PLAN {strategies._OF_SLUG}"), {"slug": "a"}).all()
    steps = [row.detail for row in plan + of_slug]
    assert any("spec_version USING COVERING INDEX ix_spec_version_slug" in step for step in steps)
    assert sum("run USING COVERING INDEX ix_run_slug" in step for step in steps) == 2
    assert not any(step.startswith(("SCAN v", "SCAN run")) and "COVERING" not in step for step in steps)
