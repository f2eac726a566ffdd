"""`test [ARGS]`: the test suite by pytest, in this environment; ARGS go to pytest as they are."""

from __future__ import annotations

import subprocess
import sys

from engine.core.settings import CHECKOUT, Settings

WHOLE_SUITE = ("-q", "-n", "auto")
"""Without ARGS everything runs, on all cores."""


def pass_through(argv: list[str], settings: Settings) -> int:
    """Exit code of pytest. It runs from the checkout, whose `pyproject.toml` holds its settings."""
    command = [sys.executable, "-m", "pytest", *(argv or WHOLE_SUITE)]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode
