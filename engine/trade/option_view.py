"""What is known of one underlying and its chain at a scheduled end of a bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.trade.chain import ChainView
from engine.trade.state import Seen


class OptionSeen(NamedTuple):
    """seen: clock, bar and signals of the underlying. spot: its last price.

    later_day : session date in which an order decided at the next scheduled end would fill.
    dividend_next : cash per share with its ex-date in the next session, 0.0 for none.
    """

    seen: Seen
    spot: float
    chain: ChainView
    later_day: int
    dividend_next: float = 0.0


OptionView = Mapping[str, OptionSeen]
"""By symbol, for every underlying with a bar that is scheduled to end now."""
