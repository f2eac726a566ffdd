"""The grid builder for option specs: parameters under the names of their legs, chains told beside the bars."""

from __future__ import annotations

import polars as pl
import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.core.spec_text import canonical_json, load_spec, spec_hash
from engine.data.calendars import sessions as sessions_of
from engine.store.db import open_store
from pages.ui import sweep_builder_axes
from pages.ui.sweep_builder_draft import AxisDraft, Draft
from pages.ui.sweep_builder_queries import candidates_of
from tests.fixtures.chain_rows import option_rows, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.pages.conftest import ROOT, texts
from tests.pages.test_data_chains import DAY
from tests.pages.test_sweep_builder import box, builder, draft_of, queued

SPEC = load_spec(ROOT / "specs/otm_put_credit_spread.json")
HASH = spec_hash(SPEC)


@pytest.fixture
def bars_alone(at_home, tmp_path) -> Settings:
    """A minute session of SPY, and its days."""
    settings = Settings(tmp_path / "home")
    starts = schedule(sessions_of("XNYS", DAY, DAY), "1min").start
    store_rows(settings, "mine", "equity", "1min", flat_rows(starts, symbol="SPY"))
    open_store(settings).close()
    return at_home(settings.home)


@pytest.fixture
def with_chain(bars_alone) -> Settings:
    """And quotes of two of its puts in three minutes."""
    starts = schedule(sessions_of("XNYS", DAY, DAY), "1min").start[10:13]
    sides = {f"{side}_{when}": [1.0, 1.1, 1.2] for side in ("bid", "ask") for when in ("open", "close")}
    rows = [option_rows(("2023-12-15", k, "P"), starts, symbol="SPY", **sides) for k in (95.0, 90.0)]
    store_options(bars_alone, "mine", "1min", pl.concat(rows), quotes=True)
    return bars_alone


def plain(at) -> str:
    """All that the page says, without the marks that keep its text from being Markdown."""
    return texts(at).replace("\\", "")


def test_chains_stand_beside_the_bars(with_chain):
    said = plain(builder(spec=HASH))
    assert (
        "**SPY options** :gray[1min · 2023-11-20 to 2023-11-20 · 1 session · about 6 quotes in this window]"
        in said
    )


def test_without_chains_it_says_so_and_cannot_start(bars_alone):
    at = builder(spec=HASH)
    assert "options of SPY: source mine has none" in plain(at)
    assert at.button(key="start_sweep").disabled
    assert not queued(bars_alone)


def test_a_parameter_of_a_leg_is_added_under_a_name_that_tells_the_leg(with_chain):
    at = builder(Draft(), spec=HASH)
    at.selectbox(key="add_parameter").set_value("legs.0.strict").run()
    (axis,) = draft_of(at).axes
    assert (axis.name, axis.paths) == ("short_put_strict", ("legs.0.strict",))
    assert "**short_put_strict** · Leg 1, sell put: Strict" in plain(at)


def test_names_that_the_spec_gives_keep_their_leg_in_words(with_chain):
    said = plain(builder(spec=HASH))
    assert "**delta** · Leg 1, sell put: delta · :gray[now -0.15]" in said
    assert "**width** · Leg 2, buy put: width · :gray[now 3 USD]" in said


def test_a_delta_of_the_wrong_sign_is_told_at_its_box(with_chain):
    wrong = AxisDraft(0, "delta", ("legs.0.delta",), values="-0.2, 0.2")
    at = builder(Draft(axes=(wrong,)), spec=HASH)
    assert "Value 0.2: a PUT has a delta of -1 to 0, got 0.2. Turn the sign." in plain(at)
    assert at.button(key="start_sweep").disabled
    box(at.text_input, "0_values").set_value("-0.2, -0.1").run()
    assert "Turn the sign" not in texts(at)


def test_every_offer_reads_as_a_sentence_of_parts(with_chain):
    known = candidates_of(canonical_json(SPEC))
    assert sweep_builder_axes.present(known["legs.0.delta"]) == "now -0.15"
    assert (known["legs.1.stop_loss_pct"].part, known["legs.1.stop_loss_pct"].label) == (
        "Leg 2, buy put", "Stop of its own",
    )  # fmt: skip
