"""The SMA crossover worked out a second time, straight from the vendor's CSV lines, in exact decimals.

Nothing here comes from `engine`: rows, averages, crossings, fills, costs, sizes and dividends are calculated anew in
the plainest way, so that a mistake of the engine is not repeated. A trade is decided on a closed bar and filled at the
open of the next scheduled one.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil.easter import easter

NEW_YORK = ZoneInfo("America/New_York")
HOUR = dt.timedelta(hours=1)
CENT = Decimal("0.01")

# Days on which the New York Stock Exchange closed at 13:00 and the vendor's file has rows after it.
EARLY_CLOSES = frozenset(
    (
        "19981127", "19981224", "19991126", "19991231", "20000703", "20001124", "20010703", "20011123", "20011224",
        "20020705", "20021129", "20021224", "20030703", "20031128", "20031224", "20031226", "20041126", "20051125",
        "20060703", "20070703", "20071224", "20080703", "20081224",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the vendor's file. at: the bar's start, UTC. buys, sells: what orders pay at its open."""

    at: dt.datetime
    line: str
    buys: Decimal
    sells: Decimal
    close: Decimal
    date: dt.date


@dataclass(frozen=True)
class Costs:
    per_unit: Decimal
    minimum: Decimal
    slippage: Decimal

    def fee(self, quantity: Decimal) -> Decimal:
        return max(self.per_unit * quantity, self.minimum)


SHIPPED_COSTS = Costs(per_unit=Decimal("0.005"), minimum=Decimal(1), slippage=Decimal("0.0001"))
"""Those of specs/sma_crossover.json: half a cent a share, a dollar an order at least, one basis point."""


@dataclass(frozen=True)
class Trade:
    """One closed trade; money in dollars, exact."""

    signal: Row
    entry: Row
    exit_signal: Row
    exit: Row
    equity_before: Decimal
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross: Decimal
    fees: Decimal
    slippage: Decimal
    dividends: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees - self.slippage + self.dividends


def lines(path: Path) -> list[str]:
    """The lines of the one CSV inside a zip."""
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return archive.read(name).decode("ascii").splitlines()


def equity_rows(path: Path) -> list[Row]:
    """Hours of a US share: New York time, dollars x 10,000; "09:00" starts trading at 09:30."""
    rows = []
    for line in lines(path):
        stamp, opened, _, _, close, _ = line.split(",")
        local = dt.datetime.strptime(stamp, "%Y%m%d %H:%M").replace(tzinfo=NEW_YORK)
        if local.hour > 15 or (stamp[:8] in EARLY_CLOSES and local.hour >= 13):
            continue
        if local.hour == 9:
            local = local.replace(minute=30)
        price = Decimal(opened) / 10_000
        rows.append(Row(local.astimezone(dt.UTC), line, price, price, Decimal(close) / 10_000, local.date()))
    return rows


def metal_rows(path: Path) -> list[Row]:
    """Hours of spot gold: UTC, bid open high low close size, ask open high low close size."""
    rows = []
    for line in lines(path):
        stamp, *text = line.split(",")
        at = dt.datetime.strptime(stamp, "%Y%m%d %H:%M").replace(tzinfo=dt.UTC)
        day = metal_session(at)
        if day is None:
            continue
        bid_open, bid_close, ask_open, ask_close = (Decimal(text[i]) for i in (0, 3, 5, 8))
        rows.append(Row(at, line, ask_open, bid_open, (bid_close + ask_close) / 2, day))
    return rows


def metal_session(at: dt.datetime) -> dt.date | None:
    """Date of the session that trades in the hour from `at`: 18:00 New York to 17:00, named by its end."""
    local = at.astimezone(NEW_YORK)
    if local.hour == 17:
        return None
    day = local.date() + dt.timedelta(days=1 if local.hour >= 18 else 0)
    closed = (day.month, day.day) in ((12, 25), (1, 1)) or day == easter(day.year) - dt.timedelta(days=2)
    return None if closed or day.weekday() > 4 else day


def next_metal_hour(row: Row) -> dt.datetime:
    """Start of the next hour in which gold is scheduled to trade."""
    at = row.at + HOUR
    while metal_session(at) is None:
        at += HOUR
    return at


