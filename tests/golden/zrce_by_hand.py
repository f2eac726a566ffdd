"""ZRCE Second Chance on SPY minutes worked out a second time, from the vendor's CSV lines, in exact decimals.

Nothing here comes from `engine`. Zone, attempts, volume, fills, stops, targets, trail, time limit, sizes and costs of
`specs/zrce_second_chance.json` are calculated anew in the plainest way: one day at a time, one position at a time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

from tests.golden.by_hand import NEW_YORK, SHIPPED_COSTS, lines, whole

CENT = Decimal("0.01")
OPEN, DRAWN, LAST_ENTRY, CLOSE = 570, 630, 945, 960  # minutes of the day: 09:30, 10:30, 15:45, 16:00
BUFFER = Decimal("0.10")  # zone and trigger alike
RATIOS = (Decimal("1.5"), Decimal("1.2"))
STOP, TARGETS, TRAIL = Decimal("0.0035"), (Decimal("0.004"), Decimal("0.008")), Decimal("0.003")
ACTIVE, EVEN, HOLD = Decimal("0.003"), Decimal("0.0002"), 120


@dataclass(frozen=True)
class Minute:
    """One line of a day's file. minute: of the day, at its start."""

    line: str
    minute: int
    at: dt.datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass
class Trade:
    """A trade of the list; fills are (quantity, raw price, price paid or received)."""

    side: int
    quantity: Decimal
    signal: Minute
    entry: Minute
    attempt: int
    fills: list[tuple[Decimal, Decimal, Decimal]] = field(default_factory=list)
    exit_at: dt.datetime | None = None
    reason: str = ""

    @property
    def money(self) -> dict[str, Decimal]:
        (_, raw, paid), *exits = self.fills
        fees = sum(SHIPPED_COSTS.fee(q) for q, _, _ in self.fills)
        gross = sum(((r - raw) * self.side * q for q, r, _ in exits), Decimal(0))
        slip = sum((abs(p - r) * q for q, r, p in self.fills), Decimal(0))
        return {
            "entry_price": paid,
            "exit_price": sum((q * p for q, _, p in exits), Decimal(0)) / self.quantity,
            "gross_pnl": gross, "fees": Decimal(fees), "slippage": slip, "dividends": Decimal(0),
            "net_pnl": gross - fees - slip,
        }  # fmt: skip


def minutes(path: Path) -> list[Minute]:
    """The regular hours of a day: milliseconds since midnight in New York, dollars x 10,000."""
    day = dt.datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=NEW_YORK)
    found = []
    for line in lines(path):
        ms, *text = line.split(",")
        minute = int(ms) // 60_000
        if OPEN <= minute < CLOSE:
            at = (day + dt.timedelta(minutes=minute)).astimezone(dt.UTC)
            prices = (Decimal(one) / 10_000 for one in text[:4])
            found.append(Minute(line, minute, at, *prices, int(text[4])))
    return found


def confirmed(day: list[Minute]) -> list[tuple[int, int, int]]:
    """(row, side, attempt) of every bar that confirms an attempt."""
    zone = [one for one in day if one.minute < DRAWN]
    edges = {1: max(one.high for one in zone) + BUFFER, -1: min(one.low for one in zone) - BUFFER}
    running, attempts, entered = {1: False, -1: False}, {1: 0, -1: 0}, {1: False, -1: False}
    found = []
    for i in range(len(zone), len(day)):
        for side, edge in edges.items():
            beyond = (day[i].close - edge) * side
            if beyond <= 0:
                running[side] = False
            elif beyond > BUFFER:
                if not running[side]:
                    running[side], entered[side], attempts[side] = True, False, attempts[side] + 1
                if not entered[side] and attempts[side] <= 2:
                    before = sum(one.volume for one in day[i - 20 : i])
                    if Decimal(day[i].volume) * 20 >= RATIOS[attempts[side] - 1] * before:
                        found.append((i, side, attempts[side]))
                        entered[side] = True
    return found


def trades_of(days: list[list[Minute]], a_day: int, cash: Decimal = Decimal(100_000)) -> list[Trade]:
    """All trades; at most `a_day` a session."""
    found: list[Trade] = []
    for day in days:
        free_from = n = 0
        for i, side, attempt in confirmed(day):
            if n < a_day and i >= free_from and day[i].minute + 1 <= LAST_ENTRY:
                n += 1
                trade, free_from = traded(day, i, side, attempt, cash)
                cash += trade.money["net_pnl"]
                found.append(trade)
    return found


def traded(day: list[Minute], i: int, side: int, attempt: int, cash: Decimal) -> tuple[Trade, int]:
    """The trade that bar `i` decides, and the row at whose end the next one may be decided."""
    entry = day[i + 1]
    paid = entry.open * (1 + side * SHIPPED_COSTS.slippage)
    binds = paid if side > 0 else paid / 2  # a short binds half of its worth
    q = min(whole(cash / day[i].close), whole((cash - SHIPPED_COSTS.fee(whole(cash / paid))) / binds))
    trade = Trade(side, q, day[i], entry, attempt, [(q, entry.open, paid)])
    stop = away(paid * (1 - side * STOP), side)
    targets = [away(paid * (1 + side * gain), -side) for gain in TARGETS]
    shares, left, peak = [whole(q / 2), q - whole(q / 2)], q, paid
    for k in range(i + 1, len(day)):
        bar = day[k]
        level, reason = stop, "stop_loss"
        if (peak - paid) * side >= ACTIVE * paid:
            for one, name in (
                (paid * (1 + side * EVEN), "break_even"),
                (peak * (1 - side * TRAIL), "trailing_stop"),
            ):
                if (away(one, side) - level) * side > 0:
                    level, reason = away(one, side), name
        worst, best = (bar.low, bar.high) if side > 0 else (bar.high, bar.low)
        if (bar.open - level) * side <= 0:
            return close(trade, left, bar.open, bar, reason, slips=True), k
        while targets and (bar.open - targets[0]) * side >= 0:
            left = part(trade, left, shares.pop(0), bar.open, targets, bar)
        if left and (worst - level) * side <= 0:
            return close(trade, left, level, bar, reason, slips=True), k
        while left and targets and (best - targets[0]) * side >= 0:
            left = part(trade, left, shares.pop(0), targets[0], targets, bar)
        if not left:
            return trade, k
        peak = max(peak, bar.high) if side > 0 else min(peak, bar.low)
        held = bar.minute + 1 - entry.minute
        if held >= HOLD or bar.minute + 1 >= CLOSE - 1:
            after = day[k + 1]
            name = "max_hold" if held >= HOLD else "end_of_day"
            return close(trade, left, after.open, after, name, slips=True), k + 1
    raise AssertionError("a position outlived its day")


def away(level: Decimal, side: int) -> Decimal:
    """A level on whole cents: down for a long's stop (side 1), up for a short's."""
    return level.quantize(CENT, ROUND_FLOOR if side > 0 else ROUND_CEILING)


def part(
    trade: Trade, left: Decimal, q: Decimal, price: Decimal, targets: list[Decimal], bar: Minute
) -> Decimal:
    targets.pop(0)
    close(trade, q, price, bar, "take_profit", slips=False)
    return left - q


def close(trade: Trade, q: Decimal, raw: Decimal, bar: Minute, reason: str, *, slips: bool) -> Trade:
    price = raw * (1 - trade.side * SHIPPED_COSTS.slippage) if slips else raw
    trade.fills.append((q, raw, price))
    trade.exit_at, trade.reason = bar.at, reason
    return trade
