"""A job that builds a replay pack, as `pack build` does.

{"symbols": [...], "timeframes": [...], "start": date, "end": date, "source": name or null, "warmup": bars,
"chains": null or {"symbols": [...], "max_days": days or null, "width_pct": percent or null}}; chains serve decisions on
the first timeframe.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from engine.core.errors import DataError
from engine.data.readers import source_for
from engine.loop.work import Work
from engine.packs.build import build_pack
from engine.packs.pack import ChainRequest


def work(job: Work) -> dict[str, Any]:
    """{"pack_hash", "source", "n_bars", "chains": symbols, "notes"}."""
    told = job.payload
    symbols, timeframes = list(told["symbols"]), list(told.get("timeframes") or ["1min"])
    requests = [(symbol, timeframe) for symbol in symbols for timeframe in timeframes]
    chains = _chains(told.get("chains"), timeframes[0])
    n_told, n_total = 0, len(requests) + len(chains)

    def tell(line: str) -> None:
        nonlocal n_told
        job.check()
        job.report(line, min(n_told, n_total), n_total)
        n_told += 1

    pack = build_pack(
        job.settings,
        source=told.get("source") or source_for(job.settings, symbols),
        requests=requests,
        window_start=_date(told["start"]),
        window_end=_date(told["end"]),
        warmup_bars=dict.fromkeys(requests, int(told.get("warmup") or 0)),
        chains=chains,
        progress=tell,
    )
    n_bars = sum(len(one) for one in pack.series.values())
    return {
        "pack_hash": pack.hash,
        "source": pack.source,
        "n_bars": n_bars,
        "chains": sorted(pack.chains),
        "notes": list(pack.notes),
    }


def _chains(told: Mapping[str, Any] | None, timeframe: str) -> list[ChainRequest]:
    if not told:
        return []
    width = told.get("width_pct")
    share = None if width is None else float(width) / 100
    return [ChainRequest(symbol, timeframe, told.get("max_days"), share) for symbol in told["symbols"]]


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise DataError(f"{text!r} is not a date; write it like 2023-08-01.") from None
