"""What is told of a run in words: warnings and facts apart."""

from __future__ import annotations

import json

from engine.report.artifacts import artifact_bytes
from engine.report.notes import notes_of, parted

AS_THEY_SHOULD_BE = (
    "AAA 1D: native rows",
    "AAA options 1min: 120 of 120 sessions, 253 contracts each",
    "calls vip: 1,083 rows, 1,083 taken, 0 repaired, 0 refused",
)
AMISS = (
    "AAA 1h: built from 1min rows",
    "AAA options 1min: 40 of 44 sessions, 361 contracts each",
    "calls vip: 1,083 rows, 1,080 taken, 0 repaired, 3 refused",
    "calls vip: 1,083 rows, 1,083 taken, 2 repaired, 0 refused",
)


def test_warnings_tell_of_open_trades_few_trades_and_ruin(make_result):
    lines = notes_of(make_result([0.1, 0.2], n_open=1, marks=("ruined",), notes=("First.",))).warnings
    assert lines[0] == "First."
    told = [any(word in line for line in lines) for word in ("ruined", "still open", "Only 1 closed")]
    assert told == [True] * 3


def test_data_as_they_should_be_are_facts_and_the_rest_warns():
    assert parted((*AS_THEY_SHOULD_BE, *AMISS)) == (list(AMISS), list(AS_THEY_SHOULD_BE))


def test_the_sheet_warns_of_what_is_amiss_and_names_the_facts_at_its_foot(make_result):
    files = artifact_bytes({}, {}, make_result(notes=("AAA 1D: native rows", AMISS[0])), None, "AAA")
    body, foot = files["tearsheet.html"].decode().split("<footer>")
    assert AMISS[0] in body and "native rows" not in body
    assert "<dt>Data</dt><dd>AAA 1D: native rows</dd>" in foot
    told = json.loads(files["notes.json"])
    assert (told["warnings"][0], told["facts"]) == (AMISS[0], ["AAA 1D: native rows"])
