"""The compiled walk as an engine: one run with its full record, or one row of metrics a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.bars import FloatArray
from engine.core.rules import TradeRules
from engine.sim.bars import compiled
from engine.sim.kernel import book as b
from engine.sim.kernel.book import BOOK_WIDTH, FILL_WIDTH, SKIP_WIDTH, SUMS_WIDTH, TRADE_WIDTH, Config
from engine.sim.reference import Record
from engine.sim.ticks import TickMarket, kernel_config, kernel_targets, padded_bytes
from engine.trade.decide import Skip
from engine.trade.state import Fill, Position, State, Trade

if TYPE_CHECKING:
    from engine.signals.rules import SignalColumns

NO_FLOATS = np.empty(0)


class NativeEngine:
    """Walks configs over one market. The buffers are reused, so memory does not grow with the number of configs."""

    def __init__(self, laid: TickMarket, walk: Any = None) -> None:
        self.laid = laid
        self._walk = compiled["walk"] if walk is None else walk
        self._bits, self._words = padded_bytes(*laid.market.bar.T.shape)
        self._book = np.empty((len(laid.market.lanes), BOOK_WIDTH))
        self._sums = np.empty(SUMS_WIDTH)
        self._equity = np.empty(len(laid.market.days))
        self._nothing = tuple(np.empty((0, width)) for width in (FILL_WIDTH, TRADE_WIDTH, SKIP_WIDTH))

    def metrics(self, rules: TradeRules, signals: tuple[SignalColumns, ...], out: FloatArray) -> None:
        """The metrics of one config in the order of METRIC_NAMES, written to `out` float64 (14,)."""
        config = kernel_config(rules, self.laid.market.periods_per_year)
        book, sums = self._run(rules, config, signals, NO_FLOATS, NO_FLOATS, self._nothing)
        compiled["metrics_row"](book, self.laid.instruments, sums, config, self._equity, len(self.laid), out)

    def record(self, rules: TradeRules, signals: tuple[SignalColumns, ...]) -> Record:
        """Everything that happens in one config: walked once to count, once to write down."""
        config = kernel_config(rules, self.laid.market.periods_per_year)
        _, sums = self._run(rules, config, signals, NO_FLOATS, NO_FLOATS, self._nothing)
        sizes = (b.N_FILLS, b.N_TRADES, b.N_SKIPS)
        rows = tuple(
            np.empty((int(sums[n]), width))
            for n, width in zip(sizes, (FILL_WIDTH, TRADE_WIDTH, SKIP_WIDTH), strict=True)
        )
        tick_equity, tick_cash = np.empty(len(self.laid)), np.empty(len(self.laid))
        book, sums = self._run(rules, config, signals, tick_equity, tick_cash, rows)
        return self._as_record(rules, book, sums, tick_equity, tick_cash, rows)

    def _run(
        self,
        rules: TradeRules,
        config: Config,
        signals: tuple[SignalColumns, ...],
        tick_equity: FloatArray,
        tick_cash: FloatArray,
        rows: tuple[FloatArray, ...],
    ) -> tuple[FloatArray, FloatArray]:
        laid = self.laid
        _, due = laid.clock_rules(rules)
        events, event_words = laid.events(rules)
        laid.bits(signals, rules, self._bits)
        book, sums = self._book, self._sums
        self._walk(
            book,
            sums,
            laid.ticks,
            laid.instruments,
            config,
            kernel_targets(rules),
            *laid.own_levels(signals),
            self._bits,
            self._words,
            due,
            events,
            event_words,
            self._equity,
            tick_equity,
            tick_cash,
            *rows,
        )
        return book, sums

    def _as_record(
        self,
        rules: TradeRules,
        book: FloatArray,
        sums: FloatArray,
        tick_equity: FloatArray,
        tick_cash: FloatArray,
        rows: tuple[FloatArray, ...],
    ) -> Record:
        fill_rows, trade_rows, skip_rows = (r.tolist() for r in rows)
        end = self.laid.market.ticks
        symbols = self.laid.market.symbols
        record = Record(equity=tick_equity.tolist(), cash=tick_cash.tolist())
        for trade_id, s, tick, side, qty, raw, price, fee, reason in fill_rows:
            at = self.laid.start(int(s), int(tick))
            fill = Fill(symbols[int(s)], int(side), qty, raw, price, fee, at, int(reason), 0)
            record.fills.append((int(trade_id), fill))
        for row in trade_rows:
            record.trades.append(self._trade(rules, row))
        for tick, s, reason in skip_rows:
            record.skips.append(Skip(int(end[int(tick)]), symbols[int(s)], int(reason)))
        record.state = State(
            balance=float(sums[b.BALANCE]),
            positions=tuple(self._position(rules, book, s) for s in range(len(book)) if book[s, b.SIDE]),
            ruined=bool(sums[b.RUINED]),
        )
        n = len(end)
        spans = [(int(row[3]), int(row[11])) for row in trade_rows]
        spans += [(int(row[b.ENTRY_TICK]), n) for row in book if row[b.SIDE]]
        record.exposed = _held(spans, n)
        return record

    def _trade(self, rules: TradeRules, row: list[float]) -> Trade:
        s, entry, decided, last = int(row[10]), int(row[3]), int(row[4]), int(row[11])
        start, end = self.laid.start, self.laid.market.ticks
        return Trade(
            trade_id=int(row[0]),
            symbol=rules.symbols[s].symbol,
            side=int(row[1]),
            qty=row[2],
            entry_at=start(s, entry),
            decided_at=int(end[decided]),
            entry_price=row[5],
            exit_at=start(s, last),
            exit_price=row[13],
            exit_reason=int(row[12]),
            gross=row[6],
            fees=row[7],
            slippage=row[8],
            income=row[9],
            stop=row[14],
            target=row[15],
        )

    def _position(self, rules: TradeRules, book: FloatArray, s: int) -> Position:
        row = book[s].tolist()
        start, end = self.laid.start, self.laid.market.ticks
        used = int(row[b.N_USED])
        n_targets = int(row[b.N_TARGETS])
        return Position(
            trade_id=int(row[b.TRADE_ID]),
            symbol=rules.symbols[s].symbol,
            side=int(row[b.SIDE]),
            qty=row[b.QTY],
            entry_qty=row[b.ENTRY_QTY],
            filled_qty=row[b.FILLED_QTY],
            entry_at=start(s, int(row[b.ENTRY_TICK])),
            decided_at=int(end[int(row[b.DECIDED])]),
            entry_price=row[b.ENTRY_PRICE],
            basis_raw=row[b.BASIS_RAW],
            basis_price=row[b.BASIS_PRICE],
            peak=row[b.PEAK],
            mark=row[b.MARK],
            stop=row[b.STOP],
            targets=tuple((row[b.LEVEL_0 + n], row[b.SHARE_0 + n]) for n in range(used, n_targets)),
            rested=bool(row[b.RESTED]),
            gross=row[b.GROSS],
            fees=row[b.FEES],
            slippage=row[b.SLIP],
            income=row[b.INCOME],
            exit_qty=row[b.EXIT_QTY],
            exit_value=row[b.EXIT_VALUE],
            first_stop=row[b.FIRST_STOP],
            first_target=row[b.FIRST_TARGET],
            own_stop=bool(row[b.OWN_STOP]),
        )


def _held(spans: list[tuple[int, int]], n_ticks: int) -> list[bool]:
    """Was a position held at the end of each tick? Spans run from the entry's tick to the exit's, exclusive."""
    change = np.zeros(n_ticks + 1, dtype=np.int64)
    for first, last in spans:
        change[first] += 1
        change[last] -= 1
    held: list[bool] = (np.cumsum(change[:-1]) > 0).tolist()
    return held
