"""Option trades worked out a second time from the vendors' CSV lines, in exact decimals.

Nothing here comes from `engine`: quotes that stand, marks, levels, the minute that closes a position, prices, fees and
P&L are calculated anew in the plainest way. Legs, contracts and the minute of entry are taken from the run.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = 60_000  # LEAN counts milliseconds since midnight
AGE = 5 * MINUTE
CENT = Decimal("0.01")
SCALE = Decimal(10_000)  # LEAN's prices are dollars x 10,000
HUNDRED = Decimal(100)
OPEN, CLOSE = 9 * 60 * MINUTE + 30 * MINUTE, 16 * 60 * MINUTE


@dataclass(frozen=True)
class Sides:
    """What stands of a quote; None is a side that does not."""

    bid: Decimal | None
    ask: Decimal | None

    @property
    def is_crossed(self) -> bool:
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    @property
    def mark(self) -> Decimal | None:
        """The middle; half the ask without a bid."""
        if self.ask is None or self.ask == 0 or self.is_crossed:
            return None
        return ((self.bid or Decimal(0)) + self.ask) / 2

    def fill(self, side: int, fill_at: Decimal, *, closing: bool) -> Decimal | None:
        """What one contract trades at: `fill_at` of the way from the middle to the touch; a long leg without a bid
        leaves for nothing."""
        if self.is_crossed:
            return None
        if side > 0:
            if self.ask is None or self.ask == 0:
                return None
            return self.ask if not self.bid else _between(self.ask, self.bid, fill_at)
        if not self.bid:
            return Decimal(0) if closing and self.ask else None
        return self.bid if self.ask is None else _between(self.bid, self.ask, fill_at)


def _between(touch: Decimal, other: Decimal, fill_at: Decimal) -> Decimal:
    middle = (touch + other) / 2
    return middle + (touch - middle) * fill_at


class Quotes:
    """Minute quotes of contracts on one day, out of LEAN's zip: `time,bid open..close,size,ask open..close,size`."""

    def __init__(self, path: Path, day: dt.date) -> None:
        self.day, self._zip = day, zipfile.ZipFile(path)
        self._rows: dict[str, dict[int, list[str]]] = {}
        self._name = {_contract(name): name for name in self._zip.namelist()}

    def rows(self, contract: str) -> dict[int, list[str]]:
        if contract not in self._rows:
            lines = self._zip.read(self._name[contract]).decode().splitlines()
            cells = [line.split(",") for line in lines]
            self._rows[contract] = {int(one[0]): one for one in cells}
        return self._rows[contract]

    def line(self, contract: str, at: int) -> str:
        """The line of a minute as it stands in the file."""
        return ",".join(self.rows(contract)[at])

    def at(self, contract: str, now: int, *, filling: bool) -> Sides:
        """What stands at `now`: closes of minutes that ended at most five minutes before; a fill sees the opening
        quote of the minute that begins."""
        return Sides(*(self._side(contract, now, cell, filling) for cell in (1, 6)))

    def _side(self, contract: str, now: int, cell: int, filling: bool) -> Decimal | None:
        rows = self.rows(contract)
        if filling and now in rows and rows[now][cell]:
            return Decimal(rows[now][cell]) / SCALE
        for start in range(now - MINUTE, max(OPEN - MINUTE, now - MINUTE - AGE - 1), -MINUTE):
            if start in rows and rows[start][cell + 3]:
                return Decimal(rows[start][cell + 3]) / SCALE
        return None


def _contract(name: str) -> str:
    """twx_call_725000_20140621 of 20140605_twx_minute_quote_american_call_725000_20140621.csv."""
    parts = name.removesuffix(".csv").split("_")
    return "_".join((parts[1], *parts[-3:]))


@dataclass
class Leg:
    """contract as in the zip; side +1 bought; price paid or received at entry."""

    contract: str
    side: int
    price: Decimal


@dataclass(frozen=True)
class Rules:
    """Shares of the premium; minutes; the fee of a contract and the least of an order."""

    stop: Decimal
    target: Decimal
    max_hold: int
    fill_at: Decimal = Decimal(1)
    fee: Decimal = Decimal("0.65")
    least_fee: Decimal = Decimal(0)
    exit_time: int = CLOSE + MINUTE


