"""Interest rates and dividends for the chains of a pack, out of the market store."""

from __future__ import annotations

import datetime as dt

import numpy as np

from engine.core.sessions import day_number
from engine.core.settings import Settings
from engine.data import adjust
from engine.data.calendars import sessions as sessions_of
from engine.data.rates import sources_with_rates, stored_rates
from engine.options.rates import DividendHistory, RateHistory
from engine.packs.pack import SYNTHETIC

_LAST_YEAR = dt.timedelta(days=380)  # dividends are expected as they were paid in the year before


def rates_for(
    settings: Settings, source: str, first: dt.date, last: dt.date, notes: list[str]
) -> RateHistory | None:
    """Rates in force on first..last, of `source` itself, else of another; None where nobody has any.

    A rate is no price of a vendor: another source's may serve. Made-up and real never mix.
    """
    others = [one for one in sources_with_rates(settings) if SYNTHETIC not in (one, source)]
    for one in (source, *others):
        for rates in stored_rates(settings, one):
            held = rates.over(day_number(first), day_number(last))
            if len(held.day):
                notes.append(f"interest rates: {held.name} of source {one}")
                return held
    return None


def dividends_for(
    settings: Settings, source: str, symbol: str, first: dt.date, last: dt.date
) -> DividendHistory | None:
    """Dividends and splits of a year before `first` to `last`; None where the source has none of the symbol."""
    factors = adjust.factor_table(settings, source, symbol)
    if factors is None:
        return None
    sessions = sessions_of("XNYS", first - _LAST_YEAR, last)
    paid = adjust.dividends(factors, sessions)
    after = [
        (int(np.searchsorted(sessions.date, day_number(day), side="right")), ratio)
        for day, ratio in adjust.splits(factors)
    ]
    split = [(int(sessions.date[at]), ratio) for at, ratio in after if 0 < at < len(sessions)]
    if not paid and not split:
        return None
    return DividendHistory(
        np.array([day_number(day) for day, _ in paid], dtype=np.int64),
        np.array([amount for _, amount in paid], dtype=np.float64),
        np.array([day for day, _ in split], dtype=np.int64),
        np.array([ratio for _, ratio in split], dtype=np.float64),
    )
