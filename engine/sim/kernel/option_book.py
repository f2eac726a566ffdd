"""How the compiled option walk keeps chains, a config and its books: flat arrays, their columns by name.

Instants are UTC ns; all of them are whole minutes, which float64 holds exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.sim.kernel import book

NOTHING: Any = np.int64(-1)
"""No row, no leg, no date. A plain -1 is a type of its own to Numba, which compiles what it is handed to once more."""

# What a symbol knows at a tick: `Board.on_tick`, int64, and `Board.prices`, float64.
SESSION, NOW_COLUMN, OPEN_COLUMN, LATER_DAY = range(4)
SPOT, SPOT_OPEN, RATE, IV_RANK, DIVIDEND_NEXT = range(5)

# `Board.session`: one row a session of a chain, lane after lane.
TIME_AT, N_COLUMNS, X_FIRST, X_COUNT, TICK_FIRST, TICK_COUNT = range(6)

# `Board.expiry`: one row an expiration of a session, rising.
X_DAY, ALIVE_UNTIL, CALLS_AT, N_CALLS, N_PUTS, IS_THIRD, IS_BEFORE_THIRD = range(7)

# `Board.row` and `Board.row_price`: one row a contract of a session.
CELL, EXPIRY, EXPIRES_AT, IS_CALL, IS_AM, ROOT, NEXT, OF_SESSION, IS_EUROPEAN = range(9)
STRIKE, MULTIPLIER, OFFICIAL, INTEREST = range(4)

# Rules of a leg.
IS_OPTION, LEG_CALL, RATIO, PICK, WISH, OF_LEG, EXPIRY_OF, DTE, ALIGN, STRICT, LEG_STOP, LEG_TARGET = range(
    12
)
RULE_WIDTH = 12
BY_DELTA, BY_MONEYNESS, BY_PREMIUM, BY_OFFSET, BY_WIDTH = range(5)
NEAREST, AT_LEAST, WEEKLY, MONTHLY = range(4)

# A position ...
SYM, VIEW, SIDE, QTY, ENTRY_QTY, ENTRY_AT, DECIDED_AT, N_LEGS, UNIT, PREMIUM, ENTRY_SPOT = range(11)
PEAK, TROUGH, N_USED, STOP, GROSS, FEES, SLIP, INCOME, EXIT_QTY, EXIT_VALUE = range(11, 21)
RISK_SESSIONS, ROLLED_FROM, CONVERTED_AT, TRADE_ID, HELD, EXIT_AT, EXIT_REASON = range(21, 28)
# while it is watched
W_PAID, W_LEVEL, W_TARGET, W_LAST_DAY, W_PEAK, W_TROUGH, W_REACHED, W_MARKED_AT, W_FRESH_AT = range(28, 37)
POS_WIDTH = 37
# ... and its legs. ROW0: the contract as it was chosen, -1 for shares; ROW: its row of the last session seen.
ROW0, ROW, L_RATIO, L_MULT, L_STRIKE, L_ENTRY, L_RAW, L_MARK, L_OWN, L_FRESH, L_CLOSED, L_DECIDED = range(12)
L_SLOT, L_SHARES = 12, 13  # while it is watched
LEG_WIDTH = 14

# A waiting order and its legs.
O_SYM, O_PURPOSE, O_TRADE, O_VIEW, O_QTY, O_LEGS, O_REASON, O_DECIDED, O_LEFT, O_DUE = range(10)
O_TARGETS, O_ROLLS, O_EXPECTED, O_RESERVED, O_RISK = range(10, 15)
ORDER_WIDTH = 15
GONE, EXIT, CONVERT, ENTER = -1, 0, 1, 2
OL_INDEX, OL_ROW0, OL_ROW, OL_RATIO, OL_MULT, OL_STRIKE, OL_PRINT, OL_PRINT_AT = range(8)
ORDER_LEG_WIDTH = 8

# A leg that was chosen, a holding as payoffs take it, a part of one, an offer, a fill.
C_ROW, C_RATIO, C_MARK, C_STRIKE, C_MULT, C_X = range(6)
H_OPTION, H_CALL, H_STRIKE, H_EXPIRES, H_RATIO, H_MULT, H_PRICE = range(7)
P_SHORT, P_SHARES, P_COVER, P_COVER_SHARES = range(4)
F_PRICE, F_SPREAD, F_AT, F_MID = range(4)
M_RAW, M_PRICE, M_FEE, M_AT, M_QTY = range(5)
SCRATCH_WIDTH = 8

# How the walk stands, after the sums that the walk over bars keeps too.
N_MARKS, N_POS, N_ORDERS, ON_MINUTE, OVERFLOW = range(book.SUMS_WIDTH, book.SUMS_WIDTH + 5)
SUMS_WIDTH = book.SUMS_WIDTH + 5

# Sizes of what is written down.
FILL_WIDTH, SKIP_WIDTH, MARK_WIDTH = 13, 3, 5

MARKS_USED, MOMENTS_USED, WORK = range(3)


class Board(NamedTuple):
    """Chains on the ticks of a market.

    on_tick : int64 (n_symbols, n_ticks, 4): the chain's session on the tick's date (-1 none), its last column begun at
              the tick and at the start of the bar that ends there, and the day an order decided next would fill.
    prices  : float64 (n_symbols, n_ticks, 5), see the columns.
    session, expiry, row : int64, row_price : float64; see the columns.
    dividends : float64, a row an expiration of a session: what is expected before it is worth, per share.
    member  : int64, rows by expiration, calls then puts, each by strike, then root.
    starts, ends : int64, of the columns of each session.
    open_bid ... volume : float32, contract by column, session after session; empty where the chain has none.
    """

    on_tick: Any
    prices: Any
    session: Any
    expiry: Any
    dividends: Any
    row: Any
    row_price: Any
    member: Any
    starts: Any
    ends: Any
    open_bid: Any
    open_ask: Any
    close_bid: Any
    close_ask: Any
    open_trade: Any
    last_trade: Any
    volume: Any


class Desk(NamedTuple):
    """What a walk writes: positions, orders, sums, scratch, and marks and deltas that later configs find again.

    mark_slot : int64 (n_rows,), row of mark_pool float64 (n, ticks of a session) with fresh marks, -1 none.
    moment_slot : int64 (n_symbols, n_ticks, n_expirations), first row of moment_pool float64 (n, 2): a head that says
        whether deltas are there, then mark and delta of each contract of the expiration; -1 none.
    """

    pos: Any
    leg: Any
    order: Any
    order_leg: Any
    sums: Any
    today: Any
    chosen: Any
    hold: Any
    kept: Any
    parts: Any
    left: Any
    offers: Any
    made: Any
    mark_slot: Any
    mark_pool: Any
    moment_slot: Any
    moment_pool: Any
    used: Any
    pairs: Any
    watched: Any


class Terms(NamedTuple):
    """`OptionRules` as numbers."""

    cash: float
    may_short: bool
    cash_rate: float
    fill_within: int
    max_per_day: int
    max_slippage_frac: float
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
    max_age: int
    fill_at: float
    modelled_frac: float
    modelled_min: float
    min_interest: float
    min_volume: float
    iv_low: float
    iv_high: float
    close_before: int
    max_loss_is_debit: bool
    share_of_most: float
    spread_risk: float
    per_symbol: int
    uses_percents: bool
    mirrors: bool
    n_legs: int
    leg_exits: bool
    converts: bool
    convert_move: float
    convert_gain: float
    convert_offset: float
    convert_delta: float
    convert_min_debit: float
    roll_on_assignment: bool
    roll_on_gamma: bool
    roll_days: int
    extrinsic_below: float
    gamma_band: float
    has_quotes: bool
    is_snapshot: bool
