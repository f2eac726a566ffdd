"""Compiled forms of the definition's formulas; how they are made is in `engine.core.compiled`."""

from engine.core.compiled import compile_together, stamp_of

__all__ = ["compile_together", "stamp_of"]
