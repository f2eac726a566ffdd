"""Lumibot does with option specs what the reference does: fills, trades, skips, money. About half a minute, mostly its
start; one process for everything."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import pickle
from collections import Counter
from dataclasses import astuple, replace

import numpy as np
import polars as pl
import pytest

from engine.core.chains import AM, PM
from engine.core.errors import RunError, SpecError
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data.importers import import_path
from engine.packs.disk import load_pack, save_pack
from engine.packs.pack import pack_from_series
from engine.sim import reference_options
from engine.sim.assemble_options import assemble_options
from engine.sim.backends import lumibot, worker
from engine.sim.backends.option_desk import OptionDesk, Told, require_quotes
from engine.sim.backends.worker import OptionJob, run_jobs
from engine.sim.parity import differences, parity
from engine.sim.simulate_options import OptionRun, option_record, option_result_of, option_run
from engine.trade.account import Split
from engine.trade.option_fills import offers
from engine.trade.option_reasons import REASONS
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import hand_chain, option_spec, run_options
from tests.fixtures.market import REAL_DATA, needs_real_data
from tests.fixtures.option_parity_cases import real_option_cases
from tests.fixtures.option_scenarios import draw_options
from tests.fixtures.scenarios import Signals
from tests.fixtures.trading import bars
from tests.sim.test_foreign_engines import assert_close

needs_lumibot = pytest.mark.skipif(
    importlib.util.find_spec("lumibot") is None, reason="lumibot is not installed"
)
# Between them: debits, credits, condors, two symbols, rolls, a conversion, settlement, a split of what is held, legs
# that leave alone, partial targets, ruin, a contract that trades hold on both sides (185), and refusals of entries of
# most kinds; a test below says that they do.
SEEDS = (9, 11, 14, 16, 21, 23, 27, 43, 48, 51, 54, 63, 95, 101, 119, 157, 185, 196)
WORTHLESS = 24


def job_of(one):
    return OptionJob(one.market, one.rules, one.signals)


def walk_of(job):
    return reference_options.walk_options(job.market, job.rules, job.signals)


def by_hand(rows, *, settlement=PM, at=1, **fields):
    """A position decided on at the end of one of the 14 hours of two sessions, the underlying at 100."""
    sessions = make_sessions(2)
    chain = hand_chain(
        {name: [row] * 14 for name, row in rows.items()}, sessions=sessions, settlement=settlement
    )
    told = run_options(bars([100.0] * 14, sessions=sessions), chain, enter=[at], **fields)
    entry, none = np.zeros(14, dtype=np.int8), np.zeros(14, dtype=np.int8)
    entry[at] = 1
    return OptionJob(told.market, told.rules, (Signals(entry, none, none, none),))


def covered_call():
    """100 shares and a sold call over a dividend and the call's settlement."""
    return by_hand(
        {"C105@1": (1.0, 1.1)},
        legs=[
            {"asset": "underlying", "side": "BUY", "qty": 100},
            {"right": "CALL", "side": "SELL", "moneyness_pct": 5},
        ],
        risk_exits={"let_expire": True},
        dividends=[("AAA", dt.date(2021, 3, 9), 0.5)],
        costs={"per_unit": 0.65},
    )


def settled_at_the_open():
    """An index's way: the call stops at the open of its last day, worth 2.00; cash earns interest overnight."""
    return by_hand(
        {"C98@1": (2.4, 2.6), "C104@1": (0.4, 0.5)},
        settlement=AM,
        legs=[
            {"right": "CALL", "moneyness_pct": -2},
            {"right": "CALL", "side": "SELL", "offset_from": 0, "offset": 6},
        ],
        risk_exits={"let_expire": True},
        backtest={"cash_rate_pct": 36.5, "cash": 10_000},
    )


def stopped_over_night():
    """Decided on at the close, settled at the open: the quotes of that morning are not to be had."""
    return by_hand(
        {"C98@1": (2.4, 2.6)},
        settlement=AM,
        at=6,
        legs=[{"right": "CALL", "moneyness_pct": -2}],
        risk_exits={"let_expire": True},
    )


BY_HAND = {
    "covered call": covered_call,
    "settled at the open": settled_at_the_open,
    "stopped over night": stopped_over_night,
}


@pytest.fixture(scope="module")
def real_runs(tmp_path_factory) -> list[OptionRun]:
    if not (REAL_DATA / "lean").is_dir():
        return []
    settings = Settings(tmp_path_factory.mktemp("twx"))
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(settings, "lean", REAL_DATA / "lean", symbols=["TWX"], now=now)
    return [case.run(settings) for case in real_option_cases()]


