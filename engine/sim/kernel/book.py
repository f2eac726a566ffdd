"""How the compiled walk keeps a market, a config and its books: flat arrays, their columns by name."""

from __future__ import annotations

from typing import Any, NamedTuple

# Signal bits of a symbol at a tick, and entry bits after the time rules.
ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT = 1, 2, 4, 8
PENDING = 16  # the entry brings a price of its own that it waits for

# What happens at a tick besides signals: something that moves a position or cash, a clock exit, ends of sessions.
WAKE, DUE, DAY_END, SESSION_END, NEW_DAY = 1, 2, 4, 8, 16

# Columns and flags of `Ticks`.
SCHEDULED, EXISTS, ENDS, ACTS = 1, 2, 4, 8
MID_OPEN, MID_CLOSE, SPREAD, START = 0, 1, 2, 3
SPLIT_BY, ROLL_GAP, PAYS, INITIAL_NOW, MAINTENANCE_NOW = 0, 1, 2, 3, 4

# Columns of `book`: the position ...
SIDE, QTY, ENTRY_QTY, ENTRY_TICK, ENTRY_AT, ENTRY_PRICE, BASIS_RAW, BASIS_PRICE = 0, 1, 2, 3, 4, 5, 6, 7
PEAK, MARK, STOP, N_USED, RESTED, TRADE_ID, DECIDED = 8, 9, 10, 11, 12, 13, 14
GROSS, FEES, SLIP, INCOME, EXIT_QTY, EXIT_VALUE = 15, 16, 17, 18, 19, 20
# ... its waiting exit, its waiting entry, and the rest.
X_QTY, X_REASON, X_TARGETS = 21, 22, 23
E_SIDE, E_QTY, E_LEVEL, E_LEFT, E_RESERVED, E_RISK, E_TICK = 24, 25, 26, 27, 28, 29, 30
DAY, N_TODAY, INITIAL, MAINTENANCE = 31, 32, 33, 34
FILLED_QTY, E_RANK = 35, 36
LEVEL_0, LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4 = 37, 38, 39, 40, 41
PRICES = (
    BASIS_RAW,
    BASIS_PRICE,
    PEAK,
    MARK,
    STOP,
    LEVEL_0,
    LEVEL_1,
    LEVEL_2,
    LEVEL_3,
    LEVEL_4,
)  # move with splits and rolls
NO_LEVEL = 42  # after the fifth target, so that the level after the last is NaN
SHARE_0 = 43  # of the targets, five columns
N_TARGETS, OWN_STOP, FIRST_STOP, FIRST_TARGET = 48, 49, 50, 51
# What a waiting entry brings of its own: E_OWN is 1 where it brings anything; five targets, their shares.
E_KIND, E_OWN, E_EXPIRES, E_STOP, E_N_TARGETS, E_TARGET_0, E_SHARE_0 = 52, 53, 54, 55, 56, 57, 62
BOOK_WIDTH = 67
WAITING_PRICES = (26, 55, 57, 58, 59, 60, 61)  # E_LEVEL, E_STOP and the targets: move with splits and rolls

# Columns of `own`, float64 (n_own, OWN_WIDTH): levels that single entries bring of their own.
OWN_KIND, OWN_LEVEL, OWN_EXPIRES, OWN_STOP_PRICE, OWN_N_TARGETS, OWN_TARGET_0, OWN_SHARE_0 = (
    0,
    1,
    2,
    3,
    4,
    5,
    10,
)
OWN_WIDTH = 15

# Columns of the sums that metrics are made of, of bars and of options.
N_CLOSED, N_WINS, GAINS, LOSSES, RETURN_SUM, SUM_FEES, SUM_SLIP, HELD_TICKS, NEXT_ID, BALANCE = range(10)
RUINED, N_FILLS, N_TRADES, N_SKIPS = range(10, 14)
SUMS_WIDTH = 14

FILL_WIDTH, TRADE_WIDTH, SKIP_WIDTH = 9, 16, 3

MARKET, LIMIT, STOP_ORDER = 0, 1, 2

# Columns of `instruments`, float64 (n_symbols, 6).
PER_TICK, LOT, MULTIPLIER, MARGIN, INITIAL_FRAC, MAINTENANCE_FRAC = 0, 1, 2, 3, 4, 5


class Ticks(NamedTuple):
    """A market on its ticks. What one tick needs lies side by side in memory: a tick is a few cache lines.

    flags     : uint8 (n_symbols, n_ticks), bits SCHEDULED, EXISTS, ENDS (the session's last bar) and ACTS.
    buy, sell : float64 (n_symbols, n_ticks, 4), open, high, low, close that buys and sells trade on.
    mid       : float64 (n_symbols, n_ticks, 4), MID_OPEN, MID_CLOSE, SPREAD (at the open), START (UTC ns).
    actions   : float64 (n_symbols, n_ticks, 5), what a session's open brings: SPLIT_BY, ROLL_GAP, PAYS (1, 0, 0 on
                other bars), and the margin a contract in force: INITIAL_NOW, MAINTENANCE_NOW.
    since_date: int32 (n_symbols, n_ticks), session date.
    end       : int64 (n_ticks,) UTC ns. day : int32 (n_ticks,), index into dates : int32 (n_days,).
    """

    flags: Any
    buy: Any
    sell: Any
    mid: Any
    actions: Any
    since_date: Any
    end: Any
    day: Any
    dates: Any


def exists(t, s, k):
    """A row exists for the bar that is scheduled to end at the tick."""
    return t.flags[s, k] & EXISTS != 0


def scheduled(t, s, k):
    """A bar of the symbol is scheduled to end at the tick."""
    return t.flags[s, k] & SCHEDULED != 0


class Config(NamedTuple):
    """`TradeRules` as numbers."""

    cash: float
    may_short: bool
    cash_rate: float
    order: int
    offset_frac: float
    fill_within: int
    max_per_day: int
    max_slippage_frac: float
    touch: bool
    stop_frac: float
    trail_frac: float
    trail_activation_frac: float
    even_trigger_frac: float
    even_buffer_frac: float
    max_hold: int
    on_opposite: bool
    size_mode: int
    size_amount: float
    max_concurrent: int
    risk_frac: float
    per_unit: float
    notional_frac: float
    min_per_order: float
    slip_frac: float
    slip_ticks: float
    slip_spread: float
    periods_per_year: float
