"""How tables write their figures."""

from __future__ import annotations

import polars as pl
import pytest

from pages.ui import tables


@pytest.mark.parametrize(
    ("prices", "form"),
    [
        ([502.85028, 501.0], "%.2f"),  # shares, with slippage in the price
        ([0.45, 1.2, None], "%.2f"),  # premiums on cents
        ([0.45, 1.2, 1.0133], "%.2f"),  # one of them left in parts: a mean of two fills
        ([1.39127, 1.3856], "%.5f"),  # EURUSD
        ([1294.735, float("nan")], "%.2f"),  # an ounce of gold
        ([], "%.2f"),
    ],
)
def test_prices_have_cents_and_those_of_currencies_five_digits(prices, form):
    assert tables.price_form(pl.Series(prices, dtype=pl.Float64)) == form
