"""What a sweep will cost, before anything is simulated: time, memory, disk.

Time follows a simple law, measured on a quiet machine (docs/benchmarks.md): a start, and for each config something
for itself and something a bar, divided among the cores. Earlier sweeps of this workspace say how much slower or faster
this machine and these strategies are. Once a worker runs the sweep it measures a few configs, and that figure counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from engine.core.errors import ArgusError
from engine.core.settings import Settings
from engine.packs.disk import find_pack, read_manifest
from engine.store import specs, sweeps
from engine.store.db import Store
from engine.store.models import SweepRow

START_SECONDS = 0.6  # a pack laid out, a few configs measured
CONFIG_SECONDS = 1e-4  # a spec built and hashed, signals combined, 14 metrics
BAR_SECONDS = 3e-9  # 0.393 ms a config over 98,280 bars, less the above
OPTION_CONFIG_SECONDS = 2.2e-4  # 0.32 ms a config of a credit spread over 3,900 bars, less the below
OPTION_BAR_SECONDS = 2.4e-8  # 0.78 ms over 23,400 bars, positions held most of the time
GUESS_SPREAD = 5.0  # other work on the cores and other strategies have made a factor of four
LEAST_SPREAD = 2.0
N_SWEEPS = 20  # the newest that are looked at

PROCESS_BYTES = 300 << 20  # a worker with its compiled walk
BAR_BYTES = 3 * 80  # a bar in the pack, in the market laid out, and once more while it is built
QUOTE_BYTES = 40  # a quote as a cell of the dense chain, with the empty cells around it
MASK_BYTES = 8 << 20
MAX_COLUMN_BYTES = 1 << 30
ROW_BYTES = 100  # of results on disk: 70 to 110 measured, compressed, with two to four parameters
TRIAL_BYTES = 27  # a config in the ledger of trials


@dataclass(frozen=True)
class Measured:
    """An earlier sweep: how many configs it computed on how many bars in how many seconds."""

    n_configs: int
    n_bars: float
    seconds: float
    is_kin: bool  # of the same idea family
    is_options: bool = False


@dataclass(frozen=True)
class Forecast:
    """seconds : expected; `spread`: it is mostly between seconds / spread and seconds * spread.

    n_sweeps : earlier sweeps it was made from, 0 where it is a guess. of_kin: they are of the same idea.
    memory, disk : bytes.
    """

    seconds: float
    spread: float
    n_sweeps: int
    of_kin: bool
    memory: float
    disk: float

    @property
    def how(self) -> str:
        """Where the time comes from, in a sentence."""
        if not self.n_sweeps:
            return f"A guess from Argus's benchmark, within a factor of {self.spread:.0f}: no sweep was measured here."
        sweep = "sweep" if self.n_sweeps == 1 else "sweeps"
        whose = " of this idea" if self.of_kin else ""
        return f"From {self.n_sweeps} earlier {sweep}{whose} on this machine, within a factor of {self.spread:.0f}."


def forecast(
    n_configs: int,
    n_bars: float,
    n_operands: int,
    n_cores: int,
    earlier: Sequence[Measured],
    *,
    is_options: bool = False,
    n_quotes: float = 0.0,
) -> Forecast:
    """Expected cost of a sweep.

    n_bars : bars of all symbols together. n_operands : values of all axes, each of which may be a column.
    n_quotes : of the chains of an option spec. Sweeps of options say nothing about those of bars, nor they about them.
    """
    known = [one for one in earlier if one.is_options == is_options and _tells(one, n_cores)]
    kin = [one for one in known if one.is_kin]
    used = kin or known
    ratios = [one.seconds / lawful_seconds(one.n_configs, one.n_bars, n_cores, is_options) for one in used]
    factor = median(ratios) if ratios else 1.0
    spread = max(LEAST_SPREAD, *(max(r / factor, factor / r) for r in ratios)) if ratios else GUESS_SPREAD
    columns = min(MAX_COLUMN_BYTES, (n_operands + 2) * n_bars * 8) + MASK_BYTES
    return Forecast(
        seconds=factor * lawful_seconds(n_configs, n_bars, n_cores, is_options),
        spread=math.ceil(spread),
        n_sweeps=len(used),
        of_kin=bool(kin),
        memory=PROCESS_BYTES
        + BAR_BYTES * n_bars
        + columns
        + n_cores * 64 * n_bars
        + 8 * n_configs
        + QUOTE_BYTES * n_quotes,
        disk=(ROW_BYTES + TRIAL_BYTES) * n_configs,
    )


def lawful_seconds(n_configs: int, n_bars: float, n_cores: int, is_options: bool = False) -> float:
    """Seconds by the law alone, on the machine of the benchmark."""
    return START_SECONDS + _walking(n_configs, n_bars, n_cores, is_options)


def earlier_sweeps(store: Store, family: str) -> list[Measured]:
    """What the newest sweeps of the store took; those whose pack is gone say nothing."""
    found = []
    for row in sweeps.list_sweeps(store, limit=N_SWEEPS):
        n_bars = _bars_of(store.settings, row)
        if row.n_done and row.seconds > 0 and n_bars:
            spec = specs.get_spec(store, row.spec_hash)
            is_options = bool(json.loads(spec.canonical).get("legs"))
            found.append(Measured(row.n_done, n_bars, row.seconds, spec.idea_family == family, is_options))
    return found


def pack_bars(settings: Settings, pack_hash: str) -> float:
    """Bars of all series of a pack, by its manifest. NotFound, DataError as `find_pack` and `read_manifest`."""
    manifest = read_manifest(find_pack(settings, pack_hash))
    return float(sum(one["bars"] for one in manifest["series"]))


def _bars_of(settings: Settings, row: SweepRow) -> float:
    try:
        return pack_bars(settings, row.pack_hash)
    except ArgusError:
        return 0.0


def _walking(n_configs: int, n_bars: float, n_cores: int, is_options: bool) -> float:
    config, bar = (OPTION_CONFIG_SECONDS, OPTION_BAR_SECONDS) if is_options else (CONFIG_SECONDS, BAR_SECONDS)
    return n_configs * (config + bar * n_bars) / n_cores


def _tells(one: Measured, n_cores: int) -> bool:
    """Whether a sweep was long enough to say something about walking, and not only about its start."""
    return _walking(one.n_configs, one.n_bars, n_cores, one.is_options) >= START_SECONDS / 2
