"""Why something happened: the words of trades, fills and skipped entries, and their numbers in kernels."""

from __future__ import annotations

from typing import Final

ENTRY: Final = 0
STOP_LOSS: Final = 1
BREAK_EVEN: Final = 2
TRAILING_STOP: Final = 3
TAKE_PROFIT: Final = 4
SIGNAL: Final = 5
REVERSAL: Final = 6
MAX_HOLD: Final = 7
EXIT_TIME: Final = 8
END_OF_DAY: Final = 9
MARGIN_CALL: Final = 10
RUINED: Final = 11
ROLL: Final = 12

REASONS: Final = (
    "entry",
    "stop_loss",
    "break_even",
    "trailing_stop",
    "take_profit",
    "signal",
    "reversal",
    "max_hold",
    "exit_time",
    "end_of_day",
    "margin_call",
    "ruined",
    "roll",
)

NO_ROW: Final = 0
NOT_REACHED: Final = 1
SLIPPAGE: Final = 2
BUYING_POWER: Final = 3
SIZE_ZERO: Final = 4
CONCURRENCY: Final = 5
RISK_CAP: Final = 6
NO_SHORT: Final = 7
BOTH_SIDES: Final = 8
TOO_LATE: Final = 9
# Of entries that bring levels of their own, and are therefore told one by one:
WRONG_SIDE: Final = 10
HELD: Final = 11
WAITING: Final = 12
PER_DAY: Final = 13
EXPIRED: Final = 14
CALLED_OFF: Final = 15

SKIPS: Final = (
    "no bar to fill on",
    "price not reached",
    "worse than max_slippage_bps",
    "not enough buying power",
    "size rounds down to zero",
    "max_concurrent reached",
    "portfolio risk cap reached",
    "a cash account cannot sell short",
    "long and short signal at once",
    "a time exit came before the fill",
    "the price has passed the stop or a target",
    "a position was open already",
    "an earlier order was still waiting",
    "max_trades_per_day reached",
    "the order expired",
    "called off before it filled",
)
