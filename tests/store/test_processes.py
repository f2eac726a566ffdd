"""Eight processes write at once, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.core.settings import CHECKOUT
from engine.store import commits, ledger, runs
from engine.store.db import open_store, read, store_revision

N_PROCESSES = 8
PRELUDE = """
import hashlib, sys
from datetime import datetime
from pathlib import Path
from sqlalchemy import text
from engine.core.settings import Settings
from engine.store import commits, ledger, runs
from engine.store.db import open_store, store_revision, write
from engine.store.models import RunRow
home, me, *rest = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
sys.stdin.readline()  # all begin together
store = open_store(Settings(home))
"""


def at_once(home: Path, script: str, *arguments: str) -> list[str]:
    """Standard output of eight processes that ran `script` together."""
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", PRELUDE + script, str(home), str(me), *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(N_PROCESSES)
    ]
    for process in crowd:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [(process.communicate(timeout=120), process.returncode) for process in crowd]
    assert [code for _, code in outcomes] == [0] * N_PROCESSES, [errors for (_, errors), _ in outcomes]
    return [output for (output, _), _ in outcomes]


@pytest.mark.timeout(180)
def test_eight_processes_on_an_empty_home_make_one_store_and_lose_no_increment_and_no_trial(settings):
    script = """
with write(store) as session:
    session.execute(text("CREATE TABLE IF NOT EXISTS counter (n INTEGER)"))
    session.execute(text("INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter)"))
def key(name): return hashlib.sha256(str(name).encode()).digest()
seen = []
for i in range(50):
    with write(store) as session:
        n = session.execute(text("SELECT n FROM counter")).scalar_one()  # read, then write what was read
        session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})
    ledger.charge(store, "sma", "p", [key(("own", me, i)), key(("shared", i))], "sweep", str(me))
    seen.append(store_revision(store))
assert seen == sorted(set(seen)), "the revision stood still"
"""
    at_once(settings.home, script)
    store = open_store(settings)
    with read(store) as session:
        assert session.execute(text("SELECT n FROM counter")).scalar_one() == N_PROCESSES * 50
    # 50 configs of its own for each process, and 50 that all of them tried
    assert ledger.n_trials(store, "sma") == N_PROCESSES * 50 + 50
    assert ledger.holds(store)
    # each process: 50 increments, and 50 charges that add at least its own config; one made the counter
    assert store_revision(store) == N_PROCESSES * 100 + 1
    store.close()


@pytest.mark.timeout(180)
def test_eight_processes_committing_the_same_and_other_runs_commit_each_once(store, make_run):
    shared, own = make_run(1000), [make_run(seed) for seed in range(N_PROCESSES)]
    script = """
ids = []
for line in (rest[0], rest[1 + me]):
    row = RunRow.model_validate_json(line)
    row.created_at = datetime.fromisoformat(row.created_at)  # table models do not convert
    with commits.staged(store, row.id) as folder:
        (folder / "trades.csv").write_text(row.id)
        ids.append(commits.commit_run(store, row, folder).id)
    commits.sweep_leftovers(store)
print(*ids)
"""
    at_once(store.settings.home, script, shared.model_dump_json(), *(row.model_dump_json() for row in own))
    found = runs.list_runs(store)
    assert {row.id for row in found} == {shared.id, *(row.id for row in own)}
    assert [commits.verify_run(store, row) for row in found] == [[]] * len(found)
    assert commits.sweep_leftovers(store) == 0


def test_another_process_sees_what_this_one_wrote_at_once(store):
    other = open_store(store.settings)
    before = store_revision(other)
    ledger.charge(store, "sma", "p", [b"x" * 16], "run", "r1")
    assert (store_revision(other), ledger.n_trials(other, "sma")) == (before + 1, 1)
    other.close()
