"""The set-up: which Pythons it refuses, when it works, and what it makes of an interruption.

The steps are played (`Machine`), so that the tests need no network; the last test does all of it in earnest.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine import environment
from engine.__main__ import refusal
from engine.environment import Place, SetupFailed, ensure, place

ROOT = Path(__file__).resolve().parents[1]


class Machine:
    """Plays pip, uv and venv; `breaks_at` raises instead of doing that step, counted from 0."""

    def __init__(self):
        self.steps = []
        self.breaks_at = {}

    def __call__(self, what, command, where, log):
        number = len(self.steps)
        self.steps.append(what)
        if number in self.breaks_at:
            raise self.breaks_at[number]
        if what == "making the environment":
            where.python.parent.mkdir(parents=True)
            where.python.write_text("")
            (where.venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(environment, "_step", machine)
    return machine


@pytest.fixture
def where(tmp_path):
    (tmp_path / "requirements.txt").write_text("streamlit==1.67.0\n")
    (tmp_path / "requirements-lumibot.txt").write_text("lumibot==4.6.30\n")
    return Place(tmp_path, tmp_path / ".venv")


def silent(line):
    pass


FRESH = ["making the environment", "fetching uv", "installing packages", "installing packages"]


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_tested_pythons_are_accepted(version):
    assert refusal(version) is None


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0), (4, 0, 0)])
def test_other_pythons_are_refused_in_one_line_that_names_the_tested_ones(version):
    line = refusal(version)
    assert "3.11, 3.12, 3.13" in line
    assert f"{version[0]}.{version[1]}" in line
    assert "\n" not in line


def test_the_refusal_exits_with_2(tmp_path):
    code = "import sys, runpy; sys.version_info = (3, 10, 0); runpy.run_module('engine', run_name='__main__')"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1


def test_the_first_use_makes_the_environment_and_the_second_does_nothing(where, machine):
    ensure(where, silent)
    assert machine.steps == FRESH
    assert where.is_ready()
    ensure(where, silent)
    assert machine.steps == FRESH


def test_a_changed_lock_is_installed_into_what_is_there(where, machine):
    ensure(where, silent)
    mine = where.venv / "mine"
    mine.touch()
    (where.root / "requirements.txt").write_text("streamlit==1.68.0\n")
    assert not where.is_ready()
    ensure(where, silent)
    assert machine.steps == FRESH + FRESH[1:]
    assert mine.exists()


def test_windows_line_ends_do_not_change_the_stamp(where, machine):
    ensure(where, silent)
    (where.root / "requirements.txt").write_bytes(b"streamlit==1.67.0\r\n")
    assert where.is_ready()


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("how", [KeyboardInterrupt, MemoryError])
def test_an_interruption_at_any_step_is_repaired_by_starting_afresh(where, machine, step, how):
    machine.breaks_at = {step: how()}
    with pytest.raises(how):
        ensure(where, silent)
    assert not where.is_ready()
    debris = where.venv / "half-installed"
    where.venv.mkdir(exist_ok=True)
    debris.touch()
    machine.steps, machine.breaks_at = [], {}
    ensure(where, silent)
    assert machine.steps == FRESH
    assert where.is_ready()
    assert not debris.exists()


def test_a_failed_uv_gives_way_to_pip(where, machine):
    machine.breaks_at = {2: SetupFailed("no index")}
    said = []
    ensure(where, said.append)
    assert machine.steps == [*FRESH, "installing packages"]
    assert any("trying pip" in line for line in said)


def test_two_at_once_do_the_work_once(where, machine, monkeypatch):
    inside, may_go_on = threading.Event(), threading.Event()

    def slow(what, command, place, log):
        inside.set()
        assert may_go_on.wait(10)
        machine(what, command, place, log)

    monkeypatch.setattr(environment, "_step", slow)
    first = threading.Thread(target=ensure, args=(where, silent))
    first.start()
    assert inside.wait(10)
    waits = threading.Event()
    second = threading.Thread(target=ensure, args=(where, lambda line: waits.set()))
    second.start()
    assert waits.wait(10)  # "Another set-up is running here"
    may_go_on.set()
    first.join(10)
    second.join(10)
    assert machine.steps == FRESH


def test_a_failed_step_names_its_log_and_what_to_do(where, tmp_path):
    where.venv.mkdir()
    with (tmp_path / "log").open("w") as log, pytest.raises(SetupFailed, match="run the command again") as failure:
        environment._step("fetching uv", [sys.executable, "-c", "import sys; sys.exit(3)"], where, log)
    assert str(tmp_path / "log") in str(failure.value)
    assert "\n" not in str(failure.value)


def test_the_environment_can_be_moved(tmp_path):
    assert place({}).venv == ROOT / ".venv"
    assert place({"ARGUS_VENV": str(tmp_path / "env")}).venv == tmp_path / "env"


def test_a_verb_without_environment_says_what_to_do(tmp_path):
    # -S: no site-packages, as with the Python of a fresh machine
    run = _engine("runs", "list", venv=tmp_path / "none", flags=["-S"])
    assert run.returncode == 2
    assert run.stderr == "Argus is not set up here. Run `python -m engine up` first: it installs all that is needed.\n"


def test_help_needs_no_environment(tmp_path):
    run = _engine("--help", venv=tmp_path / "none", flags=["-S"])
    assert run.returncode == 0, run.stderr
    assert "python -m engine VERB" in run.stdout


def test_an_interpreter_with_the_requirements_runs_other_verbs_itself(tmp_path):
    run = _engine("no-such-verb", venv=tmp_path / "none")
    assert run.returncode == 2
    assert "no such verb" in run.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.network
def test_set_up_killed_in_the_middle_then_done_in_earnest(tmp_path):
    env = {**os.environ, "ARGUS_VENV": str(tmp_path / "env")}
    command = [getattr(sys, "_base_executable", sys.executable), "-m", "engine", "test", "--version"]
    killed = subprocess.Popen(command, cwd=ROOT, env=env)
    deadline = time.monotonic() + 120
    while not (tmp_path / "env" / "pyvenv.cfg").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert (tmp_path / "env.unfinished").exists()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Set-up finished" in done.stderr
    again = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "Set-up" not in again.stderr


def _engine(*argv, venv, flags=()):
    env = {**os.environ, "ARGUS_VENV": str(venv)}
    command = [sys.executable, *flags, "-m", "engine", *argv]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
