"""The contract of every engine's result."""

import numpy as np
import polars as pl
import pytest

from engine.core.errors import RunError
from engine.sim.result import (
    EQUITY_SCHEMA,
    FILLS_SCHEMA,
    SKIPPED_SCHEMA,
    TRADES_SCHEMA,
    SimResult,
    frame,
)


def result_with(**frames):
    named = {
        "trades": frame(TRADES_SCHEMA),
        "fills": frame(FILLS_SCHEMA),
        "equity": frame(EQUITY_SCHEMA),
        "skipped": frame(SKIPPED_SCHEMA),
    }
    return SimResult(
        spec_hash="s", pack_hash="p", engine="native", seed=0, initial_cash=1.0, metrics={}, **named | frames
    )


def test_empty_frames_keep_their_columns_and_types():
    assert result_with().trades.schema == TRADES_SCHEMA


def test_instants_may_be_given_as_nanoseconds():
    skipped = frame(
        SKIPPED_SCHEMA, {"at": np.array([1_600_000_000_123_456_789]), "symbol": ["A"], "reason": ["x"]}
    )
    assert skipped["at"].to_physical().to_list() == [1_600_000_000_123_456_789]
    assert skipped.schema == SKIPPED_SCHEMA


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: f.drop("fees"), "fees"),
        (lambda f: f.with_columns(extra=pl.lit(1)), "extra"),
        (lambda f: f.with_columns(pl.col("exit_at").cast(pl.Datetime("us", "UTC"))), "exit_at"),
    ],
    ids=["missing", "unknown", "type"],
)
def test_a_frame_that_breaks_the_contract_is_refused_by_name(change, named):
    with pytest.raises(RunError, match=f"the trades frame .*{named}"):
        result_with(trades=change(frame(TRADES_SCHEMA)))
