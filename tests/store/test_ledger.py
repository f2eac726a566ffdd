"""The trial ledger counts every config once and cannot be reset."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest

from engine.core.errors import BadInput
from engine.store import ledger
from engine.store.db import store_revision

PACK = "ab" * 32


def hashes(*names: object) -> list[bytes]:
    return [hashlib.sha256(str(name).encode()).digest() for name in names]


def test_each_config_is_charged_once_to_its_family(store):
    assert ledger.charge(store, "sma", PACK, hashes(1, 2, 3), "sweep", "s1") == 3
    assert ledger.charge(store, "sma", PACK, hashes(3, 4), "run", "r1") == 1
    assert ledger.n_trials(store, "sma") == 4


def test_the_same_config_on_another_pack_is_another_trial(store):
    ledger.charge(store, "sma", PACK, hashes(1), "run", "r1")
    ledger.charge(store, "sma", "cd" * 32, hashes(1), "run", "r2")
    assert ledger.n_trials(store, "sma") == 2


def test_a_repeated_charge_changes_nothing(store):
    ledger.charge(store, "sma", PACK, hashes(1, 2), "sweep", "s1")
    before = store_revision(store)
    assert ledger.charge(store, "sma", PACK, hashes(1, 2), "sweep", "s1") == 0
    assert store_revision(store) == before


def test_a_config_twice_in_one_charge_counts_once(store):
    assert ledger.charge(store, "sma", PACK, hashes(1, 1), "sweep", "s1") == 1


def test_hex_and_bytes_whole_and_half_are_the_same_trial(store):
    (whole,) = hashes(1)
    forms = [whole, whole[:16], whole.hex(), whole[:16].hex()]
    assert ledger.charge(store, "sma", PACK, forms, "run", "r1") == 1


def test_a_charge_larger_than_a_chunk_is_complete(store, monkeypatch):
    monkeypatch.setattr(ledger, "CHUNK", 7)
    assert ledger.charge(store, "sma", PACK, hashes(*range(100)), "sweep", "s1") == 100
    assert ledger.holds(store)


def test_families_are_counted_apart(store):
    ledger.charge(store, "b", PACK, hashes(1), "run", "r1")
    ledger.charge(store, "a", PACK, hashes(2, 3), "loop", "l1")
    assert ledger.families(store) == [("a", 2, 2), ("b", 1, 1)]


def test_a_new_name_for_an_old_idea_inherits_its_trials(store):
    ledger.charge(store, "sma", PACK, hashes(*range(100)), "sweep", "s1")
    assert ledger.charge(store, "fresh start", PACK, hashes(7), "run", "r1") == 0
    ledger.charge(store, "fresher start", PACK, hashes(7, "new"), "run", "r2")
    # 100 of the sweep and "new": all three names are one idea
    assert [ledger.n_trials(store, name) for name in ("sma", "fresh start", "fresher start")] == [101] * 3
    assert ledger.families(store) == [("fresh start", 0, 101), ("fresher start", 1, 101), ("sma", 100, 101)]


def test_an_unknown_family_has_no_trials(store):
    assert ledger.n_trials(store, "never heard of") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trial SET charge_id = 2",
        "DELETE FROM trial",
        "UPDATE trial_charge SET idea_family = 'other'",
        "DELETE FROM trial_charge",
        "UPDATE trial_pack SET pack_hash = 'other'",
        "DELETE FROM trial_pack",
        "UPDATE trial_kin SET kin = 'other'",
        "DELETE FROM trial_kin",
    ],
)
def test_nobody_changes_or_deletes_a_trial(store, statement):
    ledger.charge(store, "sma", PACK, hashes(1), "run", "r1")
    ledger.charge(store, "kin", PACK, hashes(1), "run", "r2")
    with sqlite3.connect(store.settings.database) as raw:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
        assert raw.execute("SELECT count(*) FROM trial").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO trial SELECT pack_id, trading_hash, 99 FROM trial",
        "INSERT OR REPLACE INTO trial_charge SELECT id, 'x', pack_id, 'run', 'x', 0, '' FROM trial_charge",
        "INSERT OR REPLACE INTO trial_pack VALUES (1, 'other')",
    ],
)
def test_nobody_replaces_a_trial(store, statement):
    ledger.charge(store, "sma", PACK, hashes(1), "run", "r1")
    dump = "SELECT * FROM trial JOIN trial_charge ON charge_id = trial_charge.id JOIN trial_pack"
    with sqlite3.connect(store.settings.database) as raw:
        before = raw.execute(dump).fetchall()
        raw.execute(statement)
        assert raw.execute(dump).fetchall() == before


def test_an_edit_past_the_triggers_shows(store):
    ledger.charge(store, "sma", PACK, hashes(1, 2), "run", "r1")
    assert ledger.holds(store)
    with sqlite3.connect(store.settings.database) as raw:
        raw.execute("DROP TRIGGER trial_no_delete")
        raw.execute("DELETE FROM trial WHERE trading_hash = ?", (hashes(1)[0][:16],))
    assert not ledger.holds(store)


@pytest.mark.parametrize("wrong", [b"short", "zz" * 16, "abcd", b"x" * 31])
def test_a_hash_that_is_none_is_refused(store, wrong):
    with pytest.raises(BadInput, match="not a trading hash"):
        ledger.charge(store, "sma", PACK, [wrong], "run", "r1")


def test_a_charge_needs_a_family_and_a_known_origin(store):
    with pytest.raises(BadInput, match="idea family"):
        ledger.charge(store, " ", PACK, hashes(1), "run", "r1")
    with pytest.raises(BadInput, match="Allowed: run, sweep, loop, agent, hand"):
        ledger.charge(store, "sma", PACK, hashes(1), "guess", "r1")
