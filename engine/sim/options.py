"""The compiled walk over options: `sim/reference_options.py` restated on flat arrays, with the definition's formulas.

Every function here and in `kernel/option_*` is plain first and compiled at the end of this file; tests run both forms
against the reference. `kernel/option_book.py` names the columns.
"""

from __future__ import annotations

import numpy as np

from engine.core.compiled import compile_together
from engine.metrics import returns
from engine.metrics.returns import daily_metrics
from engine.metrics.trades import trade_ratios
from engine.options.kernels import COMPILED as PRICING
from engine.options.rates import yield_of_cash
from engine.sim.chain_view import as_written
from engine.sim.kernel.book import (
    BALANCE,
    DAY_END,
    ENDS,
    ENTER_LONG,
    ENTER_SHORT,
    EXISTS,
    HELD_TICKS,
    MID_OPEN,
    NEW_DAY,
    PAYS,
    RUINED,
    SCHEDULED,
    SPLIT_BY,
    START,
    SUM_FEES,
    SUM_SLIP,
    WAKE,
)
from engine.sim.kernel.decisions import side_of
from engine.sim.kernel.option_book import (
    ENTRY_SPOT,
    EXPIRES_AT,
    FEES,
    HELD,
    INCOME,
    IS_AM,
    IS_CALL,
    L_CLOSED,
    L_ENTRY,
    L_MARK,
    L_OWN,
    L_RATIO,
    L_RAW,
    L_STRIKE,
    M_AT,
    M_FEE,
    M_PRICE,
    M_RAW,
    N_LEGS,
    N_MARKS,
    N_ORDERS,
    N_POS,
    O_LEGS,
    O_SYM,
    OFFICIAL,
    OL_PRINT,
    OL_RATIO,
    OL_ROW0,
    OL_STRIKE,
    ON_MINUTE,
    OVERFLOW,
    QTY,
    ROW0,
    SLIP,
    SPOT,
    SYM,
    TRADE_ID,
    WORK,
)
from engine.sim.kernel.option_choice import CHOICE
from engine.sim.kernel.option_decisions import DECISIONS, decide
from engine.sim.kernel.option_exits import EXITS, is_fresh_now, mark_position, report_risk
from engine.sim.kernel.option_moments import MOMENTS
from engine.sim.kernel.option_money import (
    MONEY,
    cash_now,
    drop_orders_of,
    equity_now,
    free_cash,
    is_open,
    leg_left,
    note_fill,
    shares_of,
    sweep_orders,
    worth_of,
)
from engine.sim.kernel.option_orders import ORDERS, fill_due, leave
from engine.sim.kernel.option_payoffs import PAYOFFS, intrinsic
from engine.sim.kernel.option_quotes import QUOTES
from engine.sim.kernel.option_stretches import STRETCHES, is_done_today, is_plain, skim, watch
from engine.sim.kernel.stretches import next_event
from engine.sim.kernel.summary import write_metrics
from engine.trade import option_reasons, reasons
from engine.trade.costs import commission
from engine.trade.decide import worse_than_mid
from engine.trade.exits import (
    break_even_level,
    has_gained,
    stop_level,
    target_level,
    target_quantity,
    tightest_stop,
    trail_level,
)
from engine.trade.fills import slippage, tick_down, tick_up
from engine.trade.legs import delta_distance, strike_distance
from engine.trade.option_sizing import affordable_units, unit_cost, units_within, wanted_units
from engine.trade.option_state import worth_a_share
from engine.trade.quotes import buy_price, middle, sell_price
from engine.trade.sizing import whole_lots


def split_contracts(d, s, ratio):
    """More contracts (shares) at lower strikes and prices; net prices of positions stay."""
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] != s:
            continue
        d.pos[p, ENTRY_SPOT] /= ratio
        for i in range(int(d.pos[p, N_LEGS])):
            if d.leg[p, i, ROW0] >= 0.0:
                d.leg[p, i, L_STRIKE] = round(d.leg[p, i, L_STRIKE] / ratio, 2)
            d.leg[p, i, L_RATIO] *= ratio
            d.leg[p, i, L_ENTRY] /= ratio
            d.leg[p, i, L_RAW] /= ratio
            d.leg[p, i, L_MARK] /= ratio
            d.leg[p, i, L_OWN] /= ratio
            d.leg[p, i, L_CLOSED] /= ratio
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_SYM] != s:
            continue
        for j in range(int(d.order[o, O_LEGS])):
            if d.order_leg[o, j, OL_ROW0] >= 0.0:
                d.order_leg[o, j, OL_STRIKE] = round(d.order_leg[o, j, OL_STRIKE] / ratio, 2)
            d.order_leg[o, j, OL_RATIO] *= ratio
            d.order_leg[o, j, OL_PRINT] /= ratio


