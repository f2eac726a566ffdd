"""The environment that Argus runs in: made on first use, checked by a stamp, repaired after an interruption.

Standard library only: this runs before anything is installed. `.venv` is made by the Python that was started first
and keeps it. `.venv.unfinished` stands beside it while an installation is under way: whoever finds it starts afresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = "uv==0.13.8"  # installs the lock in seconds where pip takes more than a minute
SETS_UP = ("up", "test")
NEEDED = ("streamlit", "pydantic", "sqlmodel", "polars", "numba", "duckdb")  # stands for the whole lock
HELP = ("-h", "--help", "--version")

Say = Callable[[str], None]


class SetupFailed(Exception):
    """One step of the set-up went wrong; the message is the line to show."""


@dataclass(frozen=True)
class Place:
    """Where the environment lies: `root` holds the requirement files, `venv` is the environment."""

    root: Path
    venv: Path

    @property
    def python(self) -> Path:
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> Path:
        return self.venv / "argus-stamp"

    def beside(self, suffix: str) -> Path:
        return self.venv.with_name(self.venv.name + suffix)

    def wanted_stamp(self) -> str:
        """Hash of all that decides what is installed, after the version of the environment's Python."""
        content = hashlib.sha256(UV.encode())
        for name in ("requirements.txt", "requirements-lumibot.txt"):
            content.update(b"\0" + (self.root / name).read_bytes().replace(b"\r\n", b"\n"))
        return f"{self.python_version()} {content.hexdigest()}"

    def python_version(self) -> str:
        """`3.11` as the environment's own record says; empty where there is none."""
        try:
            lines = (self.venv / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except OSError:
            return ""
        fields = dict(line.replace(" ", "").partition("=")[::2] for line in lines)
        version = fields.get("version") or fields.get("version_info") or ""
        return ".".join(version.split(".")[:2])

    def is_ready(self) -> bool:
        """Whether the environment holds exactly what the requirement files ask for."""
        if self.beside(".unfinished").exists() or not self.python.exists():
            return False
        try:
            return self.stamp.read_text(encoding="utf-8") == self.wanted_stamp()
        except OSError:
            return False


def place(environ: Mapping[str, str]) -> Place:
    """The environment of this checkout; ARGUS_VENV moves it."""
    moved = environ.get("ARGUS_VENV")
    return Place(ROOT, Path(moved).expanduser().absolute() if moved else ROOT / ".venv")


# ---------------------------------------------------------------- set-up


def ensure(where: Place, say: Say) -> None:
    """Make the environment what the requirement files ask for. Nothing is done where it already is."""
    if where.is_ready():
        return
    where.venv.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(where.beside(".lock"), say):
        if where.is_ready():
            return
        started = time.monotonic()
        _install_all(where, say)
        say(f"Set-up finished in {time.monotonic() - started:.0f} s.")


def _install_all(where: Place, say: Say) -> None:
    unfinished = where.beside(".unfinished")
    afresh = unfinished.exists() or not where.python.exists()
    unfinished.write_text("An installation is under way or was interrupted.\n", encoding="utf-8")
    with where.beside(".log").open("w", encoding="utf-8") as log:
        if afresh:
            say(f"Making the environment {where.venv} (first use, about a minute).")
            if where.venv.exists():
                shutil.rmtree(where.venv)
            _step("making the environment", [sys.executable, "-m", "venv", str(where.venv)], where, log)
        say("Fetching uv, which installs the rest.")
        _step("fetching uv", [*_pip(where), UV], where, log)
        say("Installing the packages of requirements.txt.")
        _install(where, ["-r", "requirements.txt"], say, log)
        say("Installing lumibot.")
        _install(where, ["--no-deps", "-r", "requirements-lumibot.txt"], say, log)
    where.stamp.write_text(where.wanted_stamp(), encoding="utf-8")
    unfinished.unlink()


def _install(where: Place, what: list[str], say: Say, log) -> None:
    """By uv; by pip where uv cannot, because only pip knows the index that a pip.conf names."""
    # Compiled once here, not at every start by a user whose site-packages are read-only or unwritten.
    by_uv = [str(where.python), "-m", "uv", "pip", "install", "--compile-bytecode"]
    by_uv += ["--python", str(where.python), *what]
    try:
        _step("installing packages", by_uv, where, log)
    except SetupFailed:
        say("uv could not install them; trying pip, which takes a few minutes.")
        _step("installing packages", [*_pip(where), *what], where, log)


def _pip(where: Place) -> list[str]:
    return [str(where.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]


def _step(what: str, command: list[str], where: Place, log) -> None:
    log.write(f"\n$ {' '.join(command)}\n")
    log.flush()
    try:
        run = subprocess.run(command, cwd=where.root, stdout=log, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise SetupFailed(f"Set-up failed while {what}: {error}. Run the command again.") from error
    if run.returncode:
        raise SetupFailed(
            f"Set-up failed while {what} (exit {run.returncode}); its output is in {log.name}. "
            "Check the network connection and the free disk space, then run the command again."
        )


@contextlib.contextmanager
def _only_one(path: Path, say: Say) -> Iterator[None]:
    """Hold the lock file; the operating system lets go of it when the process ends, however it ends."""
    with path.open("a+b") as lock:
        waiting = False
        while not _try_lock(lock):
            if not waiting:
                say("Another set-up is running here; waiting for it.")
                waiting = True
            time.sleep(0.2)
        yield


def _try_lock(lock) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# ---------------------------------------------------------------- which Python runs the verb


def runs_in(where: Place) -> bool:
    """Whether this process already is the environment's Python."""
    return where.venv.exists() and os.path.samefile(sys.prefix, where.venv)


def has_requirements() -> bool:
    """Whether this interpreter can import the lock's packages, as after `pip install -r requirements.txt`."""
    return all(importlib.util.find_spec(name) for name in NEEDED)


def main(argv: list[str]) -> int:
    where = place(os.environ)
    verb = argv[0] if argv else "--help"
    try:
        if verb in SETS_UP and not where.is_ready():
            if runs_in(where) and where.beside(".unfinished").exists():
                # The environment cannot remove itself: the Python that it was made from does.
                return _go_on_in(Path(getattr(sys, "_base_executable", sys.executable)), argv)
            ensure(where, _say)
    except SetupFailed as failure:
        _say(str(failure))
        return 1
    except KeyboardInterrupt:
        _say("Set-up interrupted; the next run starts it afresh.")
        return 130
    if runs_in(where) or (verb not in SETS_UP and (verb in HELP or has_requirements())):
        from engine.cli import main as run_verb

        return run_verb(argv)
    if not where.python.exists() or where.beside(".unfinished").exists():
        _say("Argus is not set up here. Run `python -m engine up` first: it installs all that is needed.")
        return 2
    return _go_on_in(where.python, argv)


def _go_on_in(python: Path, argv: list[str]) -> int:
    command = [str(python), "-m", "engine", *argv]
    if os.name != "nt":
        os.execv(python, command)  # noqa: S606
    # Windows has no exec: its own would return to the prompt at once. Ctrl-C reaches the child by itself.
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
