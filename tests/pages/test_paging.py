"""Tables of many pages."""

from __future__ import annotations

import pytest
import streamlit as st

from pages.ui import paging


@pytest.mark.parametrize(("n_rows", "pages"), [(0, 1), (1, 1), (25, 1), (26, 2), (50, 2), (51, 3)])
def test_a_table_has_a_page_for_each_25_rows_and_at_least_one(n_rows, pages):
    assert paging.n_pages(n_rows) == pages


@pytest.mark.parametrize(("stands_at", "page"), [(None, 2), (1, 1), (4, 3)])
def test_the_page_is_the_one_of_the_buttons_and_never_behind_the_last(stands_at, page, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"gaps_page": stands_at})
    assert paging.page_of("gaps_page", 30, 10, first=2) == page


@pytest.mark.parametrize(("n_rows", "drawn"), [(0, []), (10, []), (11, [2])])
def test_one_page_needs_no_buttons(n_rows, drawn, monkeypatch):
    asked = []
    monkeypatch.setattr(st, "pagination", lambda n, **_: asked.append(n))
    paging.show("gaps_page", n_rows, 10)
    assert asked == drawn