def pay_dividend(d, s, per_share):
    """Shares held by a position are paid, shares owed pay."""
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] != s:
            continue
        shares = 0.0
        for i in range(int(d.pos[p, N_LEGS])):
            if d.leg[p, i, ROW0] < 0.0 and is_open(d, p, i):
                shares += d.leg[p, i, L_RATIO]
        income = per_share * shares * d.pos[p, QTY]
        d.sums[BALANCE] += income
        d.pos[p, INCOME] += income


def deliver(d, p, s, moved, price, when, fill_out, trade_out, trade_legs_out):
    """Shares that exercise takes or brings leave at the settlement price; True where the position went with them."""
    for i in range(int(d.pos[p, N_LEGS])):
        if d.leg[p, i, ROW0] >= 0.0 and is_open(d, p, i):
            return False
    reason = float(option_reasons.EXPIRY)
    for i in range(int(d.pos[p, N_LEGS])):
        ratio = d.leg[p, i, L_RATIO]
        if is_open(d, p, i) and ratio * moved < 0.0 and abs(moved) >= abs(ratio) - 1e-9:
            note_fill(
                d, fill_out, d.pos[p, TRADE_ID], float(i), d.leg[p, i, ROW0], d.leg[p, i, L_STRIKE],
                -1.0 if ratio > 0.0 else 1.0, abs(ratio) * d.pos[p, QTY], price, price, 0.0, when, reason, when,
                float(s),
            )  # fmt: skip
            return leg_left(d, p, i, price, price, 0.0, when, reason, trade_out, trade_legs_out)
    return False


def settle(b, d, s, now, spot, at_open, fill_out, trade_out, trade_legs_out):
    """Contracts that have stopped by now are worth their intrinsic value, without a fee."""
    p, when, reason = np.int64(0), float(now), float(option_reasons.EXPIRY)
    while p < int(d.sums[N_POS]):
        left, moved, price = False, 0.0, spot
        for i in range(int(d.pos[p, N_LEGS])):
            row = int(d.leg[p, i, ROW0])
            if d.pos[p, SYM] != s or left or row < 0 or not is_open(d, p, i):
                continue
            if b.row[row, EXPIRES_AT] > now or (b.row[row, IS_AM] != 0) != at_open:
                continue
            official = b.row_price[row, OFFICIAL]
            known = at_open or official == official
            price = spot if at_open or official != official else official
            strike, ratio = d.leg[p, i, L_STRIKE], d.leg[p, i, L_RATIO]
            value = intrinsic(b.row[row, IS_CALL] != 0, strike, price)
            if value > 0.0:
                moved += shares_of(d, p, i) if b.row[row, IS_CALL] != 0 else -shares_of(d, p, i)
            drop_orders_of(d, d.pos[p, TRADE_ID])
            note_fill(
                d, fill_out, d.pos[p, TRADE_ID], float(i), float(row), strike, -1.0 if ratio > 0.0 else 1.0,
                abs(ratio) * d.pos[p, QTY], value, value, 0.0, when, reason, when, float(s),
            )  # fmt: skip
            if not known:
                d.sums[ON_MINUTE] = 1.0
            left = leg_left(d, p, i, value, value, 0.0, when, reason, trade_out, trade_legs_out)
        if not left and moved != 0.0:
            left = deliver(d, p, s, moved, price, when, fill_out, trade_out, trade_legs_out)
        if not left:
            p += 1
    sweep_orders(d)


def open_tick(b, t, c, d, k, events, fill_out, trade_out, trade_legs_out):
    """Interest, splits, dividends, and contracts that settle on the opening print."""
    if events[k] & NEW_DAY and c.cash_rate > 0.0 and t.day[k] > 0:
        n_days = t.dates[t.day[k]] - t.dates[t.day[k] - 1]
        d.sums[BALANCE] += max(0.0, free_cash(d)) * c.cash_rate * n_days / 365.0
    for s in range(t.flags.shape[0]):
        if not t.flags[s, k] & SCHEDULED:
            continue
        if t.actions[s, k, SPLIT_BY] != 1.0:
            split_contracts(d, s, t.actions[s, k, SPLIT_BY])
        if t.actions[s, k, PAYS] != 0.0:
            pay_dividend(d, s, t.actions[s, k, PAYS])
        if t.flags[s, k] & EXISTS and d.sums[N_POS] > 0.0:
            start = np.int64(t.mid[s, k, START])
            settle(b, d, s, start, t.mid[s, k, MID_OPEN], True, fill_out, trade_out, trade_legs_out)


