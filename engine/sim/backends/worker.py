"""Foreign engines run in a process of their own: jobs go in and records come out through a temporary folder.

`python -m engine.sim.backends.worker ENGINE FOLDER` is that process. It takes a list of jobs, because importing
Lumibot or vectorbt costs 5 to 20 s; it has a clean environment without secrets, reaches no network, and works in
the folder, where whatever a foreign engine writes goes away with it.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from engine.core.errors import ArgusError, RunError, SetupError
from engine.core.option_rules import OptionRules
from engine.core.rules import TradeRules
from engine.core.settings import CHECKOUT
from engine.signals.logic import SignalColumns
from engine.sim.market import Market
from engine.sim.option_market import OptionMarket, date_of
from engine.sim.reference import Record
from engine.sim.reference_options import OptionRecord

MODULES = {name: f"engine.sim.backends.{name}" for name in ("lumibot", "vectorbt")}
START_SECONDS = 120.0
SECONDS_A_TICK = 0.02

# What a process needs to start and to find its own files; nothing else is passed on.
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
)

LUMIBOT_ENVIRONMENT = {
    "IS_BACKTESTING": "true",
    "LUMIBOT_DISABLE_DOTENV": "1",
    "LUMIBOT_DISABLE_UI": "1",
    "BACKTESTING_QUIET_LOGS": "true",
    "BACKTESTING_SHOW_PROGRESS_BAR": "false",
    "BACKTESTING_DATA_SOURCE": "none",
}


@dataclass(frozen=True)
class Job:
    """One walk: what an engine needs of a prepared spec."""

    market: Market
    rules: TradeRules
    signals: tuple[SignalColumns, ...]

    @property
    def clock(self) -> Market:
        """Whose ticks the walk goes through."""
        return self.market

    @property
    def cash(self) -> float:
        return self.rules.cash


@dataclass(frozen=True)
class OptionJob:
    """One walk of an option spec."""

    market: OptionMarket
    rules: OptionRules
    signals: tuple[SignalColumns, ...]

    @property
    def clock(self) -> Market:
        return self.market.base

    @property
    def cash(self) -> float:
        return self.rules.base.cash


@overload
def run_jobs(
    engine: str, jobs: Sequence[Job], *, timeout: float | None = None
) -> list[Record | ArgusError]: ...
@overload
def run_jobs(
    engine: str, jobs: Sequence[OptionJob], *, timeout: float | None = None
) -> list[OptionRecord | ArgusError]: ...
def run_jobs(engine: str, jobs: Sequence[Any], *, timeout: float | None = None) -> list[Any]:
    """The record of each job in order, or the error it ended in; one process for all of them.

    timeout : seconds for the whole list; by default what the number of bars suggests, generously.
    SetupError where the engine is not installed, RunError where the process dies or takes too long.
    """
    plain = [_plain(job) for job in jobs]
    if timeout is None:
        timeout = START_SECONDS + SECONDS_A_TICK * sum(len(job.clock.ticks) for job in jobs)
    with tempfile.TemporaryDirectory(prefix="argus-engine-") as name:
        folder = Path(name)
        (folder / "logs").mkdir()
        with (folder / "jobs.pickle").open("wb") as file:
            _Pickler(file, protocol=5).dump(plain)
        with (folder / "stderr.txt").open("wb") as stderr:
            _start(engine, folder, stderr, timeout)
        outcomes = folder / "outcomes.pickle"
        if not outcomes.exists():
            raise RunError(f"{engine}: its process ended without a result: {_last_line(folder)}")
        found: list[Any] = pickle.loads(outcomes.read_bytes())  # noqa: S301 - written by our child
    for one in found:
        if isinstance(one, SetupError):
            raise one
    return found


class _Pickler(pickle.Pickler):
    """Arrays that are mapped from a file go as a place in it: a pack's chains are too large to be copied twice."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not np.ndarray or not obj.flags.c_contiguous or not obj.size:
            return NotImplemented
        root: Any = obj
        while isinstance(root, np.ndarray) and not isinstance(root, np.memmap):
            root = root.base
        if not isinstance(root, np.memmap) or root.filename is None:
            return NotImplemented
        begin = obj.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        return mapped, (str(Path(root.filename).resolve()), obj.dtype.str, obj.shape, root.offset + begin)


