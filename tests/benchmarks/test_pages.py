"""The benchmark of the pages runs: tiny sizes, no claim about time."""

from __future__ import annotations

import shutil

import pytest

from tests.benchmarks import pages

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which(pages.CHROMIUM) is None, reason="no chromium here: apt-get install chromium")
def test_the_benchmark_of_the_pages_measures_renders_and_reruns(capsys, tmp_path):
    pages.main(["--runs", "60", "--configs", "256", "--session-days", "40", "--sessions", "2", "--visits", "1",
                "--seconds", "3", "--pages", "runs,tearsheet", "--home", str(tmp_path / "desk")])  # fmt: skip
    told = capsys.readouterr().out
    rows = [
        line.split("|")[1:-1] for line in told.splitlines() if line.startswith(("| runs ", "| tearsheet "))
    ]
    assert [row[0].strip() for row in rows] == ["runs", "tearsheet", "runs", "tearsheet"]
    assert all(float(cell.replace(",", "")) > 0 for row in rows for cell in row[1:])
