"""Grids that were typed and not started."""

from __future__ import annotations

import os

from engine.core.settings import Settings
from engine.store import grid_drafts

A, B = "a" * 64, "b" * 64


def test_the_grid_typed_last_is_kept_for_each_spec(tmp_path):
    settings = Settings(tmp_path)
    grid_drafts.keep(settings, A, {"axes": [], "n": 1})
    grid_drafts.keep(settings, B, {"axes": []})
    grid_drafts.keep(settings, A, {"axes": [], "n": 2})
    os.utime(tmp_path / "grids" / f"{B}.json", (1, 1))  # typed long ago
    found = grid_drafts.unfinished(settings)
    assert [(one.spec_hash, one.tree.get("n")) for one in found] == [(A, 2), (B, None)]


def test_a_grid_that_was_started_is_forgotten_and_once_more_is_no_error(tmp_path):
    settings = Settings(tmp_path)
    grid_drafts.keep(settings, A, {"axes": []})
    grid_drafts.forget(settings, A)
    grid_drafts.forget(settings, A)
    assert grid_drafts.unfinished(settings) == []


def test_a_damaged_or_foreign_file_is_passed_over(tmp_path):
    settings = Settings(tmp_path)
    grid_drafts.keep(settings, A, {"axes": []})
    (tmp_path / "grids" / f"{B}.json").write_text("{")
    (tmp_path / "grids" / "notes.json").write_text("{}")
    assert [one.spec_hash for one in grid_drafts.unfinished(settings)] == [A]


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(grid_drafts, "MAX_KEPT", 2)
    settings = Settings(tmp_path)
    for i, letter in enumerate("abc"):
        grid_drafts.keep(settings, letter * 64, {})
        os.utime(tmp_path / "grids" / f"{letter * 64}.json", (i + 1, i + 1))
    grid_drafts.keep(settings, "d" * 64, {})
    assert {path.name[0] for path in (tmp_path / "grids").iterdir()} == {"c", "d"}


def test_nothing_was_typed_in_a_new_workspace(tmp_path):
    assert grid_drafts.unfinished(Settings(tmp_path / "home")) == []
