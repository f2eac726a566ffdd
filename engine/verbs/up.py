"""`up`: serve the app, do its queued jobs, and end everything it started when told to stop.

Each child is the head of a process group of its own, so that its own children end with it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.core.errors import ArgusError, BadInput
from engine.core.settings import CHECKOUT, Settings
from engine.verbs.output import progress

HEALTHY_WITHIN_S = 60.0
GRACE_S = 5.0  # for children to end by themselves
# SIGINT is among them because a shell tells what it starts in the background to ignore it.
STOPS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
# where to look for the app when it listens on all addresses
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Child(NamedTuple):
    """What `up` started: its name for messages, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("up", help="set up on first use and serve the app")
    parser.add_argument("--port", type=_port, default=8501, help="default: 8501")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; default: this machine only"
    )
    parser.add_argument(
        "--no-demo", action="store_true", help="do not make the demo market where there is no data"
    )
    parser.add_argument(
        "--workers", type=_count, default=2, metavar="N",
        help="processes that do queued jobs; default 2, so that a run need not wait for a sweep; 0 for none",
    )  # fmt: skip
    parser.set_defaults(handler=up)


def up(args: argparse.Namespace, settings: Settings) -> int:
    with _stopped_by_signals():
        _refuse_used_port(args.host, args.port)
        _prepare(settings, demo=not args.no_demo)
        children: list[Child] = []
        try:
            with _held():
                children.append(_start("app", app_command(args.host, args.port), settings.logs / "app.log"))
            address = _url(ANY_ADDRESS.get(args.host, args.host), args.port)
            _wait_until_healthy(address, children[0])
            if args.workers:
                log = settings.logs / "worker-console.log"
                with _held():
                    children.append(_start("worker", worker_command(args.workers), log))
            print(f"Argus is at {address} (Ctrl-C stops it)", flush=True)
            return _wait_for(children)
        except KeyboardInterrupt:
            progress("Stopping.")
            return 0
        finally:
            end([child.process for child in children])


def app_command(host: str, port: int) -> list[str]:
    """Streamlit by this Python; what is not said here is in .streamlit/config.toml."""
    server = [f"--server.port={port}", f"--server.address={host}", "--server.headless=true"]
    return [sys.executable, "-m", "streamlit", "run", str(CHECKOUT / "app.py"), *server]


def worker_command(n: int) -> list[str]:
    """The supervisor of workers by this Python."""
    return [sys.executable, "-m", "engine", "worker", "-n", str(n)]


def _prepare(settings: Settings, *, demo: bool) -> None:
    """A store that is up to date and without the leavings of killed writers; the demo market where there is no data."""
    from engine.store.db import open_store
    from engine.store.runs import sweep_leftovers

    settings.logs.mkdir(parents=True, exist_ok=True)
    store = open_store(settings)
    sweep_leftovers(store)
    store.close()
    if not demo:
        return
    from engine.packs.synthetic import ensure_demo

    ensure_demo(settings, progress)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; allowed: 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 64:
        raise argparse.ArgumentTypeError(f"{text} is not a number of workers; allowed: 0 to 64")
    return int(text)


def _refuse_used_port(host: str, port: int) -> None:
    """Bind once as the server will. What the address itself forbids is the user's to know as well."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined]
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            line = f"cannot serve on {host} port {port}: {error.strerror or error}. Choose another by --port or --host."
            raise BadInput(line) from error


def _start(name: str, command: Sequence[str], log: Path) -> Child:
    """Start a child in a process group of its own, its output in `log`."""
    with log.open("wb") as output:
        if os.name == "nt":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
        else:
            group = {"start_new_session": True}
        process = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **group
        )
    return Child(name, process, log)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait_until_healthy(address: str, app: Child) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the app is never behind a proxy
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            raise _ended(app, "while starting")
        with contextlib.suppress(OSError, urllib.error.URLError):
            if opener.open(f"{address}/_stcore/health", timeout=2).status == 200:
                return
        time.sleep(0.05)
    raise ArgusError(f"the app did not answer within {HEALTHY_WITHIN_S:.0f} s. See {app.log}.")


def _wait_for(children: Sequence[Child]) -> int:
    """Until one child ends by itself, which is a failure: they are meant to stay."""
    while True:
        for child in children:
            if child.process.poll() is not None:
                raise _ended(child, "by itself")
        time.sleep(0.2)


def _ended(child: Child, how: str) -> ArgusError:
    lines = child.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = lines[-1].strip() if lines else "it said nothing"
    return ArgusError(
        f"the {child.name} ended {how} (exit {child.process.returncode}): {said}. See {child.log}."
    )


# ---------------------------------------------------------------- the end


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """A closed terminal and a service manager's stop end `up` the way Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        for other in STOPS:  # a second one must not break off the ending
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _answered_by(interrupt):
        yield


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """A stop that comes while a child is started waits until the child is known, and ended with the others."""
    came: list[int] = []
    with _answered_by(lambda number, frame: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


def end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End every child with its whole group: first politely, after `GRACE_S` by force."""
    # An impatient second Ctrl-C must not leave half of the children behind.
    with _answered_by(signal.SIG_IGN):
        for child in children:
            _signal_group(child, force=False)
        deadline = time.monotonic() + GRACE_S
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            _signal_group(child, force=True)
            child.wait()


@contextlib.contextmanager
def _answered_by(answer: Callable[[int, Any], Any] | signal.Handlers) -> Iterator[None]:
    """Stops are answered by this, and afterwards as before."""
    before = {number: signal.signal(number, answer) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_group(child: subprocess.Popen[bytes], *, force: bool) -> None:
    """A group can outlive its head, so it is signalled even when the head has ended."""
    if os.name == "nt":
        if child.poll() is None:
            # Without /F a windowless process ignores the request.
            subprocess.run(["taskkill", "/PID", str(child.pid), "/T", "/F"], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL if force else signal.SIGTERM)