@pytest.fixture(scope="module")
def jobs(real_runs):
    drawn = {seed: job_of(draw_options(seed)) for seed in (*SEEDS, WORTHLESS)}
    real = {f"real {n}": job_of(run.config) for n, run in enumerate(real_runs)}
    return {**drawn, **{name: made() for name, made in BY_HAND.items()}, **real}


@pytest.fixture(scope="module")
def found(jobs):
    return dict(zip(jobs, run_jobs("lumibot", list(jobs.values())), strict=True))


@needs_lumibot
@pytest.mark.slow
@pytest.mark.parametrize("name", [*SEEDS, *BY_HAND])
def test_lumibot_equals_the_reference(jobs, found, name):
    record, wanted = found[name], walk_of(jobs[name])
    assert isinstance(record, reference_options.OptionRecord), record
    assert_close(
        [(one.trade_id, one.leg, *astuple(one.fill)) for one in record.fills],
        [(one.trade_id, one.leg, *astuple(one.fill)) for one in wanted.fills],
    )
    assert record.skips == wanted.skips
    assert [(t.trade_id, t.exit_reason, t.rolled_from, t.converted_at) for t in record.trades] == [
        (t.trade_id, t.exit_reason, t.rolled_from, t.converted_at) for t in wanted.trades
    ]
    np.testing.assert_allclose(record.equity, wanted.equity, rtol=0, atol=0.005)
    np.testing.assert_allclose(record.cash, wanted.cash, rtol=0, atol=0.005)
    assert record.exposed == wanted.exposed


def test_the_scenarios_reach_what_they_are_for():
    seen, shapes = set(), set()

    class Watched(reference_options.OptionWalk):
        def _apply(self, event):
            if isinstance(event, Split) and any(p.symbol == event.symbol for p in self.state.options):
                seen.add("split")
            super()._apply(event)

    n_fills = 0
    for seed in SEEDS:
        one = draw_options(seed)
        assert one.kind == "quotes"
        record = Watched(one.market, one.rules, one.signals).run()
        seen |= {REASONS[told.fill.reason] for told in record.fills}
        shapes.add(len({told.leg for told in record.fills}))
        n_fills += len(record.fills)
    wanted = {"split", "roll", "conversion", "expiry", "leg_target", "ruined", "before_expiry", "stop_loss"}
    assert wanted <= seen
    assert {1, 2, 4} <= shapes
    assert n_fills > 200
    (position,) = walk_of(covered_call()).state.options
    assert position.income == 50.0  # 100 shares times 0.50
    record = walk_of(settled_at_the_open())
    assert [(f.price, REASONS[f.reason]) for _, _, f in record.fills[2:]] == [
        (2.0, "expiry"),
        (0.0, "expiry"),
    ]
    assert record.cash[7] > record.cash[6] + 200.0  # 2.00 a share of 100, and a night's interest of 0.1 %


@needs_lumibot
@needs_real_data
@pytest.mark.slow
def test_nothing_differs_on_the_minute_quotes_of_twx(real_runs, found):
    assert len(real_runs) == 3
    for n, run in enumerate(real_runs):
        wanted, record = option_record(run.config, "reference"), found[f"real {n}"]
        one, other = (option_result_of(run.config, run.shared, r, "x") for r in (wanted, record))
        assert one.fills.height >= 8
        assert list(differences(one, other)) == [], n


@needs_lumibot
@pytest.mark.slow
def test_a_run_in_which_a_leg_leaves_at_nothing_is_refused_by_its_name(found):
    error = found[WORTHLESS]
    assert isinstance(error, SpecError)
    assert str(error).startswith("a sale at 0.00: ")
    assert "is left without a bid at 2021-03-" in str(error)


def test_parity_of_an_option_spec_compares_our_engines_and_tells_who_cannot(monkeypatch):
    series = bars([100.0] * 7)
    legs = [{"right": "PUT", "side": "SELL", "moneyness_pct": -5}, {"right": "PUT", "width": 5}]
    chain = hand_chain({"P95": [(1.45, 1.55)] * 7, "P90": [(0.45, 0.55)] * 7})
    on = day_of(series.sessions.date[0])
    spec = option_spec(legs=legs, risk_exits={"max_hold_minutes": 120})
    run = option_run(spec, pack_from_series([series], on, on, chains=[chain]))
    monkeypatch.setattr(lumibot.importlib.util, "find_spec", lambda _: None)
    found = parity(run, optional=True)
    assert found.verdict == "agree"
    assert found.outcomes[0].n_trades > 0
    assert "requirements-lumibot.txt" in found.outcomes[2].refused
    assert "vectorbt runs no option specs" in found.outcomes[3].refused


def test_another_price_or_exit_of_a_leg_is_found_by_leg_and_field():
    run = next(r for r in map(drawn_result, SEEDS) if r.trades.height > 3)
    dearer = run.legs.with_columns(entry_price=pl.col("entry_price") + 1e-6)
    other = replace(run, legs=dearer)
    assert {(d.table, d.field) for d in differences(run, other)} == {("legs", "entry_price")}


