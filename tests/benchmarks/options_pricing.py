"""Implied volatilities and Greeks a second: Argus against a vectorised peer and vollib, interleaved in one run.

    python -m tests.benchmarks.options_pricing [--quick]        (also part of python -m engine bench)

Every contestant lives in a process of its own and is warmed up once; then the rounds go A B C A B C .... Figures are
CPU seconds of the whole process, so threads gain nothing; the one on two threads is wall-clock. A ratio is the median
over rounds of peer / Argus of the same round. The quotes are the same everywhere: a chain around 500, a day to a year,
strikes within 20 %, volatilities 8 to 80 %, mids on whole cents from 5 cents up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SPOT, RATE, YIELD = 500.0, 0.04, 0.013
PEERS = {"fast-vollib": "fast_vollib", "vollib": "vollib", "QuantLib": "QuantLib"}
TASKS = {  # contestant, task -> quotes a round
    ("argus", "implied"): 400_000,
    ("argus two threads", "implied"): 400_000,
    ("fast-vollib", "implied"): 400_000,
    ("vollib", "implied"): 2_000,
    ("argus", "american"): 20_000,
    ("argus", "american implied"): 10_000,
    ("QuantLib", "american"): 2_000,
}


def quotes(n: int) -> dict[str, Any]:
    """The first n quotes of the chain: columns of length n."""
    from engine.options import pricing

    rng = np.random.default_rng(7)
    size = 900_000  # the same chain whatever n
    chain = {
        "strike": SPOT * np.exp(rng.uniform(-0.2, 0.2, size)),
        "years": rng.uniform(1.0, 365.0, size) / 365.0,
        "volatility": rng.uniform(0.08, 0.8, size),
        "is_call": rng.random(size) < 0.5,
    }
    exact = pricing.bsm_price(
        chain["is_call"], SPOT, chain["strike"], chain["years"], RATE, YIELD, chain["volatility"], threads=1
    )
    chain["price"] = np.round(exact, 2)
    keep = np.flatnonzero(chain["price"] >= 0.05)[:n]
    return {name: np.ascontiguousarray(column[keep]) for name, column in chain.items()}


# ---------------------------------------------------------------- contestants: what one call does


def argus(task: str, q: dict[str, Any], threads: int) -> Callable[[], Any]:
    from engine.options import american, iv

    contract = (q["is_call"], SPOT, q["strike"], q["years"], RATE, YIELD)
    if task == "american":
        return lambda: american.american_price(*contract, q["volatility"], threads=threads)
    if task == "american implied":
        price = american.american_price(*contract, q["volatility"], threads=threads)
        return lambda: american.american_implied_volatility(price, *contract, threads=threads)
    return lambda: iv.implied_with_greeks(q["price"], *contract, threads=threads)[0].volatility


def fast_vollib(task: str, q: dict[str, Any]) -> Callable[[], Any]:
    import fast_vollib as peer

    flag = np.where(q["is_call"], "c", "p")
    how = {"q": YIELD, "model": "black_scholes_merton", "backend": "numba"}

    def once() -> Any:
        found = peer.fast_implied_volatility(
            q["price"], SPOT, q["strike"], q["years"], RATE, flag, return_as="numpy", on_error="ignore", **how
        )
        usable = np.where(found > 0.0, found, 0.2)  # its Greeks refuse NaN
        peer.get_all_greeks(flag, SPOT, q["strike"], q["years"], RATE, usable, return_as="dict", **how)
        return found

    return once


def vollib(task: str, q: dict[str, Any]) -> Callable[[], Any]:
    from vollib.black_scholes_merton.greeks import analytical as greeks
    from vollib.black_scholes_merton.implied_volatility import implied_volatility

    rows = list(
        zip(q["price"].tolist(), q["is_call"], q["strike"].tolist(), q["years"].tolist(), strict=True)
    )

    def one(price: float, is_call: bool, strike: float, years: float) -> float:
        flag = "c" if is_call else "p"
        try:
            found: float = implied_volatility(price, SPOT, strike, years, RATE, YIELD, flag)
        except Exception:  # vollib raises where there is none
            return float("nan")
        if found > 0.0:
            for name in ("delta", "gamma", "vega", "theta", "rho"):
                getattr(greeks, name)(flag, SPOT, strike, years, RATE, found, YIELD)
        return found

    return lambda: np.array([one(*row) for row in rows])


def quantlib(task: str, q: dict[str, Any]) -> Callable[[], Any]:
    """Its engine of the same paper (QdFp, fast scheme), one option object after the other; whole days."""
    import QuantLib as ql

    today = ql.Date(2, 1, 2025)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    spot = ql.QuoteHandle(ql.SimpleQuote(SPOT))
    rate, carry = (ql.YieldTermStructureHandle(ql.FlatForward(today, r, counter)) for r in (RATE, YIELD))
    scheme = ql.QdFpAmericanEngine.fastScheme()
    rows = list(
        zip(q["is_call"], q["strike"].tolist(), q["years"].tolist(), q["volatility"].tolist(), strict=True)
    )

    def one(is_call: bool, strike: float, years: float, volatility: float) -> float:
        surface = ql.BlackConstantVol(today, ql.NullCalendar(), volatility, counter)
        process = ql.BlackScholesMertonProcess(spot, carry, rate, ql.BlackVolTermStructureHandle(surface))
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
        option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + max(1, round(years * 365))))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, scheme))
        return float(option.NPV())

    return lambda: np.array([one(*row) for row in rows])


def work(name: str) -> None:
    """Answer lines {"task", "n"} of stdin with {"cpu", "wall", "sample"}: seconds, and the first 1,000 results."""
    warnings.filterwarnings("ignore")
    makers: dict[str, Callable[[str, dict[str, Any]], Callable[[], Any]]] = {
        "argus": lambda task, q: argus(task, q, 1),
        "argus two threads": lambda task, q: argus(task, q, 2),
        "fast-vollib": fast_vollib,
        "vollib": vollib,
        "QuantLib": quantlib,
    }
    ready: dict[tuple[str, int], Callable[[], Any]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        key = (order["task"], order["n"])
        if key not in ready:
            ready[key] = makers[name](order["task"], quotes(order["n"]))
        wall, cpu = time.perf_counter(), time.process_time()
        found = ready[key]()
        answer = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        values = np.asarray(getattr(found, "volatility", found), dtype=np.float64)
        answer["sample"] = [None if np.isnan(v) else float(v) for v in values[:1000]]
        print(json.dumps(answer), flush=True)


# ---------------------------------------------------------------- the rounds


class Contestant:
    """A worker process that does a task at a time."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--worker", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def do(self, task: str, n: int) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"task": task, "n": n}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a benchmark worker ended early (exit code {self.process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure(quick: bool) -> dict[str, Any]:
    """per_second: medians of quotes a second; ratios; spread; greatest difference of volatilities from Argus's."""
    rounds = 3 if quick else 7
    missing = [name for name, module in PEERS.items() if find_spec(module) is None]
    tasks = {key: n for key, n in TASKS.items() if key[0] not in missing}
    contestants = {name: Contestant(name) for name in dict.fromkeys(name for name, _ in tasks)}
    figures: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    samples: dict[tuple[str, str], list[float | None]] = {}
    try:
        for turn in range(-1, rounds):  # turn -1 warms up
            for key, n in tasks.items():
                answer = contestants[key[0]].do(key[1], n)
                samples[key] = answer["sample"]
                if turn >= 0:
                    figures[key].append((answer["wall"] if "threads" in key[0] else answer["cpu"]) / n)
    finally:
        for one in contestants.values():
            one.end()
    spread: dict[str, list[float]] = {}
    ours = figures["argus", "implied"]
    for peer in ("fast-vollib", "vollib"):
        if (peer, "implied") in figures:
            theirs = figures[peer, "implied"]
            spread[f"iv_greeks_vs_{peer}"] = [b / a for a, b in zip(ours, theirs, strict=True)]
    if ("QuantLib", "american") in figures:
        pairs = zip(figures["argus", "american"], figures["QuantLib", "american"], strict=True)
        spread["american_vs_QuantLib"] = [b / a for a, b in pairs]
    fastest = min(
        (s for name, s in spread.items() if name.startswith("iv_")), key=statistics.median, default=None
    )
    if fastest is not None:
        spread["iv_greeks_vs_peer"] = fastest
    return {
        "missing": f"not installed (requirements-bench.in): {', '.join(missing)}" if missing else "",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "rounds": rounds,
        "per_second": {f"{name}, {task}": 1.0 / statistics.median(v) for (name, task), v in figures.items()},
        "ratios": {name: statistics.median(values) for name, values in spread.items()},
        "spread": {name: [min(values), max(values)] for name, values in spread.items()},
        "difference": {
            name: difference(samples["argus", task], sample)
            for (name, task), sample in samples.items()
            if task == "implied" and not name.startswith("argus")
        },
    }


def difference(ours: list[float | None], theirs: list[float | None]) -> float:
    """Greatest difference of volatilities where both tell one."""
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=False) if a is not None and b is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker)
        return
    print(json.dumps(measure(args.quick)))


if __name__ == "__main__":
    main()