def ruin(d, now, fill_out, trade_out, trade_legs_out):
    """Leave everything at its mark; nothing waits and nothing is decided any more."""
    first, when, reason = np.int64(0), float(now), float(reasons.RUINED)
    while d.sums[N_POS] > 0.0:
        j = 0
        for i in range(int(d.pos[first, N_LEGS])):
            if not is_open(d, first, i):
                continue
            leg = d.leg[first, i]
            mark, side = leg[L_MARK], -1.0 if leg[L_RATIO] > 0.0 else 1.0
            d.made[j, M_RAW], d.made[j, M_PRICE], d.made[j, M_FEE], d.made[j, M_AT] = mark, mark, 0.0, when
            note_fill(
                d, fill_out, d.pos[first, TRADE_ID], float(i), leg[ROW0], leg[L_STRIKE], side,
                abs(leg[L_RATIO]) * d.pos[first, QTY], mark, mark, 0.0, when, reason, when, d.pos[first, SYM],
            )  # fmt: skip
            j += 1
        leave(d, first, d.pos[first, QTY], 0.0, when, reason, trade_out, trade_legs_out)
    d.sums[N_ORDERS] = 0.0
    d.sums[RUINED] = 1.0


def mark_symbol(b, t, c, d, s, k):
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] == s:
            mark_position(b, d, t, c, p, k)


def do_tick(b, t, c, d, instruments, rules, order, targets, bits, due, events, k, outs):
    """Everything that happens up to and at one scheduled end, in the order of semantics §10."""
    fill_out, trade_out, trade_legs_out, skip_out = outs[0], outs[1], outs[2], outs[3]
    n_symbols, now = bits.shape[0], t.end[k]
    open_tick(b, t, c, d, k, events, fill_out, trade_out, trade_legs_out)
    if not c.is_snapshot and d.sums[N_ORDERS] > 0.0:
        fill_due(b, t, c, d, instruments, k, fill_out, trade_out, trade_legs_out, skip_out)
    for s in range(n_symbols):
        if t.flags[s, k] & SCHEDULED and d.sums[N_POS] > 0.0:
            mark_symbol(b, t, c, d, s, k)
            settle(b, d, s, now, b.prices[s, k, SPOT], False, fill_out, trade_out, trade_legs_out)
            if t.flags[s, k] & ENDS:
                report_risk(b, d, c, s, k)
    if events[k] & DAY_END and d.sums[RUINED] == 0.0 and equity_now(d) <= 0.0:
        ruin(d, now, fill_out, trade_out, trade_legs_out)
    if d.sums[RUINED] == 0.0:
        decide(b, t, c, d, rules, order, targets, bits, due, k, skip_out)
    if c.is_snapshot:
        fill_due(b, t, c, d, instruments, k, fill_out, trade_out, trade_legs_out, skip_out)
        for s in range(n_symbols):
            if t.flags[s, k] & SCHEDULED:
                mark_symbol(b, t, c, d, s, k)


def write_down(b, t, d, events, k, equity_out, tick_out, mark_out):
    """Equity at the end of a session; in a dense walk equity and cash of the tick, and marks of what is held."""
    worth, n = equity_now(d), int(d.sums[N_POS])
    if events[k] & DAY_END:
        equity_out[t.day[k]] = worth
    if n > 0:
        d.sums[HELD_TICKS] += 1.0
    for p in range(n):
        d.pos[p, HELD] += 1.0
    if len(tick_out) == 0:
        return
    tick_out[k, 0], tick_out[k, 1], tick_out[k, 2] = worth, cash_now(d), n
    for p in range(n):
        m = int(d.sums[N_MARKS])
        if m < len(mark_out):
            mark_out[m, 0], mark_out[m, 1], mark_out[m, 2] = d.pos[p, TRADE_ID], k, worth_of(d, p)
            mark_out[m, 3] = b.prices[int(d.pos[p, SYM]), k, SPOT]
            mark_out[m, 4] = 1.0 if is_fresh_now(d, p) else 0.0
        d.sums[N_MARKS] += 1.0


def begin(c, d):
    """An account at the start of a walk."""
    d.sums[:] = 0.0
    d.sums[BALANCE] = c.cash
    d.today[:] = -1.0


