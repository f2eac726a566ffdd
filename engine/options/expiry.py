"""When an option stops: its last instant and the years until then.

Years are calendar time to the official close (PM settlement) or open (AM settlement) over 365 days of 24 hours, to the
nanosecond: docs/decisions/092.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engine.core.errors import DataError
from engine.core.sessions import SessionTable, day_number

NS_PER_YEAR = 365 * 24 * 3_600 * 1_000_000_000


def expiry_instant(expiration: dt.date, sessions: SessionTable, *, is_am: bool = False) -> int:
    """UTC nanoseconds at which an option dated `expiration` is settled.

    The close (early on a half day) or the open of the last session on or before that date: monthly options listed
    before 2015 are dated the Saturday after their last trading day. DataError if the table does not reach so far.

    is_am : settled on the open, as `engine.core.option_roots` says of the root. Chains of the store hold this instant
    of each contract (`expires_at`).
    """
    row = int(np.searchsorted(sessions.date, day_number(expiration), side="right")) - 1
    if row < 0 or day_number(expiration) - int(sessions.date[row]) > 4:
        raise DataError(
            f"{expiration}: no {sessions.calendar} session there. Give a table of sessions that covers the expiration."
        )
    return int(sessions.open_ns[row] if is_am else sessions.close_ns[row])


def years_until(now_ns: ArrayLike, expiry_ns: ArrayLike) -> Any:
    """Years from now to expiry, both UTC nanoseconds (int64, broadcast); 0 once it is past."""
    left = np.asarray(expiry_ns, np.int64) - np.asarray(now_ns, np.int64)
    years = np.maximum(left, 0) / NS_PER_YEAR
    return float(years) if np.ndim(years) == 0 else years