def next_share_hour(rows: list[Row]) -> Callable[[Row], dt.datetime]:
    """The same for a share; a weekday without any row is a holiday, and hours run from 09:30 to the close."""
    days = sorted({row.date for row in rows})
    following = dict(zip(days, days[1:], strict=False))
    early = {dt.date.fromisoformat(day) for day in EARLY_CLOSES}
    last_hour = {
        day: 12 if day in early else max(row.at.astimezone(NEW_YORK).hour for row in group)
        for day, group in by_date(rows).items()
    }

    def after(row: Row) -> dt.datetime:
        local = row.at.astimezone(NEW_YORK)
        if local.hour < last_hour[row.date]:
            return local.replace(hour=local.hour + 1, minute=0).astimezone(dt.UTC)
        opens = dt.datetime.combine(following[row.date], dt.time(9, 30), NEW_YORK)
        return opens.astimezone(dt.UTC)

    return after


def by_date(rows: list[Row]) -> dict[dt.date, list[Row]]:
    found: dict[dt.date, list[Row]] = {}
    for row in rows:
        found.setdefault(row.date, []).append(row)
    return found


def mean(rows: list[Row], i: int, length: int) -> Decimal:
    """Average of the closes of the `length` rows that end with row i, summed afresh."""
    return sum((row.close for row in rows[i + 1 - length : i + 1]), Decimal(0)) / length


def crossings(rows: list[Row], fast: int, slow: int) -> Iterator[tuple[int, bool]]:
    """(row, upward?) wherever the fast average crosses the slow one; sums are exact, so equal means equal."""
    sums = {n: sum((row.close for row in rows[:n]), Decimal(0)) for n in (fast, slow)}
    for i in range(fast, slow):
        sums[fast] += rows[i].close - rows[i - fast].close
    was = sums[fast] * slow - sums[slow] * fast
    for i in range(slow, len(rows)):
        for n in (fast, slow):
            sums[n] += rows[i].close - rows[i - n].close
        now = sums[fast] * slow - sums[slow] * fast
        if now > 0 >= was:
            yield i, True
        if now < 0 <= was:
            yield i, False
        was = now


def dividends(path: Path) -> list[tuple[dt.date, Decimal]]:
    """(last day with the dividend, dollars a share) of a LEAN factor file, to the 0.0001 that its digits allow.

    factor(i) = factor(i + 1) x (1 - dividend / close(i)); owners at the close of that day receive it.
    """
    table = [line.split(",") for line in path.read_text().splitlines()]
    found = []
    for (day, factor, _, close), (_, after, _, _) in zip(table, table[1:], strict=False):
        amount = Decimal(close) * (1 - Decimal(factor) / Decimal(after))
        if round(amount, 4) > 0:
            found.append((dt.date.fromisoformat(day), round(amount, 4)))
    return found


def crossover_trades(
    rows: list[Row],
    after: Callable[[Row], dt.datetime],
    costs: Costs,
    *,
    fast: int,
    slow: int,
    cash: Decimal = Decimal(100_000),
    leverage: int = 1,
    paid: Mapping[dt.date, Decimal] | None = None,
) -> list[Trade]:
    """Every closed trade: all equity in whole units at the signal's close, cut to what the account can pay."""
    trades: list[Trade] = []
    bought: tuple[Row, Row, Decimal] | None = None
    equity = cash
    for i, upward in crossings(rows, fast, slow):
        if i + 1 == len(rows):
            break
        signal, filled = rows[i], rows[i + 1]
        if upward and bought is None and filled.at == after(signal):
            price = filled.buys * (1 + costs.slippage)
            wanted = whole(equity / signal.close)
            payable = min(
                whole((equity - costs.minimum) / (price / leverage)),
                whole(equity / (price / leverage + costs.per_unit)),
            )
            bought = signal, filled, min(wanted, payable)
        elif not upward and bought is not None:
            trade = closed(*bought, signal, filled, equity, costs, paid or {})
            trades.append(trade)
            equity += trade.net
            bought = None
    return trades


def closed(
    signal: Row,
    entry: Row,
    quantity: Decimal,
    exit_signal: Row,
    exit_: Row,
    equity: Decimal,
    costs: Costs,
    paid: Mapping[dt.date, Decimal],
) -> Trade:
    income = sum((cash for day, cash in paid.items() if entry.date <= day < exit_.date), Decimal(0))
    return Trade(
        signal=signal,
        entry=entry,
        exit_signal=exit_signal,
        exit=exit_,
        equity_before=equity,
        quantity=quantity,
        entry_price=entry.buys * (1 + costs.slippage),
        exit_price=exit_.sells * (1 - costs.slippage),
        gross=(exit_.sells - entry.buys) * quantity,
        fees=2 * costs.fee(quantity),
        slippage=(entry.buys + exit_.sells) * costs.slippage * quantity,
        dividends=income * quantity,
    )


def whole(quantity: Decimal) -> Decimal:
    return quantity.to_integral_value(rounding=ROUND_FLOOR)
