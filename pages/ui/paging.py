"""Tables of many pages: how many pages there are, which one is shown, and the buttons that turn them."""

from __future__ import annotations

from typing import Literal

import streamlit as st

PAGE_ROWS = 25  # of a table, where nothing asks for another length


def n_pages(n_rows: int, a_page: int = PAGE_ROWS) -> int:
    """An empty table has one page."""
    return max(1, -(-n_rows // a_page))


def page_of(key: str, n_rows: int, a_page: int = PAGE_ROWS, first: int = 1) -> int:
    """The page, from 1, that the buttons `key` stand at, before they are drawn; `first` until somebody turns one.

    The last one where rows went away meanwhile.
    """
    return min(int(st.session_state.get(key) or first), n_pages(n_rows, a_page))


def first_row(page: int, n_rows: int, a_page: int = PAGE_ROWS) -> int:
    """The row, from 0, that a page from 1 begins with; of one beyond the last, the last one's."""
    return (min(page, n_pages(n_rows, a_page)) - 1) * a_page


def show(key: str, n_rows: int, a_page: int = PAGE_ROWS, bind: Literal["query-params"] | None = None) -> None:
    """The buttons, where there is more than one page. bind : as Streamlit's; they then stand in the address."""
    if n_rows > a_page:
        draw(n_pages(n_rows, a_page), key, bind)


def draw(n: int, key: str, bind: Literal["query-params"] | None = None) -> None:
    """The buttons of n pages.

    In a box of their own: in a row beside other elements they take themselves for too narrow, and with less than 200
    pixels they show the page that one is on and no other (Streamlit 1.67).
    """
    with st.container(width=210 if n <= 2 else 300):
        st.pagination(n, key=key, bind=bind)
