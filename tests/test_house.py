"""Style and types are checked like any other behaviour."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CHECKS = {
    "ruff": ["ruff", "check", "--output-format", "concise", "."],
    "mypy": ["mypy"],
}


@pytest.mark.parametrize("tool", CHECKS)
def test_the_tool_has_nothing_to_say(tool):
    check = subprocess.run(
        [sys.executable, "-m", *CHECKS[tool]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_direct_dependency_has_a_reason_and_a_pinned_version():
    locked = {line.split("==")[0].lower() for line in _lines("requirements.txt") if "==" in line}
    for line in _lines("requirements.in"):
        requirement, _, reason = line.partition(" #")
        name = requirement.split("[")[0]
        for sign in "<>=":
            name = name.split(sign)[0]
        assert reason.strip(), f"{name}: no reason"
        assert name.strip().lower().replace("_", "-") in locked, f"{name}: not in the lock; make it again"


def test_the_lock_names_no_host_and_no_lumibot():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert not [line for line in _lines("requirements.txt") if line.startswith("lumibot=")]


def _lines(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
