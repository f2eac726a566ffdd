"""The whole spec reference: `python -m engine.signals.reference > docs/spec-reference.md`."""

from __future__ import annotations

import sys

from engine.core import spec_reference
from engine.core.spec_reference import LogicEntry
from engine.signals.logic import REGISTRY


def reference() -> str:
    """The reference of all that a spec may say, named logic included, as markdown."""
    logics = [LogicEntry(one.name, one.title, one.bars, one.params) for one in REGISTRY.values()]
    return spec_reference.reference(logics)


if __name__ == "__main__":
    sys.stdout.write(reference())
