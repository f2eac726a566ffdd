"""A contestant of a benchmark in a process of its own: does a task at each line of stdin, answers CPU seconds.

    python tests/benchmarks/worker.py argus|vectorbt|backtesting

A line is a JSON object {"task": ..., ...}; the answer one JSON object {"cpu": seconds, ...}. Tasks are prepared
(imports, compilation, reading the market) before their first timing, as a user's second call would find them.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
warnings.filterwarnings("ignore")

from tests.benchmarks import sma_market as market  # noqa: E402


class Argus:
    """Argus's sweep and single run, through the code that the verbs call."""

    def __init__(self) -> None:
        from engine.core.sessions import day_of
        from engine.packs.pack import pack_from_series
        from tests.fixtures.bars import make_sessions, series_of

        sessions = make_sessions(market.N_SESSIONS)
        b = market.bars()
        series = series_of(b["close"], sessions=sessions, open=b["open"], high=b["high"], low=b["low"])
        self.pack = pack_from_series([series], day_of(sessions.date[0]), day_of(sessions.date[-1]))

    def spec(self, kind: str) -> Any:
        from engine.core.spec_text import build_spec

        exits = market.exits_of(kind)

        def crossing(operator: str) -> dict[str, Any]:
            slow = {"name": "SMA", "params": {"length": 120}}
            return {"name": "SMA", "params": {"length": 5}, "operator": operator, "target": slow}

        tree: dict[str, Any] = {
            "name": "SMA", "slug": "sma", "universe": ["AAA"], "timeframe": "1min",
            "entry": {"signal_logic": [crossing("cross_above")]},
            "risk_exits": {"signal_logic": [crossing("cross_below")]},
            "costs": {"notional_pct": market.FEES * 100, "slippage_bps": market.SLIPPAGE * 1e4},
        }  # fmt: skip
        if "stop" in exits:
            tree["risk_exits"]["stop_loss_pct"] = exits["stop"] * 100
        if "trail" in exits:
            tree["risk_exits"]["trailing"] = {"trail_pct": exits["trail"] * 100}
        if "target" in exits:
            tree["risk_exits"]["take_profit_pct"] = exits["target"] * 100
        return build_spec(tree)

    def sweep(self, kind: str, n: int) -> dict[str, Any]:
        """As the sweep verb does a shard: grid, checked configs, trial hashes, columns, walks, metrics."""
        from engine.sweep.grid import make_sweep
        from engine.sweep.lab import Lab
        from engine.sweep.plan import SweepPlan

        fast, slow = (np.unique(lengths).tolist() for lengths in market.grid())
        paths = ("entry.signal_logic.0.{}", "risk_exits.signal_logic.0.{}")
        sweep = make_sweep(
            {"fast": {"values": fast}, "slow": {"values": slow[:: max(1, 1000 // n)]}},
            aliases={
                "fast": [p.format("params.length") for p in paths],
                "slow": [p.format("target.params.length") for p in paths],
            },
        )
        plan = SweepPlan.of(self.spec(kind), sweep)
        found = Lab(plan, self.pack).worker()((0, len(plan)), threading.Event())
        return {"n": len(plan), "trades": float(found.metrics[:, 9].sum())}

    def run(self) -> dict[str, Any]:
        from engine.sim.simulate import simulate

        result = simulate(self.spec("signals"), self.pack)
        return {"n": 1, "trades": result.metrics["n_trades"]}


class Vectorbt:
    """vectorbt with the faster of its engines, five configs at a time, five metrics a config."""

    def __init__(self) -> None:
        import pandas as pd
        import vectorbt as vbt

        self.vbt = vbt
        b = market.bars()
        index = pd.date_range("2021-03-08", periods=len(b["close"]), freq="1min")
        self.frames = {name: pd.Series(values, index=index) for name, values in b.items()}

    def sweep(self, kind: str, n: int, engine: str) -> dict[str, Any]:
        vbt, close = self.vbt, self.frames["close"]
        vbt.settings["engine"] = engine
        exits, (fast, slow) = market.exits_of(kind), market.grid()
        pick = np.arange(len(fast))[:: max(1, len(fast) // n)][:n]
        options: dict[str, Any] = {"fees": market.FEES, "slippage": market.SLIPPAGE, "init_cash": market.CASH}
        options |= {"freq": "1min", "max_orders": len(close)}
        if exits:
            options |= {k: self.frames[k] for k in ("open", "high", "low")}
            options |= {"sl_stop": exits.get("stop", exits.get("trail")), "tp_stop": exits["target"]}
            options["sl_trail"] = "trail" in exits
        trades = 0.0
        for at in range(0, len(pick), 5):
            some = pick[at : at + 5]
            quick = vbt.MA.run(close, fast[some].tolist())
            slower = vbt.MA.run(close, slow[some].tolist())
            book = vbt.Portfolio.from_signals(
                close, quick.ma_crossed_above(slower).values, quick.ma_crossed_below(slower).values, **options
            )
            for metric in (book.total_return, book.sharpe_ratio, book.max_drawdown, book.trades.win_rate):
                metric()
            trades += float(book.trades.count().sum())
        return {"n": len(pick), "trades": trades}


class Backtesting:
    """backtesting.py: one run of one config, statistics included."""

    def __init__(self) -> None:
        import pandas as pd

        b = market.bars()
        index = pd.date_range("2021-03-08", periods=len(b["close"]), freq="1min")
        self.frame = pd.DataFrame({name.capitalize(): values for name, values in b.items()}, index=index)

    def run(self) -> dict[str, Any]:
        import pandas as pd
        from backtesting import Backtest, Strategy
        from backtesting.lib import crossover

        def average(values: Any, length: int) -> Any:
            return pd.Series(values).rolling(length).mean()

        class Crossing(Strategy):
            def init(self) -> None:
                self.fast = self.I(average, self.data.Close, 5)
                self.slow = self.I(average, self.data.Close, 120)

            def next(self) -> None:
                if crossover(self.fast, self.slow):
                    self.buy()
                elif crossover(self.slow, self.fast):
                    self.position.close()

        test = Backtest(self.frame, Crossing, cash=market.CASH, commission=market.FEES, finalize_trades=True)
        return {"n": 1, "trades": float(test.run()["# Trades"])}


CONTESTANTS = {"argus": Argus, "vectorbt": Vectorbt, "backtesting": Backtesting}


def main(name: str) -> None:
    contestant = CONTESTANTS[name]()
    for line in sys.stdin:
        order = json.loads(line)
        task = getattr(contestant, order.pop("task"))
        before = time.process_time()
        answer = task(**order)
        answer["cpu"] = time.process_time() - before
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
