"""What data cannot answer refuses the run, in one line that names the waiver or the stand-in."""

import pytest

from engine.core.errors import DataError, SpecError
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.sim.inputs import pack_for
from engine.sim.unanswered import asks, check_remedies, refuse_unanswered
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.trading import days

HEAD = {"name": "A", "slug": "a", "universe": ["SPY"], "timeframe": "1D"}
CALM = {"type": "price", "name": "close", "symbol": "VIX", "operator": "<", "value": 20}
PUT = {"right": "PUT", "side": "SELL", "delta": -0.15}


def spec_of(*, filters=None, logic=(), **fields):
    return build_spec({**HEAD, "entry": {"filters": filters or {}, "signal_logic": list(logic)}, **fields})


def names(spec):
    return [one.name for one in asks(spec)]


def test_filters_of_the_chain_and_foreign_symbols_are_questions():
    spec = spec_of(filters={"min_open_interest": 200, "iv_percentile_max": 95}, logic=[CALM, {**CALM, "symbol": "SPY"}])
    assert names(spec) == ["open_interest", "iv_percentile", "VIX"]
    assert [one.field for one in asks(spec)] == [
        "entry.filters.min_open_interest", "entry.filters.iv_percentile_max", "entry.signal_logic"
    ]  # fmt: skip


def test_a_question_that_is_waived_or_has_a_stand_in_is_none():
    data = {"waive": ["open_interest"], "substitute": {"VIX": "chain_iv30"}}
    assert names(spec_of(filters={"min_open_interest": 200, "min_volume": 5}, logic=[CALM], data=data)) == ["volume"]


def test_a_refused_filter_names_its_waiver():
    spec = spec_of(filters={"min_open_interest": 200}, legs=[PUT])
    with pytest.raises(DataError) as told:
        refuse_unanswered(spec, {"open_interest"}, "source polygon (trade bars)")
    assert str(told.value) == (
        "entry.filters.min_open_interest: source polygon (trade bars) has no open interest. "
        "Let it go unanswered: --set 'data.waive=[\"open_interest\"]'."
    )


def test_a_refused_index_names_its_stand_in():
    with pytest.raises(DataError) as told:
        refuse_unanswered(spec_of(logic=[CALM], legs=[PUT]), {"VIX"}, "source polygon")
    assert str(told.value) == (
        "entry.signal_logic: source polygon has no VIX. Bring its prices with `data import`, or let the option chain's "
        "volatility stand in: --set 'data.substitute={\"VIX\": \"chain_iv30\"}'."
    )


def test_what_is_not_missing_refuses_nothing():
    refuse_unanswered(spec_of(filters={"min_volume": 1}, logic=[CALM]), {"open_interest"}, "it")


@pytest.mark.parametrize(
    "data, said",
    [
        ({"waive": ["open_intrest"]}, "data.waive: 'open_intrest' is no filter that can be waived. Did you mean "
                                      "open_interest? Filters: open_interest, volume, iv_percentile."),
        ({"substitute": {"VIX": "iv30"}}, "data.substitute: 'iv30' cannot stand in for 'VIX'. Allowed: "),
        ({"substitute": {"QQQ": "chain_iv30"}}, "data.substitute: 'chain_iv30' cannot stand in for 'QQQ'."),
    ],
)  # fmt: skip
def test_a_remedy_that_does_not_exist_is_refused_and_not_ignored(data, said):
    with pytest.raises(SpecError) as told:
        check_remedies(spec_of(data=data))
    assert str(told.value).startswith(said)


@pytest.mark.parametrize("source", ["auto", "demo"])
def test_a_run_on_bars_without_the_index_is_refused_by_the_condition(tmp_path, source):
    settings = Settings(tmp_path)
    rows = flat_rows(days(2).open_ns, symbol="SPY", volume=[1.0, 1.0])
    store_rows(settings, "demo", "equity", "1D", rows)
    with pytest.raises(DataError, match=r"^entry\.signal_logic: source demo has no VIX\. Bring its prices"):
        pack_for(settings, spec_of(logic=[CALM], data={"source": source}))
    with pytest.raises(DataError, match="chain_iv30 for VIX is taken from an option chain, and a run on bars has none"):
        pack_for(settings, spec_of(logic=[CALM], data={"source": source, "substitute": {"VIX": "chain_iv30"}}))
