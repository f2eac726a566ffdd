"""Where the real market data lies, if this machine has it."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    root = Path(os.environ.get("ARGUS_REAL_DATA") or Path(__file__).parents[2] / "../shared/data").resolve()
    if not root.is_dir():
        pytest.skip("no real data: set ARGUS_REAL_DATA to the folder that holds lean/")
    return root
