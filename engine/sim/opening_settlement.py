"""What a run says of contracts that settle on the open: which price stands for the exchange's opening quotation."""

from __future__ import annotations

import numpy as np

from engine.core.chains import AM
from engine.core.spec import StrategySpec
from engine.packs.pack import Pack


def opening_notes(spec: StrategySpec, pack: Pack) -> list[str]:
    """One line for each symbol whose chain lists such contracts, for a spec that holds to settlement."""
    return [_note(pack, symbol) for symbol in spec.universe if _settles_at_open(pack, symbol)]


def _settles_at_open(pack: Pack, symbol: str) -> bool:
    chain = pack.chains.get(symbol)
    return chain is not None and any(
        (one.contracts.settlement == AM).any() for one in chain.by_session.values()
    )


def _note(pack: Pack, symbol: str) -> str:
    """No source of bars has the special opening quotation, and levels beside end-of-day chains are no opens either."""
    held = [one for (name, _), one in pack.series.items() if name == symbol]
    is_level = any(np.array_equal(one.open[one.has_row], one.close[one.has_row]) for one in held)
    told = "; its bars tell one level a bar, so that it is the level of that bar" if is_level else ""
    return (
        f"{symbol}: contracts that settle on the open do so on the open of its first bar of that day, not on the "
        f"exchange's special opening quotation{told}"
    )
