"""How fast chains are imported, built into a pack and loaded from one, and how much memory that takes.

    python tests/benchmarks/chains.py [--contracts 3600] [--sessions 60] [--import-contracts 2000] [--home DIR]

Loading is measured in a process of its own, once with cold and once with warm files as far as the system lets us
choose; "touched" reads every number of every array. Figures are wall seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from engine.core.chains import ChainSeries, ChainSession
from engine.core.sessions import day_of, schedule
from engine.core.settings import CHECKOUT, Settings
from engine.data.calendars import sessions as sessions_of
from engine.data.contracts import contracts_of
from engine.data.importers import import_path
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series

LOAD = """
import json, sys, time
from pathlib import Path
from engine.core.settings import Settings
from engine.packs.disk import load_pack
import numpy as np
def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024
import pyarrow.parquet
begin = time.perf_counter()
pack = load_pack(Settings(Path(sys.argv[1])), sys.argv[2])
opened = time.perf_counter() - begin
total = 0.0
for one in pack.chains["SPY"].by_session.values():
    for name in ("open_bid", "open_ask", "close_bid", "close_ask"):
        total += float(getattr(one, name).sum(dtype=np.float64))
print(json.dumps({"open_s": opened, "touched_s": time.perf_counter() - begin, "peak_mb": peak()}))
"""


def chain(n_contracts: int, n_sessions: int) -> ChainSeries:
    """A chain of about `n_contracts` a session whose every contract is quoted on both sides in every minute."""
    import polars as pl

    rng = np.random.default_rng(7)
    around = sessions_of("XNYS", dt.date(2023, 8, 1), dt.date(2024, 6, 30))
    sessions = around.between(day_of(around.date[0]), day_of(around.date[n_sessions - 1]))
    n_expiries = 15
    n_strikes = max(1, round(n_contracts / 2 / n_expiries))
    by_session = {}
    for i in range(n_sessions):
        expiries = [
            day_of(around.date[i + j]) for j in (0, 1, 2, 3, 4, 8, 13, 18, 23, 28, 33, 38, 43, 48, 53)
        ]
        strikes = [450.0 + k - n_strikes // 2 for k in range(n_strikes)]
        table = pl.DataFrame(
            [(e, strike, c, "SPY") for e in expiries for strike in strikes for c in (False, True)],
            schema={"expiry": pl.Date, "strike": pl.Float64, "is_call": pl.Boolean, "root": pl.String}, orient="row",
        )  # fmt: skip
        day = day_of(sessions.date[i])
        contracts, _ = contracts_of(table, day, [])
        start = schedule(sessions.between(day, day), "1min").start
        walk = np.cumsum(rng.integers(-2, 3, (len(contracts), len(start))), axis=1, dtype=np.int64)
        bid = (np.abs(walk) * 0.01 + 1.0).astype(np.float32)
        ask = (bid + np.float32(0.02)).astype(np.float32)
        by_session[i] = ChainSession(i, start, contracts, bid, ask, bid.copy(), ask.copy())
    return ChainSeries("SPY", "1min", "BENCH", sessions, by_session)


def load(settings: Settings, digest: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(settings.home), digest],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: round(value, 3) for name, value in json.loads(done.stdout).items()}


def import_speed(folder: Path, n_contracts: int) -> None:
    """A day of a flat file and of LEAN's zip of quotes, every contract in 390 minutes, through the whole importer."""
    import polars as pl

    rng = np.random.default_rng(7)
    day = dt.date(2023, 8, 1)
    opens = int(dt.datetime(2023, 8, 1, 13, 30, tzinfo=dt.UTC).timestamp()) * 10**9
    n = n_contracts * 390
    cents = rng.integers(100, 5_000, n)
    minute = np.tile(np.arange(390), n_contracts)
    strike = np.repeat(np.arange(n_contracts) + 1, 390)
    flat = pl.DataFrame(
        {
            "ticker": pl.Series(strike * 1000).cast(pl.String).str.zfill(8), "volume": cents, "open": cents / 100,
            "close": cents / 100, "high": cents / 100, "low": cents / 100, "window_start": opens + minute * 60 * 10**9,
            "transactions": 1,
        }
    ).with_columns(("O:SPY230915C" + pl.col("ticker")).alias("ticker"))  # fmt: skip
    path = folder / "polygon/us_options_opra/minute_aggs_v1/2023/08/2023-08-01.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(flat.write_csv().encode(), 1))
    zipped = folder / "lean/option/usa/minute/spy/20230801_quote_american.zip"
    zipped.parent.mkdir(parents=True)
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for i in range(n_contracts):
            own = cents[i * 390 : (i + 1) * 390] * 100
            lines = [
                f"{34_200_000 + m * 60_000},{c},{c},{c},{c},1,{c},{c},{c},{c},1" for m, c in enumerate(own)
            ]
            archive.writestr(
                f"20230801_spy_minute_quote_american_call_{(i + 1) * 10_000}_20230915.csv",
                "\n".join(lines) + "\n",
            )
    for format in ("polygon", "lean"):
        begin = time.perf_counter()
        report = import_path(
            Settings(folder / "home"), format, folder / format, now=dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
        )
        seconds = time.perf_counter() - begin
        pace = f"{report.n_new / seconds:,.0f} rows a second"
        print(f"import {format} {day}: {report.n_new:,} rows in {seconds:.1f} s, {pace}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=3600)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--import-contracts", type=int, default=2000)
    parser.add_argument("--home", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        import_speed(Path(folder), args.import_contracts)
    settings = Settings(args.home or Path(tempfile.mkdtemp(prefix="chains-")))
    made = chain(args.contracts, args.sessions)
    window = day_of(made.sessions.date[0]), day_of(made.sessions.date[-1])
    begin = time.perf_counter()
    pack = pack_from_series([], *window, chains=[made])
    print(f"hash: {time.perf_counter() - begin:.2f} s")
    begin = time.perf_counter()
    folder = save_pack(settings, pack)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"written: {time.perf_counter() - begin:.2f} s, {size:,.0f} MB")
    for which in ("first", "second"):
        print(f"{which} load: {load(settings, pack.hash)}")


if __name__ == "__main__":
    main()
