"""A run exists whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from engine.core.errors import BadInput, NotFound, RunError
from engine.core.settings import CHECKOUT
from engine.store import commits, runs
from engine.store.db import store_revision

FILES = {"trades.csv": b"a,b\n1,2\n", "sub/equity.parquet": b"\x00" * 5000}

# Dies by kill -9 just before, or just after, the named step of commits.py.
KILLED_WRITER = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from engine.core.settings import Settings
from engine.store import commits, runs
from engine.store.db import open_store
from engine.store.models import RunRow

home, point, row = Path(sys.argv[1]), sys.argv[2], RunRow.model_validate_json(sys.argv[3])
row.created_at = datetime.fromisoformat(row.created_at)  # table models do not convert
store = open_store(Settings(home))

def die():
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

def dying(step, when):
    def wrapped(*args, **kwargs):
        if when == "before":
            die()
        step(*args, **kwargs)
        die()
    return wrapped

where, _, name = point.partition(" ")
if name == "rename":
    commits.os.rename = dying(os.rename, where)
elif name:
    setattr(commits, name, dying(getattr(commits, name), where))
with commits.staged(store, row.id) as folder:
    (folder / "trades.csv").write_bytes(b"new")
    if point == "writing":
        die()
    commits.commit_run(store, row, folder)
    die()
"""
POINTS = [
    "writing",
    "before _flush_to_disk",
    "after _flush_to_disk",
    "before rename",
    "after rename",
    "before _insert",
    "after _insert",
    "committed",
]


def write_files(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def commit(store, row, files=FILES):
    with commits.staged(store, row.id) as folder:
        write_files(folder, files)
        return commits.commit_run(store, row, folder)


def left_over(store):
    """Names below runs/ that no run accounts for."""
    known = {row.id for row in runs.list_runs(store)}
    inside = (store.settings.runs / ".staging").glob("*")
    return [path.name for path in inside] + [
        path.name for path in store.settings.runs.iterdir() if path.name not in {*known, ".staging"}
    ]


def test_a_committed_run_has_its_row_its_artifacts_and_their_hashes(store, make_run):
    row = commit(store, make_run())
    folder = store.settings.home / row.artifacts
    assert folder == store.settings.runs / row.id
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert set(json.loads((folder / "manifest.json").read_bytes())["files"]) == set(FILES)
    assert runs.get_run(store, row.id).manifest_sha256 == row.manifest_sha256
    assert commits.verify_run(store, row) == []
    assert left_over(store) == []


def test_the_same_artifacts_have_the_same_manifest(store, make_run):
    assert commit(store, make_run(1)).manifest_sha256 == commit(store, make_run(2)).manifest_sha256


def test_committing_the_same_run_twice_keeps_the_first(store, make_run):
    first = commit(store, make_run())
    before = store_revision(store)
    again = commit(store, make_run(), {"trades.csv": b"other"})
    assert (again.id, again.created_at, again.manifest_sha256) == (
        first.id,
        first.created_at,
        first.manifest_sha256,
    )
    assert commits.verify_run(store, first) == []
    assert store_revision(store) == before
    assert left_over(store) == []


def test_a_run_whose_folder_was_deleted_by_hand_gets_it_back(store, make_run):
    row = commit(store, make_run())
    for path in sorted((store.settings.home / row.artifacts).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (store.settings.home / row.artifacts).rmdir()
    assert commits.verify_run(store, row) != []
    commit(store, make_run())
    assert commits.verify_run(store, row) == []


@pytest.mark.parametrize("harm", ["changed", "missing", "added", "not json"])
def test_artifacts_that_are_not_as_the_manifest_says_are_refused(store, make_run, harm):
    row = make_run()
    with commits.staged(store, row.id) as folder:
        write_files(folder)
        commits.write_manifest(folder)
        if harm == "changed":
            (folder / "trades.csv").write_bytes(b"a,b\n1,3\n")
        elif harm == "missing":
            (folder / "trades.csv").unlink()
        elif harm == "added":
            (folder / "trades.html").write_bytes(b"<script>")
        else:
            (folder / "manifest.json").write_bytes(b"[]")
        with pytest.raises(
            RunError, match="not a manifest" if harm == "not json" else "not as its manifest says"
        ):
            commits.commit_run(store, row, folder)
    assert runs.count_runs(store) == 0
    assert left_over(store) == []


def test_a_run_of_an_unknown_spec_leaves_nothing(store, make_run):
    with pytest.raises(NotFound, match="Save the spec before its run"):
        commit(store, make_run(spec_hash="0" * 64))
    assert left_over(store) == []


def test_artifacts_from_elsewhere_are_refused(store, make_run, tmp_path):
    with pytest.raises(RunError, match="not a staging folder"):
        commits.commit_run(store, make_run(), tmp_path)


@pytest.mark.parametrize("wrong", ["../../x", "", "0" * 15, "0" * 16 + "\n", "G" * 16])
def test_an_id_that_could_leave_the_folder_is_refused(store, wrong):
    with pytest.raises(BadInput, match="not a run id"), commits.staged(store, wrong):
        pass


def test_changed_artifacts_are_found_later(store, make_run):
    row = commit(store, make_run())
    folder = store.settings.home / row.artifacts
    (folder / "trades.csv").write_bytes(b"forged")
    assert "trades.csv" in commits.verify_run(store, row)[0]
    commits.write_manifest(folder).exists()
    assert "manifest.json is not the one committed" in commits.verify_run(store, row)[0]


@pytest.mark.parametrize("point", POINTS)
def test_a_writer_killed_at_any_point_leaves_a_whole_run_or_none(store, make_run, point):
    row = make_run()
    command = [sys.executable, "-c", KILLED_WRITER, str(store.settings.home), point, row.model_dump_json()]
    died = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if os.name != "nt":
        assert died.returncode == -signal.SIGKILL, died.stderr
    found = runs.list_runs(store)
    assert len(found) == (1 if point == "committed" else 0)
    assert all(commits.verify_run(store, kept) == [] for kept in found)
    # What is left is taken away, and only that; the run can then be committed as if nothing had been.
    commits.sweep_leftovers(store)
    assert left_over(store) == []
    kept = commit(store, row, {"trades.csv": b"new"})
    assert commits.verify_run(store, kept) == []
    assert runs.count_runs(store) == 1


def test_a_killed_writers_folder_does_not_stop_the_next(store, make_run):
    row = make_run()
    (store.settings.runs / row.id).mkdir(parents=True)
    (store.settings.runs / row.id / "half.csv").write_bytes(b"half")
    kept = commit(store, row)
    assert commits.verify_run(store, kept) == []
    assert left_over(store) == []


def test_the_clean_up_spares_a_writer_that_lives(store, make_run):
    row = make_run()
    with commits.staged(store, row.id) as folder:
        write_files(folder)
        script = (
            "import sys; from pathlib import Path; from engine.core.settings import Settings\n"
            "from engine.store.db import open_store; from engine.store.commits import sweep_leftovers\n"
            "print(sweep_leftovers(open_store(Settings(Path(sys.argv[1])))))"
        )
        command = [sys.executable, "-c", script, str(store.settings.home)]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "0"
        commits.commit_run(store, row, folder)
    assert runs.count_runs(store) == 1