def walk(
    b, t, c, d, instruments, rules, order, targets, bits, words, due, events, event_words, k,
    equity_out, tick_out, mark_out, outs, most_work,
):  # fmt: skip
    """Run one config on from tick k; the tick it got to, n_ticks once it is through. Nothing is allocated here.

    rules   : float64 (2, n_legs, RULE_WIDTH), legs as written and mirrored. order: int64 (n_legs,).
    targets : float64 (2, n_targets), gains and shares as fractions.
    bits, words, due, events, event_words : as the walk over bars takes them.
    equity_out : float64 (n_days,), equity at each session's end.
    tick_out   : float64 (n_ticks, 3), equity, cash and positions at every tick, or (0, 3) to skip quiet stretches.
    mark_out, outs : rows of marks, of fills, trades, their legs, and skips, as many as fit; `sums` counts all of them.
    most_work  : ticks and volatilities after which it comes back, so that a cancel is heard.
    """
    n, dense = bits.shape[1], len(tick_out) > 0
    glides = c.has_quotes and not c.is_snapshot and not c.roll_on_assignment and not c.roll_on_gamma
    d.used[WORK] = 0
    while k < n and d.used[WORK] < most_work and d.sums[OVERFLOW] == 0.0:
        if not dense and d.sums[N_ORDERS] == 0.0:
            before = k
            if d.sums[N_POS] == 0.0:
                if d.sums[RUINED] != 0.0:
                    k = n
                elif d.sums[BALANCE] > 0.0:
                    if is_done_today(t, c, d, k):
                        k = next_event(bits, words, events, event_words, k, 0, WAKE | NEW_DAY)
                    else:
                        k = next_event(bits, words, events, event_words, k, ENTER_LONG | ENTER_SHORT, WAKE)
                if k > before:
                    last = t.day[k] if k < n else len(equity_out)
                    equity_out[t.day[before] : last] = d.sums[BALANCE]
            elif glides and is_plain(c):
                k = skim(b, t, c, d, targets, bits, events, k)
            elif glides:
                k = watch(b, t, c, d, rules, targets, bits, events, k)
            if k >= n:
                break
        do_tick(b, t, c, d, instruments, rules, order, targets, bits, due, events, k, outs)
        write_down(b, t, d, events, k, equity_out, tick_out, mark_out)
        d.used[WORK] += 1
        k += 1
    return k


def metrics_row(pos, sums, equity_out, cash, cash_rate, periods_per_year, n_ticks, out):
    """`write_metrics` of a finished walk; open positions count in costs."""
    fees, slip = sums[SUM_FEES], sums[SUM_SLIP]
    for p in range(int(sums[N_POS])):
        fees += pos[p, FEES]
        slip += pos[p, SLIP]
    write_metrics(sums, fees, slip, equity_out, cash, cash_rate, periods_per_year, n_ticks, out)


FORMULAS = (
    as_written,
    middle,
    buy_price,
    sell_price,
    delta_distance,
    strike_distance,
    tick_down,
    tick_up,
    slippage,
    commission,
    stop_level,
    target_level,
    has_gained,
    trail_level,
    break_even_level,
    tightest_stop,
    target_quantity,
    whole_lots,
    unit_cost,
    wanted_units,
    units_within,
    affordable_units,
    worth_a_share,
    worse_than_mid,
    side_of,
    next_event,
    yield_of_cash,
)

WALK = (
    split_contracts,
    pay_dividend,
    deliver,
    settle,
    open_tick,
    ruin,
    mark_symbol,
    do_tick,
    write_down,
    begin,
    walk,
)

LEAN = {"_nrt": False}
"""Without references to count a call costs little, as in `sim/bars.py`."""
INSIDE = {**LEAN, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Of functions that only compiled ones call: half of what compiling them takes is the door for Python."""

_formulas = compile_together(FORMULAS, given={}, options={**INSIDE, "forceinline": True})
_priced = {name: PRICING[name] for name in ("implied_volatility", "bsm_greeks")}
_inside = compile_together(
    (*PAYOFFS, *QUOTES, *MOMENTS, *CHOICE, *MONEY, *ORDERS, *EXITS, *DECISIONS, *STRETCHES, *WALK[:-2]),
    given={**_formulas, **_priced},
    watched=[one for one in PRICING.values() if hasattr(one, "py_func")],
    options={**INSIDE, "error_model": "numpy"},
)
compiled = {
    **compile_together(
        WALK[-2:],
        given=_inside,
        options={**LEAN, "error_model": "numpy"},
    ),
    **compile_together(
        (write_metrics, metrics_row),
        given={"daily_metrics": daily_metrics, "trade_ratios": trade_ratios},
        watched=[one for one in vars(returns).values() if hasattr(one, "py_func")],
    ),
}