def drawn_result(seed):
    one = draw_options(seed)
    record = walk_of(job_of(one))
    return assemble_options(
        one.market, one.rules, record,
        spec_hash="s", pack_hash="p", engine="x", seed=0, entry_reason=lambda *_: "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "field"),
    [("snapshots", "timeframe: snapshot fills"), ("prints", "data.source: modelled spread")],
)
def test_snapshots_and_prints_are_refused_by_name(kind, field):
    one = next(s for s in map(draw_options, range(60)) if s.kind == kind)
    with pytest.raises(SpecError, match=field):
        require_quotes(one.market)


class PaperVenue:
    """A venue in a few lines: it trades at the sides that stand and keeps cash and quantities; it may lose one."""

    def __init__(self, job, loses=0.0):
        touch = replace(job.rules.filters, fill_at=1.0)
        self.rules, self.cash, self.loses = replace(job.rules, filters=touch), job.cash, loses
        self.held = Counter()
        self.desk = OptionDesk(job.market, job.rules, job.signals, self)

    def run(self):
        for tick in range(len(self.desk.market.base.ticks)):
            self.desk.work(tick)
            self.desk.decide(tick)
        self.desk.record.state = self.desk.state
        return self.desk.record

    def meet(self, order):
        e, self.order = self.desk._at_work.ending, order
        chain = self.desk._chain(e, e.start, opening=True)
        standing = offers(self.rules, order, chain, e.bar, e.start)
        if standing is not None:
            self.desk.priced([one.price for one in standing])

    def trade(self, fills, extra_fee):
        for leg, f in zip(self.order.legs, fills, strict=True):
            self._move(leg.contract, f.symbol, f.side, f.qty, f.price)
            self.cash -= f.fee
        return [Told(f.at, f.price, f.qty, f.fee) for f in fills]

    def book(self, symbol, contract, side, qty, price):
        self._move(contract, contract.name, side, qty, price)

    def _move(self, contract, name, side, qty, price):
        self.held[name] += side * (qty - self.loses)
        self.cash -= side * qty * price * (1.0 if contract is None else contract.multiplier)

    def pay(self, amount):
        self.cash += amount

    def books(self):
        return self.cash, dict(self.held)


@pytest.fixture(scope="module")
def without_shares():
    """Scenarios of quotes that hold options alone: shares are split and paid by the venue, which this one is not."""
    drawn = (draw_options(seed) for seed in range(40))
    return [
        job_of(one) for one in drawn if one.kind == "quotes" and all(leg.is_option for leg in one.rules.legs)
    ]


def test_the_desk_equals_the_reference_at_any_venue_that_fills_on_the_standing_sides(without_shares):
    n_fills = n_refused = 0
    for job in without_shares:
        wanted = walk_of(job)
        try:
            record = PaperVenue(job).run()
        except SpecError as error:
            assert str(error).startswith("a sale at 0.00")
            n_refused += 1
            continue
        assert_close(
            [(one.trade_id, one.leg, *astuple(one.fill)) for one in record.fills],
            [(one.trade_id, one.leg, *astuple(one.fill)) for one in wanted.fills],
        )
        assert record.skips == wanted.skips
        np.testing.assert_allclose(record.equity, wanted.equity, rtol=0, atol=0.005)
        n_fills += len(wanted.fills)
    assert n_fills > 100
    assert n_refused < len(without_shares) / 3


def test_a_contract_that_the_venue_lost_stops_the_run(without_shares):
    job = next(one for one in without_shares if walk_of(one).fills)
    with pytest.raises(RunError, match=r"the engine holds .* where our books say"):
        PaperVenue(job, loses=0.5).run()


def test_mapped_chains_go_to_the_process_as_places_in_their_files(tmp_path):
    series = bars([100.0] * 7)
    on = day_of(series.sessions.date[0])
    rows = {f"C{strike}": [(1.45, 1.55)] * 7 for strike in range(60, 260)}
    made = pack_from_series([series], on, on, chains=[hand_chain(rows)])
    save_pack(Settings(tmp_path), made)
    run = option_run(option_spec(legs=[{"right": "CALL"}]), load_pack(Settings(tmp_path), made.hash))
    plain = worker._plain(job_of(run.config))
    text = io.BytesIO()
    worker._Pickler(text, protocol=5).dump(plain)
    assert len(text.getvalue()) < len(pickle.dumps(plain, protocol=5)) - 4 * 200 * 7 * 4 / 2
    copy = pickle.loads(text.getvalue())
    one, other = (job.market.lanes[0].chain.by_session[0] for job in (plain, copy))
    for name in ("open_bid", "open_ask", "close_bid", "close_ask"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
