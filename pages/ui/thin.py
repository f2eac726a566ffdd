"""Fewer points where a screen cannot show them all."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

MOST_POINTS = 1_500  # a line; charts are about 1,000 pixels wide
LOWEST_AND_HIGHEST = 2


def kept(lines: Sequence[pl.DataFrame]) -> pl.Series | None:
    """The sessions to draw, one set for all lines, so that what is read at the pointer is of one day; None: all.

    lines : frames of session (unique, rising), equity, fall. Each stretch of a line keeps its lowest and its highest
    equity, and each line its first, its last and its deepest fall: what the eye sees of a line stays.
    """
    if all(len(line) <= MOST_POINTS for line in lines):
        return None
    n_stretches = max(1, MOST_POINTS // (LOWEST_AND_HIGHEST * len(lines)))
    return pl.concat([_extremes(line, n_stretches) for line in lines]).unique().sort()


def _extremes(line: pl.DataFrame, n_stretches: int) -> pl.Series:
    equity, session = pl.col("equity"), pl.col("session")
    stretch = pl.int_range(pl.len()) * n_stretches // pl.len()
    found = line.group_by(stretch.alias("stretch")).agg(
        low=session.get(equity.arg_min()), high=session.get(equity.arg_max())
    )
    ends = line.select(
        session.first().alias("a"), session.last().alias("b"), session.get(pl.col("fall").arg_min())
    )
    return pl.concat([found["low"], found["high"], *(column.alias("low") for column in ends.get_columns())])
