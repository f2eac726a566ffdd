"""An option market laid flat: mapped quotes are not copied, contracts go on from session to session, a walk can be
stopped; and named tuples that kernels read by their address."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.packs.disk import load_pack, save_pack
from engine.packs.pack import pack_from_series
from engine.sim.kernel.option_book import NEXT, OF_SESSION, STRIKE
from engine.sim.kernel.pinned import Pinned
from engine.sim.option_market import build_option_market
from engine.sim.option_ticks import OptionTicks
from engine.sim.simulate_options import option_metrics, prepare_options
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import hand_chain, option_spec
from tests.fixtures.trading import bars

SERIES = bars([100.0] * 14, sessions=make_sessions(2))
CHAIN = hand_chain(
    {"P95@0": [(1.4, 1.5)] * 14, "P95": [(1.45, 1.55)] * 14, "P90": [(0.45, 0.55)] * 14},
    sessions=SERIES.sessions,
)
SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 21},
    {"right": "PUT", "side": "BUY", "width": 5},
]


@pytest.fixture
def pack():
    dates = SERIES.sessions.date
    return pack_from_series([SERIES], day_of(dates[0]), day_of(dates[-1]), chains=[CHAIN])


def board_of(pack: Any) -> Any:
    return OptionTicks(build_option_market(pack, pack.chains, ("AAA",), "1h")).board


def test_quotes_of_a_pack_from_disk_are_not_copied(pack, tmp_path):
    save_pack(Settings(tmp_path), pack)
    loaded = load_pack(Settings(tmp_path), pack.hash)
    board = board_of(loaded)
    for session in loaded.chains["AAA"].by_session.values():
        assert np.shares_memory(board.open_bid, session.open_bid)
        assert np.shares_memory(board.close_ask, session.close_ask)
    np.testing.assert_array_equal(board.open_bid, board_of(pack).open_bid)


def test_a_contract_goes_on_in_the_next_session_that_lists_it(pack):
    # Monday lists P95 of Monday, P90 and P95 of later; Tuesday the later two.
    board = board_of(pack)
    assert board.row[:, OF_SESSION].tolist() == [0, 0, 0, 1, 1]
    following = [(board.row_price[i, STRIKE], int(n)) for i, n in enumerate(board.row[:, NEXT])]
    assert following == [(95.0, -1), (90.0, 3), (95.0, 4), (90.0, -1), (95.0, -1)]


def test_what_a_check_raises_ends_the_walk(pack):
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    spec, row = option_spec(legs=SPREAD), np.empty(14)
    with pytest.raises(StopError):
        option_metrics(spec, prepare_options(pack), row, check=stop)


class Mixed(NamedTuple):
    table: Any
    share: float
    is_on: bool
    count: int
    is_off: bool


def _read(m):
    return m.table[1, 0] + (m.share if m.is_on else 0.0) + m.count + (1000.0 if m.is_off else 0.0)


def test_kernels_read_a_pinned_tuple_as_python_reads_the_tuple():
    table = np.arange(4.0).reshape(2, 2)
    given, read = Mixed(table, 0.5, True, 7, False), njit(_read)
    pinned = Pinned(given)
    assert read(pinned) == _read(given) == 9.5
    table[1, 0] = 10.0
    assert read(pinned) == 17.5


class Numbers(NamedTuple):
    share: float
    is_on: bool
    is_off: bool
    count: int


def test_numbers_of_a_pinned_tuple_can_be_replaced():
    read = njit(
        lambda m: m.count * 10.0 + m.share + (0.25 if m.is_on else 0.0) + (0.125 if m.is_off else 0.0)
    )
    pinned = Pinned(Numbers(0.5, True, False, 7))
    assert read(pinned) == 70.75
    pinned.update(Numbers(0.0, False, True, -3))
    assert read(pinned) == -29.875
