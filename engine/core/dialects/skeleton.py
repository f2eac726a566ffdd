"""The skeleton: Spec v1 as it was first drafted. Sections and units are v1's; a few keys stand elsewhere.

`legs: []` holds the underlying itself, long, sized by `sizing`, as in Spec v1.
"""

from __future__ import annotations

from engine.core.dialects import common
from engine.core.dialects.records import Dialect

DIALECT = Dialect(
    key="skeleton",
    name="skeleton",
    table=(*common.TABLE, *common.THRESHOLDS),
    grouped=common.GROUPED,
    rewrite=common.rewrite,
)
