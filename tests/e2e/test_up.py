"""`up` from the start to the end: a healthy page, and nothing left running after it is told to stop."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from engine.core.settings import Settings
from engine.store import heartbeats
from engine.verbs import up as verb

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent as on Linux and macOS")


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path):
    """Start `up` in an empty workspace; whatever it left is ended after the test."""
    started = []

    def start_up(port):
        command = [sys.executable, "-m", "engine", "up", "--no-demo", "--port", str(port)]
        env = {**os.environ, "ARGUS_HOME": str(tmp_path / "home")}
        up = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(up)
        return up

    yield start_up
    for up in started:
        for process in [*_family(up.pid), up] if up.poll() is None else []:
            process.kill()
        up.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_serves_a_healthy_page_and_ends_all_it_started(start, port, how, tmp_path):
    up = start(port)
    assert up.stdout.readline() == f"Argus is at http://127.0.0.1:{port} (Ctrl-C stops it)\n"
    assert _get(f"http://127.0.0.1:{port}/_stcore/health") == "ok"
    assert "<title>" in _get(f"http://127.0.0.1:{port}/")
    home = Settings(tmp_path / "home")
    deadline = time.monotonic() + WITHIN_S
    while len(heartbeats.workers(home)) < 2:
        assert time.monotonic() < deadline, "two workers come with the app"
        time.sleep(0.05)
    family = _family(up.pid)

    up.send_signal(how)
    up.send_signal(how)  # an impatient user
    assert up.wait(WITHIN_S) == 0
    assert not psutil.wait_procs(family, timeout=5)[1], "a child outlived up"
    assert heartbeats.workers(home) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)), "the port is still served"


def test_an_app_that_dies_ends_up_with_a_line(start, port):
    up = start(port)
    up.stdout.readline()
    for process in _family(up.pid):
        process.kill()
    _, said = up.communicate(timeout=WITHIN_S)
    assert up.returncode == 1
    assert "ended by itself" in said
    assert said.count("\n") == 1


def test_a_stop_that_comes_while_a_child_starts_waits_until_the_child_is_known():
    known = []
    with pytest.raises(KeyboardInterrupt), verb._stopped_by_signals(), verb._held():
        signal.raise_signal(signal.SIGINT)
        known.append("app")
    assert known == ["app"]


def test_a_used_port_is_one_clear_line(start, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        up = start(port)
        printed, said = up.communicate(timeout=WITHIN_S)
    assert up.returncode == 2
    assert printed == ""
    assert str(port) in said
    assert "--port" in said
    assert said.count("\n") == 1


def _family(pid):
    return psutil.Process(pid).children(recursive=True)


def _get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, timeout=10).read().decode()