@dataclass
class Closed:
    """How a trade ended: milliseconds since midnight, its word, what each leg left at."""

    at: int
    reason: str
    prices: list[Decimal] = field(default_factory=list)


def net(legs: Sequence[Leg], prices: Sequence[Decimal]) -> Decimal:
    """Per share, above zero paid."""
    return sum((leg.side * price for leg, price in zip(legs, prices, strict=True)), Decimal(0))


def levels(premium: Decimal, rules: Rules) -> tuple[Decimal, Decimal]:
    """(stop, target) as worth: premium plus gain, cents, away from the entry."""
    low = (premium * (1 - rules.stop) / CENT).to_integral_value(ROUND_FLOOR) * CENT
    high = (premium * (1 + rules.target) / CENT).to_integral_value(ROUND_CEILING) * CENT
    return low, high


def worth(legs: Sequence[Leg], premium: Decimal, marks: Sequence[Decimal]) -> Decimal:
    """Premium plus gain per share."""
    return premium + net(legs, marks) - net(legs, [leg.price for leg in legs])


def minutes(entry: int) -> Iterator[int]:
    """Ends of the bars after an entry."""
    return iter(range(entry + MINUTE, CLOSE + 1, MINUTE))


def fees(n_contracts: Decimal, rules: Rules) -> Decimal:
    """Of one order for so many contracts of all its legs."""
    return max(n_contracts * rules.fee, rules.least_fee)


# ---------------------------------------------------------------- end-of-day chains


@dataclass(frozen=True)
class Snapshots:
    """Puts of the SPXW file: (bid, ask) and the vendor's delta by day and strike, and the underlying by day."""

    puts: Mapping[tuple[dt.date, int], Sides]
    deltas: Mapping[tuple[dt.date, int], float]
    underlying: Mapping[dt.date, Decimal]

    @property
    def days(self) -> list[dt.date]:
        return sorted(self.underlying)


def read_snapshots(path: Path) -> Snapshots:
    puts: dict[tuple[dt.date, int], Sides] = {}
    deltas: dict[tuple[dt.date, int], float] = {}
    underlying: dict[dt.date, Decimal] = {}
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            day = dt.datetime.strptime(row["quotedate"], "%m/%d/%Y").date()
            underlying[day] = Decimal(row["underlying_last"])
            if row["type"] == "put":
                puts[day, int(row["strike"])] = Sides(Decimal(row["bid"]), Decimal(row["ask"]))
                deltas[day, int(row["strike"])] = float(row["delta"])
    return Snapshots(puts, deltas, underlying)


def exit_of(quotes: Quotes, legs: Sequence[Leg], entry: int, rules: Rules) -> Closed:
    """The minute at which a position is closed, and for what."""
    premium = abs(net(legs, [leg.price for leg in legs]))
    reason = ""
    for now in minutes(entry):
        reason = reason or due(quotes, legs, premium, entry, now, rules)
        if reason:
            prices = leaving(quotes, legs, now, rules)
            if prices is not None:
                return Closed(now, reason, prices)
    return Closed(CLOSE, "open")


def due(quotes: Quotes, legs: Sequence[Leg], premium: Decimal, entry: int, now: int, rules: Rules) -> str:
    """Stop before target before the clock; marks count only where every leg has one."""
    marks = [quotes.at(leg.contract, now, filling=False).mark for leg in legs]
    known = [one for one in marks if one is not None]
    if len(known) == len(marks):
        low, high = levels(premium, rules)
        value = worth(legs, premium, known)
        if value <= low or value >= high:
            return "stop_loss" if value <= low else "take_profit"
    if now - entry >= rules.max_hold * MINUTE:
        return "max_hold"
    return "exit_time" if now >= rules.exit_time else ""


def leaving(quotes: Quotes, legs: Sequence[Leg], now: int, rules: Rules) -> list[Decimal] | None:
    """What every leg leaves at, all at one instant or none."""
    fills = [
        quotes.at(leg.contract, now, filling=True).fill(-leg.side, rules.fill_at, closing=True)
        for leg in legs
    ]
    known = [one for one in fills if one is not None]
    return known if len(known) == len(fills) else None


