"""An option market as the compiled walk takes it: chains in flat arrays, what each tick knows beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.core.bars import FloatArray
from engine.core.chains import AM, ChainSeries, ChainSession
from engine.core.option_roots import is_european
from engine.core.sessions import Int64Array
from engine.sim.kernel import option_book as o
from engine.sim.kernel.option_book import Board
from engine.sim.option_market import OptionLane, OptionMarket, RateOn, date_of
from engine.sim.ticks import TickMarket
from engine.trade.chain import is_third_friday

SIDES = ("open_bid", "open_ask", "close_bid", "close_ask", "open_trade", "last_trade", "volume")


class OptionTicks:
    """An `OptionMarket` laid on its ticks, once for all configs that walk it."""

    def __init__(self, market: OptionMarket) -> None:
        self.market = market
        self.laid = TickMarket(market.base)
        self.roots = sorted({root for one in _listed(market.lanes) for root in one.contracts.root})
        self.board = self._build()

    def __len__(self) -> int:
        return len(self.laid)

    def _build(self) -> Board:
        parts = [_LaidChain(lane, self.roots, self.market.rate_on) for lane in self.market.lanes]
        on_tick, prices = self._on_tick(parts)
        session = _joined([p.session for p in parts])
        _count_ticks(session, on_tick)
        quotes = {name: _flat([a for p in parts for a in p.arrays(name)]) for name in SIDES}
        return Board(
            on_tick=on_tick,
            prices=prices,
            session=session,
            expiry=_joined([p.expiry for p in parts]),
            dividends=np.concatenate([p.dividends for p in parts]),
            row=_joined([p.row for p in parts]),
            row_price=np.concatenate([p.row_price for p in parts]),
            member=np.concatenate([p.member for p in parts]),
            starts=np.concatenate([p.starts for p in parts]),
            ends=np.concatenate([p.ends for p in parts]),
            **quotes,
        )

    def _on_tick(self, parts: Sequence[_LaidChain]) -> tuple[Int64Array, FloatArray]:
        """`Board.on_tick` and `Board.prices`; sessions, expirations, rows and cells are numbered from lane to lane."""
        market = self.market
        base, n = market.base, len(market.base.ticks)
        on_tick = np.full((len(parts), n, 4), -1, dtype=np.int64)
        prices = np.full((len(parts), n, 5), np.nan)
        shift = _Shift()
        for s, (lane, part) in enumerate(zip(market.lanes, parts, strict=True)):
            here = np.flatnonzero(base.bar[:, s] >= 0)
            bar = base.bar[here, s]
            day = lane.bars.clock.day[bar]
            number = part.session_on(day)
            known = number >= 0
            at = (
                np.where(known, part.session[np.maximum(number, 0), o.TIME_AT], 0) if len(part.session) else 0
            )
            for column, when in (
                (o.NOW_COLUMN, lane.bars.series.end[bar]),
                (o.OPEN_COLUMN, lane.bars.series.start[bar]),
            ):
                on_tick[s, here, column] = np.maximum(
                    np.searchsorted(part.starts, when, side="right") - 1 - at, -1
                )
            on_tick[s, here, o.SESSION] = np.where(known, number + shift.sessions, -1)
            on_tick[s, here, o.LATER_DAY] = lane.later_day[bar]
            last = market.last_bar[:, s]
            prices[s, :, o.SPOT] = np.where(last >= 0, lane.spot[np.maximum(last, 0)], np.nan)
            prices[s, 1:, o.SPOT_OPEN] = prices[s, :-1, o.SPOT]
            opened = lane.bars.series.open[bar]
            exists = ~np.isnan(lane.bars.series.close[bar])
            prices[s, here[exists], o.SPOT_OPEN] = opened[exists]
            days, owner = np.unique(day, return_inverse=True)
            prices[s, here, o.RATE] = np.array([market.rate_on(date_of(int(d))) for d in days])[owner]
            prices[s, here, o.IV_RANK] = np.array([lane.iv_rank.get(int(d), math.nan) for d in days])[owner]
            prices[s, here, o.DIVIDEND_NEXT] = lane.dividend_next[bar]
            shift = part.shift_by(shift)
        return on_tick, prices


class _Shift(NamedTuple):
    """How many sessions, times, expirations, rows, members and cells lie before a lane's."""

    sessions: int = 0
    times: int = 0
    expirations: int = 0
    rows: int = 0
    members: int = 0
    cells: int = 0


class _LaidChain:
    """One underlying's chain in flat arrays; numbers count from zero until `shift_by`."""

    def __init__(self, lane: OptionLane, roots: Sequence[str], rate_on: RateOn) -> None:
        self._lane = lane
        self._held = [one for _, one in sorted(lane.chain.by_session.items())]
        chain = lane.chain
        date = chain.sessions.date
        self._number = {int(date[one.session]): i for i, one in enumerate(self._held)}
        self.starts = np.concatenate([one.start for one in self._held]).astype(np.int64)
        self.ends = np.concatenate([_ends(chain, one) for one in self._held])
        self.row, self.row_price = self._rows(roots)
        self.session = np.zeros((len(self._held), 6), dtype=np.int64)
        self.session[:, o.N_COLUMNS] = [len(one.start) for one in self._held]
        self.session[:, o.TIME_AT] = np.cumsum(self.session[:, o.N_COLUMNS]) - self.session[:, o.N_COLUMNS]
        self.expiry, self.member = self._expirations()
        self.dividends = self._dividends(rate_on)
        self._link(date)

    def _rows(self, roots: Sequence[str]) -> tuple[Int64Array, FloatArray]:
        number = {root: i for i, root in enumerate(roots)}
        listed = [one.contracts for one in self._held]
        sizes = [len(one) for one in listed]
        row = np.zeros((sum(sizes), 9), dtype=np.int64)
        widths = np.repeat([len(one.start) for one in self._held], sizes)
        row[:, o.CELL] = np.cumsum(widths) - widths
        row[:, o.EXPIRY] = np.concatenate([one.expiry for one in listed])
        row[:, o.EXPIRES_AT] = np.concatenate([one.expires_at for one in listed])
        row[:, o.IS_CALL] = np.concatenate([one.is_call for one in listed])
        row[:, o.IS_AM] = np.concatenate([one.settlement == AM for one in listed])
        row[:, o.ROOT] = [number[root] for one in listed for root in one.root]
        row[:, o.IS_EUROPEAN] = [is_european(root) for one in listed for root in one.root]
        row[:, o.NEXT] = -1
        row[:, o.OF_SESSION] = np.repeat(np.arange(len(listed)), sizes)
        price = np.full((len(row), 4), np.nan)
        price[:, o.STRIKE] = np.concatenate([one.strike for one in listed])
        price[:, o.MULTIPLIER] = np.concatenate([one.multiplier for one in listed])
        days, owner = np.unique(row[:, o.EXPIRY], return_inverse=True)
        official = np.array([self._lane.official.get(int(day), math.nan) for day in days])
        price[:, o.OFFICIAL] = official[owner] if len(days) else price[:, o.OFFICIAL]
        known = [one.open_interest for one in self._held]
        if all(one is not None for one in known):
            price[:, o.INTEREST] = np.concatenate([one for one in known if one is not None])
        return row, price

    def _expirations(self) -> tuple[Int64Array, Int64Array]:
        """`Board.expiry` and `Board.member`; sets X_FIRST and X_COUNT of sessions."""
        tables, members, first_row, n_members, n_before = [], [], 0, 0, 0
        for i, one in enumerate(self._held):
            k = len(one.contracts)
            rows = first_row + np.flatnonzero(~one.contracts.adjusted)
            keys = self.row[rows]
            order = np.lexsort(
                (keys[:, o.ROOT], self.row_price[rows, o.STRIKE], -keys[:, o.IS_CALL], keys[:, o.EXPIRY])
            )
            rows, keys = rows[order], keys[order]
            days, at, counts = np.unique(keys[:, o.EXPIRY], return_index=True, return_counts=True)
            table = np.zeros((len(days), 7), dtype=np.int64)
            table[:, o.X_DAY], table[:, o.CALLS_AT] = days, n_members + at
            for x, (start, count) in enumerate(zip(at.tolist(), counts.tolist(), strict=True)):
                these = keys[start : start + count]
                table[x, o.ALIVE_UNTIL] = these[:, o.EXPIRES_AT].max()
                table[x, o.N_CALLS] = these[:, o.IS_CALL].sum()
                table[x, o.N_PUTS] = count - table[x, o.N_CALLS]
                table[x, o.IS_THIRD] = is_third_friday(int(days[x]))
                table[x, o.IS_BEFORE_THIRD] = is_third_friday(int(days[x]) + 1)
            self.session[i, o.X_FIRST], self.session[i, o.X_COUNT] = n_before, len(days)
            tables.append(table)
            members.append(rows)
            first_row, n_members, n_before = first_row + k, n_members + len(rows), n_before + len(days)
        return np.concatenate(tables), np.concatenate(members)

    def _dividends(self, rate_on: RateOn) -> FloatArray:
        """`Board.dividends`."""
        found = np.zeros(len(self.expiry))
        if self._lane.paid is None:
            return found
        for day, i in self._number.items():
            first, count = self.session[i, [o.X_FIRST, o.X_COUNT]].tolist()
            worth_to = self._lane.expected_dividends(day, rate_on(date_of(day)))
            found[first : first + count] = [
                worth_to(until) for until in self.expiry[first : first + count, o.X_DAY].tolist()
            ]
        return found

    def _link(self, date: NDArray[np.int32]) -> None:
        """Set NEXT: the row of the next session that lists the same contract, across splits under its new strike."""
        ratio = _splits(self._lane)
        alive = np.empty(0, dtype=np.int64)  # rows that were last seen, by rising key
        keys, strikes = np.empty(0, dtype=np.int64), np.empty(0)
        first, last_date = 0, -1
        for one in self._held:
            today = int(date[one.session])
            rows = np.arange(first, first + len(one.contracts))
            first += len(one.contracts)
            for day, r in ratio:
                if last_date < day <= today and len(alive):
                    strikes = np.array([round(x / r, 2) for x in strikes.tolist()])
                    keys = _keys(self.row[alive], strikes)
                    order = np.argsort(keys, kind="stable")
                    alive, keys, strikes = alive[order], keys[order], strikes[order]
            last_date = today
            own = _keys(self.row[rows], self.row_price[rows, o.STRIKE])
            if len(alive):
                at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
                found = keys[at] == own
                self.row[alive[at[found]], o.NEXT] = rows[found]
                stays = ~np.isin(keys, own) & (self.row[alive, o.EXPIRY] > today)
                alive, keys, strikes = alive[stays], keys[stays], strikes[stays]
            alive, keys = np.concatenate([alive, rows]), np.concatenate([keys, own])
            strikes = np.concatenate([strikes, self.row_price[rows, o.STRIKE]])
            order = np.argsort(keys, kind="stable")
            alive, keys, strikes = alive[order], keys[order], strikes[order]

    def session_on(self, days: NDArray[np.int32]) -> Int64Array:
        """Number of the chain's session on each date, -1 for none."""
        unique, owner = np.unique(days, return_inverse=True)
        found = np.array([self._number.get(int(day), -1) for day in unique], dtype=np.int64)
        return found[owner] if len(unique) else np.empty(0, dtype=np.int64)

    def arrays(self, name: str) -> list[Any]:
        """The quotes of a name, session after session. One that quoted chains lack is full of NaN."""
        found = [getattr(one, name) for one in self._held]
        if self._lane.chain.has_quotes and name in SIDES[:4]:
            shapes = [(len(one.contracts), len(one.start)) for one in self._held]
            return [
                np.full(shape, np.nan, dtype=np.float32) if a is None else a
                for a, shape in zip(found, shapes, strict=True)
            ]
        return [a for a in found if a is not None]

    def shift_by(self, shift: _Shift) -> _Shift:
        """Number on from the lanes before; the shift of the next lane."""
        after = _Shift(
            shift.sessions + len(self.session),
            shift.times + len(self.starts),
            shift.expirations + len(self.expiry),
            shift.rows + len(self.row),
            shift.members + len(self.member),
            shift.cells + sum(len(one.contracts) * len(one.start) for one in self._held),
        )
        self.session[:, o.TIME_AT] += shift.times
        self.session[:, o.X_FIRST] += shift.expirations
        self.row[:, o.CELL] += shift.cells
        self.row[:, o.OF_SESSION] += shift.sessions
        self.row[:, o.NEXT] += np.where(self.row[:, o.NEXT] >= 0, shift.rows, 0)
        self.member = self.member + shift.rows
        self.expiry[:, o.CALLS_AT] += shift.members
        return after


def _listed(lanes: Sequence[OptionLane]) -> list[ChainSession]:
    return [one for lane in lanes for one in lane.chain.by_session.values()]


def _ends(chain: ChainSeries, one: ChainSession) -> Int64Array:
    """Each column ends where the next begins, the last at the close."""
    return np.append(one.start[1:], chain.sessions.close_ns[one.session]).astype(np.int64)


def _splits(lane: OptionLane) -> list[tuple[int, float]]:
    at = np.flatnonzero(lane.bars.split != 1.0)
    return [(int(lane.bars.clock.day[i]), float(lane.bars.split[i])) for i in at]


def _keys(row: Int64Array, strikes: FloatArray) -> Int64Array:
    """What names contracts from one session to the next, as `chain_view.key_of`, in one number each."""
    thousandths = np.rint(strikes * 1000.0).astype(np.int64)
    keys: Int64Array = (
        ((row[:, o.ROOT] << 17) | row[:, o.EXPIRY]) << 36 | (thousandths << 1) | row[:, o.IS_CALL]
    )
    return keys


def _joined(tables: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.ascontiguousarray(np.concatenate(tables))


def _flat(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Arrays one after the other; without a copy where they lie so already, as those of a pack from disk do."""
    if not arrays:
        return np.empty(0, dtype=np.float32)
    n, first = sum(a.size for a in arrays), arrays[0]
    at = first.__array_interface__["data"][0]
    for a in arrays:
        if a.base is None or a.base is not first.base or not a.flags.c_contiguous or not a.flags.writeable:
            break
        if a.__array_interface__["data"][0] != at:
            break
        at += a.nbytes
    else:
        return np.lib.stride_tricks.as_strided(first, (n,), (first.itemsize,))
    return np.concatenate([a.ravel() for a in arrays])


def _count_ticks(session: Int64Array, on_tick: Int64Array) -> None:
    """Set TICK_FIRST and TICK_COUNT: the ticks between a session's first and last, its own and others'."""
    for s in range(on_tick.shape[0]):
        here = np.flatnonzero(on_tick[s, :, o.SESSION] >= 0)
        numbers, first = np.unique(on_tick[s, here, o.SESSION], return_index=True)
        last = np.append(first[1:], len(here)) - 1
        session[numbers, o.TICK_FIRST] = here[first]
        session[numbers, o.TICK_COUNT] = here[last] - here[first] + 1
