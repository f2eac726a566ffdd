"""The put credit spread that the option benchmarks trade on the demo market."""

SPEC = {
    "name": "Put credit spread",
    "slug": "bench_put_credit_spread",
    "universe": ["SPY"],
    "entry": {"day_rules": {"enter_time": "10:00"}},
    "legs": [{"right": "PUT", "side": "SELL", "delta": -0.3, "dte": 7}, {"right": "PUT", "width": 3}],
    "risk_exits": {"stop_loss_pct": 60, "take_profit_pct": 30},
    "sizing": {"mode": "risk_pct", "risk_pct": 2, "max_concurrent": 3},
    "costs": {"per_unit": 0.65},
    "data": {"source": "SYNTHETIC"},
}
