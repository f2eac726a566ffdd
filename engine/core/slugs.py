"""The name that a machine reads, made of the one that a person reads."""

from __future__ import annotations

import re

MAX_SLUG = 64


def slug_of(name: str) -> str:
    """'SMA 10/30, tuned' -> 'sma_10_30_tuned'; empty where no letter or digit is left."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:MAX_SLUG].rstrip("_")
