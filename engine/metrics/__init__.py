"""Figures of merit: of daily equity, of trades, and of the search that found them."""