class Spot:
    """Minute bars of the underlying out of LEAN's trade zip: `time,open,high,low,close,volume`."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as file:
            lines = file.read(file.namelist()[0]).decode().splitlines()
        self._rows = {int(one[0]): one for one in (line.split(",") for line in lines)}

    def open_at(self, now: int) -> Decimal:
        """The open of the minute that begins, else the last close."""
        return Decimal(self._rows[now][1]) / SCALE if now in self._rows else self.close_before(now)

    def close_before(self, now: int) -> Decimal:
        start = max(one for one in self._rows if one + MINUTE <= now)
        return Decimal(self._rows[start][4]) / SCALE


@dataclass(frozen=True)
class Conversion:
    """Shares of movement that sell the further call, and the debit that must remain."""

    underlying: Decimal
    premium: Decimal
    remaining: Decimal


def staged(
    quotes: Quotes, spot: Spot, call: Leg, further: str, entry: int, rules: Rules, conversion: Conversion
) -> tuple[int, list[Leg], Closed]:
    """(minute of the conversion or 0, the legs at the end, how it ended) of a bought call that may become a spread."""
    first = spot.open_at(entry)
    legs, converted, reason = [call], 0, ""
    for now in minutes(entry):
        reason = reason or due(quotes, legs, call.price, entry, now, rules)
        if reason:
            prices = leaving(quotes, legs, now, rules)
            if prices is not None:
                return converted, legs, Closed(now, reason, prices)
        elif not converted and _has_moved(quotes, spot, call, first, now, conversion):
            seen = quotes.at(further, now, filling=False).mark
            credit = quotes.at(further, now, filling=True).fill(-1, rules.fill_at, closing=False)
            if seen is not None and credit is not None and call.price - credit >= conversion.remaining:
                legs, converted = [call, Leg(further, -1, credit)], now
    return converted, legs, Closed(CLOSE, "open")


def _has_moved(
    quotes: Quotes, spot: Spot, call: Leg, first: Decimal, now: int, conversion: Conversion
) -> bool:
    mark = quotes.at(call.contract, now, filling=False).mark
    gained = mark is not None and mark >= call.price * (1 + conversion.premium)
    return gained or spot.close_before(now) >= first * (1 + conversion.underlying)


@dataclass(frozen=True)
class PutSpread:
    """A put spread sold on a snapshot: the strikes, dollars apart and received a share."""

    sold: int
    bought: int

    @property
    def width(self) -> int:
        return self.sold - self.bought

    def mark(self, chain: Snapshots, day: dt.date) -> Decimal | None:
        """What it costs to close at the middle; None where one of the two has no quote."""
        sold, bought = (chain.puts[day, strike].mark for strike in (self.sold, self.bought))
        return None if sold is None or bought is None else sold - bought

    def credit(self, chain: Snapshots, day: dt.date) -> Decimal:
        """What a sale on the snapshot brings."""
        sold, bought = chain.puts[day, self.sold].bid, chain.puts[day, self.bought].ask
        assert sold and bought
        return sold - bought

    def cost(self, chain: Snapshots, day: dt.date) -> Decimal:
        """What closing on the snapshot costs; the bought put sells for nothing without a bid."""
        sold, bought = chain.puts[day, self.sold].ask, chain.puts[day, self.bought].bid
        assert sold and bought is not None
        return sold - bought


def spread_exit(chain: Snapshots, spread: PutSpread, entry: dt.date, rules: Rules) -> tuple[dt.date, str]:
    """The first later day on whose snapshot the spread reaches its stop or target."""
    premium = spread.credit(chain, entry)
    low, high = levels(premium, rules)
    for day in (one for one in chain.days if one > entry):
        mark = spread.mark(chain, day)
        if mark is not None and premium + premium - mark <= low:
            return day, "stop_loss"
        if mark is not None and premium + premium - mark >= high:
            return day, "take_profit"
    raise AssertionError(f"{spread} of {entry} never ends")