def mapped(path: str, dtype: str, shape: tuple[int, ...], offset: int) -> Any:
    """An array as it lies in a file."""
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape))


def run_job(engine: str, job: Job) -> Record:
    """The record of one job; raises its error."""
    outcome = run_jobs(engine, [job])[0]
    if isinstance(outcome, ArgusError):
        raise outcome
    return outcome


def run_option_job(engine: str, job: OptionJob) -> OptionRecord:
    """`run_job` of an option spec."""
    outcome = run_jobs(engine, [job])[0]
    if isinstance(outcome, ArgusError):
        raise outcome
    return outcome


def _plain(job: Job | OptionJob) -> Job | OptionJob:
    """Signals as the engine's own class, so that the child imports nothing of the caller's; rates as a table."""
    columns = tuple(
        SignalColumns(s.entry_long, s.entry_short, s.exit_long, s.exit_short, s.levels) for s in job.signals
    )
    if isinstance(job, Job):
        return replace(job, signals=columns)
    market = job.market
    lanes = tuple(replace(lane, days={}) for lane in market.lanes)
    days = [date_of(int(day)) for day in np.unique(np.concatenate([one.bars.clock.day for one in lanes]))]
    rates = {day: market.rate_on(day) for day in days}
    return replace(job, signals=columns, market=replace(market, lanes=lanes, rate_on=rates.__getitem__))


def _start(engine: str, folder: Path, stderr: Any, timeout: float) -> None:
    command = [sys.executable, "-m", __name__, engine, str(folder)]
    try:
        subprocess.run(
            command,
            cwd=folder,
            env=environment(os.environ, folder),
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"{engine}: no result after {timeout:.0f} s, stopped. Its last words: {_last_line(folder)}. "
            "Shorten the window or coarsen the timeframe."
        ) from None


def environment(outer: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of the process: paths, no secrets, and Lumibot's switches, which it reads on import."""
    passed = {name: outer[name] for name in PASSED_ON if name in outer}
    return {
        **passed,
        **LUMIBOT_ENVIRONMENT,
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONHASHSEED": "0",
        "LUMIBOT_CACHE_FOLDER": str(folder / "cache"),
        "MPLCONFIGDIR": str(folder / "matplotlib"),
    }


def _last_line(folder: Path) -> str:
    lines = (folder / "stderr.txt").read_text("utf-8", errors="replace").split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1] if told else "nothing was said"


def refuse_network() -> None:
    """Make every connection that leaves this machine fail at once."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"no network in this process: {host}")
        connect(self, address)

    socket.socket.connect = local_only  # type: ignore[method-assign,assignment]


def main(engine: str, folder: Path) -> None:
    """Run the jobs of `folder` and write their outcomes; the process's only work."""
    import importlib

    jobs: list[Job | OptionJob] = pickle.loads((folder / "jobs.pickle").read_bytes())  # noqa: S301 - written by our parent
    refuse_network()
    work = importlib.import_module(MODULES[engine])
    outcomes: list[Record | OptionRecord | ArgusError] = []
    for job in jobs:
        try:
            outcomes.append(work.walk(job))
        except ArgusError as error:
            outcomes.append(error)
        except Exception as error:  # noqa: BLE001 - whatever a foreign engine raises becomes the job's outcome
            traceback.print_exc()
            first = (str(error).splitlines() or [""])[0]
            outcomes.append(RunError(f"{engine}: {type(error).__name__}: {first}"))
    part = folder / "outcomes.part"
    part.write_bytes(pickle.dumps(outcomes, protocol=5))
    part.replace(folder / "outcomes.pickle")


if __name__ == "__main__":
    # Run as a module this file is __main__, and the classes of the pickles are the imported module's.
    from engine.sim.backends import worker

    worker.main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # foreign engines leave threads behind that would keep the process alive
