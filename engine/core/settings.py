"""Where the workspace lies. Nothing is read at import; callers pass the environment in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths of one workspace; `home` is its root (ARGUS_HOME, default `data/` in the checkout)."""

    home: Path

    @property
    def market(self) -> Path:
        return self.home / "market"

    @property
    def packs(self) -> Path:
        return self.home / "packs"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def sweeps(self) -> Path:
        return self.home / "sweeps"

    @property
    def calls(self) -> Path:
        return self.home / "calls"

    @property
    def database(self) -> Path:
        return self.home / "argus.sqlite"

    @property
    def heartbeats(self) -> Path:
        return self.home / "heartbeats.sqlite"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def exports(self) -> Path:
        return self.home / "exports"

    @property
    def locks(self) -> Path:
        return self.home / "locks"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process's environment."""
    home = (os.environ if environ is None else environ).get("ARGUS_HOME")
    return Settings(Path(home).expanduser().resolve() if home else CHECKOUT / "data")
