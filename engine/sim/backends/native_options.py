"""The compiled option walk as an engine: one run with its full record, or one row of metrics a config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.bars import FloatArray
from engine.core.compiled import compile_once
from engine.core.errors import RunError
from engine.core.option_rules import OptionRules
from engine.sim.kernel import book as b
from engine.sim.kernel import option_book as o
from engine.sim.kernel.option_book import (
    FILL_WIDTH,
    LEG_WIDTH,
    MARK_WIDTH,
    ORDER_LEG_WIDTH,
    ORDER_WIDTH,
    POS_WIDTH,
    SCRATCH_WIDTH,
    SKIP_WIDTH,
    SUMS_WIDTH,
    Desk,
)
from engine.sim.kernel.pinned import Pinned
from engine.sim.option_market import OptionMarket
from engine.sim.option_numbers import kernel_legs, kernel_terms
from engine.sim.option_ticks import OptionTicks
from engine.sim.options import compiled
from engine.sim.reference_options import LegFill, OptionRecord, PositionMark, go_on
from engine.sim.ticks import kernel_targets, padded_bytes
from engine.trade.chain import NO_GREEKS, Contract, Greeks
from engine.trade.decide import Skip
from engine.trade.exits import target_level
from engine.trade.option_account import first_levels
from engine.trade.option_state import HeldLeg, OptionPosition, OptionTrade
from engine.trade.quotes import OPTION_TICKS
from engine.trade.state import Fill, State

if TYPE_CHECKING:
    from engine.signals.rules import SignalColumns

MOST_POSITIONS = 64
MARK_BYTES = 64 << 20
MOMENT_ROWS = 1 << 21
MOST_WORK = 20_000
"""Ticks or volatilities in one call of the walk: at most half a second, with as many positions as the books hold."""

Rows = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def uncovered(market: OptionMarket, rules: OptionRules) -> str | None:
    """What of a config the compiled walk does not restate, in words; None where it restates all of it."""
    quoted = [lane.bars.rules.symbol for lane in market.lanes if lane.bars.rules.has_quotes]
    if quoted:
        return f"{', '.join(quoted)}: an underlying with bids and asks of its own"
    if _most_positions(market, rules) > MOST_POSITIONS:
        return f"more than {MOST_POSITIONS} positions at once (sizing.max_concurrent, sizing.max_per_symbol)"
    return None


def _most_positions(market: OptionMarket, rules: OptionRules) -> int:
    """Positions that can be open at once: fills keep to max_per_symbol a side and to max_concurrent."""
    most, cap = 2 * rules.max_per_symbol * len(market.lanes), rules.base.sizing.max_concurrent
    return max(1, most if cap < 0 else min(most, cap))


class OptionEngine:
    """Walks configs over one market, one thread. Marks and deltas that a config asked for are kept for the next."""

    def __init__(self, laid: OptionTicks, plain: dict[str, Any] | None = None) -> None:
        self.laid = laid
        self._forms = compiled if plain is None else plain
        self._pin: Callable[[Any], Any] = Pinned if plain is None else _as_it_is
        self._board, self._ticks = self._pin(laid.board), self._pin(laid.laid.ticks)
        self._bits, self._words = padded_bytes(*laid.market.base.bar.T.shape)
        self._equity = np.empty(len(laid.market.base.days))
        self._desks: dict[tuple[int, int, int], tuple[Desk, Any]] = {}
        self._kept = _kept(laid)
        self._max_age = -1
        self._terms: Any = None
        self._is_compiled = False

    def metrics(
        self,
        rules: OptionRules,
        signals: tuple[SignalColumns, ...],
        out: FloatArray,
        check: Callable[[], None] = go_on,
    ) -> None:
        """The metrics of one config in the order of METRIC_NAMES, written to `out` float64 (14,).

        check : called before every stretch of the walk; what it raises ends it.
        """
        terms, nothing = self._terms_of(rules), np.empty((0, MARK_WIDTH))
        desk = self._run(rules, terms, signals, np.empty((0, 3)), nothing, _rows(rules, 0, 0, 0), check)
        cash, rate, periods = rules.base.cash, rules.base.cash_rate, self.laid.market.base.periods_per_year
        self._forms["metrics_row"](
            desk.pos, desk.sums, self._equity, float(cash), float(rate), periods, len(self.laid), out
        )

    def record(
        self, rules: OptionRules, signals: tuple[SignalColumns, ...], check: Callable[[], None] = go_on
    ) -> OptionRecord:
        """Everything that happens in one config: walked once to count, once to write down."""
        ticks, terms = np.empty((len(self.laid), 3)), self._terms_of(rules)
        nothing = np.empty((0, MARK_WIDTH))
        desk = self._run(rules, terms, signals, ticks, nothing, _rows(rules, 0, 0, 0), check)
        n = [int(desk.sums[column]) for column in (o.N_MARKS, b.N_FILLS, b.N_TRADES, b.N_SKIPS)]
        marks, rows = np.empty((n[0], MARK_WIDTH)), _rows(rules, *n[1:])
        desk = self._run(rules, terms, signals, ticks, marks, rows, check)
        return Telling(self.laid, rules).record(desk, ticks, marks, rows)

    def _run(
        self,
        rules: OptionRules,
        terms: Any,
        signals: tuple[SignalColumns, ...],
        ticks: FloatArray,
        marks: FloatArray,
        rows: Rows,
        check: Callable[[], None],
    ) -> Desk:
        """Walk a config to its end; its books."""
        laid, bars = self.laid, self.laid.laid
        legs, order = kernel_legs(rules)
        _, due = bars.clock_rules(rules.base)
        events, event_words = bars.events(rules.base)
        bars.bits(signals, rules.base, self._bits)
        desk, pinned = self._desk(rules)
        given = (
            self._board, self._ticks, terms, pinned, bars.instruments, legs, order, kernel_targets(rules.base),
            self._bits, self._words, due, events, event_words,
        )  # fmt: skip
        outs = (self._equity, ticks, marks, rows, MOST_WORK)
        if not self._is_compiled:
            compile_once(self._forms["walk"], (*given, 0, *outs), check)
            self._is_compiled = True
        self._forms["begin"](terms, pinned)
        k, n = 0, len(laid)
        while k < n and not desk.sums[o.OVERFLOW]:
            check()
            k = self._forms["walk"](*given, k, *outs)
        if desk.sums[o.OVERFLOW]:
            raise RunError(
                f"options: over {len(desk.pos)} positions or {len(desk.order)} orders at once. Run --engine reference."
            )
        return desk

    def _terms_of(self, rules: OptionRules) -> Any:
        """`Terms` as kernels take them, in one place for all configs."""
        terms = kernel_terms(rules, self.laid.market)
        if not isinstance(self._terms, Pinned):
            self._terms = self._pin(terms)
        else:
            self._terms.update(terms)
        return self._terms

    def _desk(self, rules: OptionRules) -> tuple[Desk, Any]:
        """Books of the size that a spec may need, over marks and deltas that its age of quotes shares."""
        if self._max_age != rules.filters.max_quote_age_ns:
            self._max_age = rules.filters.max_quote_age_ns
            self._kept["mark_slot"][:] = -1
            self._kept["moment_slot"][:] = -1
            self._kept["used"][:] = 0
        most = min(_most_positions(self.laid.market, rules), MOST_POSITIONS)
        size = (most, len(rules.legs) + 1, rules.base.entry.fill_within)
        if size not in self._desks:
            books = _books(*size, self.laid, self._kept)
            self._desks[size] = books, self._pin(books)
        return self._desks[size]


def _as_it_is(fields: Any) -> Any:
    return fields


def _kept(laid: OptionTicks) -> dict[str, Any]:
    """What configs share: marks and deltas found so far. Memory is taken as it fills."""
    board, (n_symbols, n_ticks, _) = laid.board, laid.board.on_tick.shape
    span = max(1, int(board.session[:, o.TICK_COUNT].max()))
    groups = board.expiry[:, o.N_CALLS] + board.expiry[:, o.N_PUTS]
    most = int(groups.max()) if len(groups) else 1
    return {
        "mark_slot": np.full(len(board.row), -1, dtype=np.int64),
        "mark_pool": np.empty((max(1024, MARK_BYTES // (8 * span)), span)),
        "moment_slot": np.full(
            (n_symbols, n_ticks, max(1, int(board.session[:, o.X_COUNT].max()))), -1, dtype=np.int64
        ),
        "moment_pool": np.empty((max(MOMENT_ROWS, 2 * most + 2), 2)),
        "used": np.zeros(3, dtype=np.int64),
        "pairs": np.empty((most, SCRATCH_WIDTH)),
    }


def _books(n_positions: int, n_legs: int, fill_within: int, laid: OptionTicks, kept: dict[str, Any]) -> Desk:
    """Room for what can wait at once: an exit and a conversion a position, an entry a symbol, and entries of rolls,
    which outlive their position by `fill_within` bars."""
    n_symbols = len(laid.market.lanes)
    n_orders = (3 + fill_within) * n_positions + n_symbols
    scratch = {
        name: np.empty((n_legs, SCRATCH_WIDTH))
        for name in ("chosen", "hold", "kept", "left", "offers", "made")
    }
    return Desk(
        pos=np.zeros((n_positions, POS_WIDTH)),
        leg=np.zeros((n_positions, n_legs, LEG_WIDTH)),
        order=np.zeros((n_orders, ORDER_WIDTH)),
        order_leg=np.zeros((n_orders, n_legs, ORDER_LEG_WIDTH)),
        sums=np.zeros(SUMS_WIDTH),
        today=np.zeros((n_symbols, 2)),
        parts=np.empty((n_legs * n_legs + n_legs, SCRATCH_WIDTH)),
        watched=np.zeros(n_symbols, dtype=np.int64),
        **scratch,
        **kept,
    )


def _rows(rules: OptionRules, n_fills: int, n_trades: int, n_skips: int) -> Rows:
    return (
        np.empty((n_fills, FILL_WIDTH)),
        np.empty((n_trades, POS_WIDTH)),
        np.empty((n_trades, len(rules.legs) + 1, LEG_WIDTH)),
        np.empty((n_skips, SKIP_WIDTH)),
    )


class Telling:
    """The rows of a walk as the records of the definition."""

    def __init__(self, laid: OptionTicks, rules: OptionRules) -> None:
        self.laid, self.rules = laid, rules
        self.symbols = laid.market.base.symbols
        self.ticks = laid.market.base.ticks
        self._greeks: dict[tuple[int, int], Greeks] = {}

    def record(self, desk: Desk, ticks: FloatArray, marks: FloatArray, rows: Rows) -> OptionRecord:
        fills, trades, trade_legs, skips = rows
        end = self.ticks.tolist()
        record = OptionRecord(
            fills=[self._fill(row) for row in fills.tolist()],
            skips=[Skip(end[int(k)], self.symbols[int(s)], int(reason)) for k, s, reason in skips.tolist()],
            marks=[
                PositionMark(int(one), end[int(k)], worth, spot, bool(is_fresh))
                for one, k, worth, spot, is_fresh in marks.tolist()
            ],
            equity=ticks[:, 0].tolist(),
            cash=ticks[:, 1].tolist(),
            exposed=(ticks[:, 2] > 0.0).tolist(),
            settled_on_minute=bool(desk.sums[o.ON_MINUTE]),
        )
        record.trades = [self._trade(p, legs) for p, legs in zip(trades.tolist(), trade_legs, strict=True)]
        n = int(desk.sums[o.N_POS])
        held = [self._position(p, legs) for p, legs in zip(desk.pos[:n].tolist(), desk.leg[:n], strict=True)]
        record.held = Counter(
            {
                int(p[o.TRADE_ID]): int(p[o.HELD])
                for p in (*trades.tolist(), *desk.pos[:n].tolist())
                if p[o.HELD]
            }
        )
        record.state = State(
            balance=float(desk.sums[b.BALANCE]),
            options=tuple(held),
            next_id=int(desk.sums[b.NEXT_ID]),
            ruined=bool(desk.sums[b.RUINED]),
        )
        return record

    def contract(self, row: int, strike: float) -> Contract:
        """The contract of a row, under the strike that splits have left it."""
        r, p = self.laid.board.row[row].tolist(), self.laid.board.row_price[row]
        return Contract(
            self.laid.roots[r[o.ROOT]],
            r[o.EXPIRY],
            strike,
            bool(r[o.IS_CALL]),
            r[o.EXPIRES_AT],
            float(p[o.MULTIPLIER]),
            bool(r[o.IS_AM]),
        )

    def greeks(self, symbol: int, row: int, decided_at: int) -> Greeks:
        """As the chain told them at the decision."""
        key = (row, decided_at)
        if key not in self._greeks:
            self._greeks[key] = self._told(symbol, row, decided_at)
        return self._greeks[key]

    def _told(self, symbol: int, row: int, at: int) -> Greeks:
        tick, max_age = int(np.searchsorted(self.ticks, at)), self.rules.filters.max_quote_age_ns
        chain = self.laid.market.chain_at(symbol, tick, max_age)
        assert chain is not None  # a decision ends a bar
        return chain.greeks(self.contract(row, float(self.laid.board.row_price[row, o.STRIKE])))

    def _fill(self, row: list[float]) -> LegFill:
        trade_id, leg, row0, strike, side, qty, raw, price, fee, at, reason, decided, s = row
        name = self.symbols[int(s)] if row0 < 0 else self.contract(int(row0), strike).name
        fill = Fill(name, int(side), qty, raw, price, fee, int(at), int(reason), int(decided))
        return LegFill(int(trade_id), int(leg), fill)

    def _legs(self, p: list[float], rows: FloatArray) -> tuple[HeldLeg, ...]:
        symbol = int(p[o.SYM])
        return tuple(self._leg(symbol, row) for row in rows[: int(p[o.N_LEGS])].tolist())

    def _leg(self, symbol: int, row: list[float]) -> HeldLeg:
        is_option = row[o.ROW0] >= 0.0
        return HeldLeg(
            contract=self.contract(int(row[o.ROW0]), row[o.L_STRIKE]) if is_option else None,
            ratio=row[o.L_RATIO],
            entry_price=row[o.L_ENTRY],
            entry_raw=row[o.L_RAW],
            mark=row[o.L_MARK],
            own_mark=row[o.L_OWN],
            is_fresh=bool(row[o.L_FRESH]),
            closed=row[o.L_CLOSED],
            greeks=self.greeks(symbol, int(row[o.ROW0]), int(row[o.L_DECIDED])) if is_option else NO_GREEKS,
        )

    def _trade(self, p: list[float], rows: FloatArray) -> OptionTrade:
        side, premium = int(p[o.SIDE]), p[o.PREMIUM]
        stop, target = first_levels(self.rules, premium, side)
        return OptionTrade(
            trade_id=int(p[o.TRADE_ID]),
            symbol=self.symbols[int(p[o.SYM])],
            view=int(p[o.VIEW]),
            side=side,
            qty=p[o.ENTRY_QTY],
            entry_at=int(p[o.ENTRY_AT]),
            decided_at=int(p[o.DECIDED_AT]),
            entry_price=premium,
            exit_at=int(p[o.EXIT_AT]),
            exit_price=p[o.EXIT_VALUE] / p[o.EXIT_QTY] / p[o.UNIT] * side + 0.0,
            exit_reason=int(p[o.EXIT_REASON]),
            gross=p[o.GROSS],
            fees=p[o.FEES],
            slippage=p[o.SLIP],
            income=p[o.INCOME],
            stop=stop,
            target=target,
            legs=self._legs(p, rows),
            unit=p[o.UNIT],
            peak=p[o.PEAK],
            trough=p[o.TROUGH],
            risk_sessions=int(p[o.RISK_SESSIONS]),
            rolled_from=int(p[o.ROLLED_FROM]),
            converted_at=int(p[o.CONVERTED_AT]),
        )

    def _position(self, p: list[float], rows: FloatArray) -> OptionPosition:
        targets, premium = self.rules.base.exits.targets[int(p[o.N_USED]) :], p[o.PREMIUM]
        return OptionPosition(
            trade_id=int(p[o.TRADE_ID]),
            symbol=self.symbols[int(p[o.SYM])],
            view=int(p[o.VIEW]),
            side=int(p[o.SIDE]),
            qty=p[o.QTY],
            entry_qty=p[o.ENTRY_QTY],
            entry_at=int(p[o.ENTRY_AT]),
            decided_at=int(p[o.DECIDED_AT]),
            legs=self._legs(p, rows),
            unit=p[o.UNIT],
            premium=premium,
            entry_spot=p[o.ENTRY_SPOT],
            peak=p[o.PEAK],
            trough=p[o.TROUGH],
            targets=tuple(
                (target_level(premium, 1, t.gain_frac, OPTION_TICKS), t.share_frac) for t in targets
            ),
            stop=p[o.STOP],
            gross=p[o.GROSS],
            fees=p[o.FEES],
            slippage=p[o.SLIP],
            income=p[o.INCOME],
            exit_qty=p[o.EXIT_QTY],
            exit_value=p[o.EXIT_VALUE],
            risk_sessions=int(p[o.RISK_SESSIONS]),
            rolled_from=int(p[o.ROLLED_FROM]),
            converted_at=int(p[o.CONVERTED_AT]),
        )
