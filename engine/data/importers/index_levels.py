"""Daily bars of an index out of the price that stands beside its end-of-day chain.

Vendors of chains sell no bars of the index, and nobody can trade it: what a strategy on its options reads of it is its
level. Shares have bars of their own; those are imported, not made up.
"""

from __future__ import annotations

import polars as pl

from engine.core.instruments import INDICES
from engine.data.schemas import PRICES


class IndexLevels:
    """Gathers the level of each index and session over the blocks of a file."""

    def __init__(self) -> None:
        self._found: list[pl.DataFrame] = []

    def see(self, rows: pl.DataFrame) -> None:
        """Rows of a chain: symbol, start, and underlying where the file tells it."""
        if "underlying" in rows.columns:
            of_index = rows.filter(pl.col("symbol").is_in(list(INDICES)) & (pl.col("underlying") > 0.0))
            self._found.append(of_index.select("line", "symbol", "start", "underlying"))

    def bars(self) -> pl.DataFrame:
        """One row a session, all four prices the snapshot's, the last one told; no volume. Empty without an index."""
        if not self._found:
            return pl.DataFrame()
        last = pl.concat(self._found).unique(["symbol", "start"], keep="last", maintain_order=True)
        return last.with_columns(
            *(pl.col("underlying").alias(name) for name in PRICES),
            pl.lit(None, dtype=pl.Float64).alias("volume"),
            pl.col("symbol").alias("contract"),
        )
