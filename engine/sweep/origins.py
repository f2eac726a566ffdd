"""A run's or a config's spec, and that spec saved under a name: a find becomes a version.

Light enough for the web process: the grid is read from the store, nothing is compiled.
"""

from __future__ import annotations

from engine.core import slugs
from engine.core.errors import BadInput, NotFound, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_text import parse_spec, with_overrides
from engine.store import runs, specs, sweeps
from engine.store.db import Store
from engine.store.models import SpecVersion
from engine.sweep.axes import Axis
from engine.sweep.grid import Grid


def save_as(store: Store, origin: str, name: str) -> SpecVersion:
    """Save the spec of `origin` (a run's id, or SWEEP:INDEX) as a version with this name.

    It stays in the idea family of its origin, so that the trials which led to it stay counted.
    SpecError for a name that cannot be one, or is another idea's; NotFound where there is no such origin.
    """
    spec = spec_of(store, origin)
    slug = slug_of(name)
    taken = specs.list_specs(store, slug=slug, limit=1)
    if taken and taken[0].idea_family != spec.family:
        raise SpecError(
            f"{name}: the strategy {slug} belongs to the idea {taken[0].idea_family}, this spec to {spec.family}. "
            "Give another name."
        )
    return specs.keep_spec(
        store, with_overrides(spec, {"name": name, "slug": slug, "idea_family": spec.family}, name)
    )


def spec_of(store: Store, origin: str) -> StrategySpec:
    """The spec of a run, by the beginning of its id, or of one config of a sweep, SWEEP:INDEX."""
    sweep, colon, index = origin.partition(":")
    if colon:
        return config_spec(store, sweep, _number(origin, index))
    try:
        run = runs.get_run(store, origin)
    except NotFound as error:
        raise NotFound(f"{error} A config of a sweep is SWEEP:NUMBER.") from None
    return parse_spec(specs.get_spec(store, run.spec_hash).canonical, f"run {run.id}")


def config_spec(store: Store, sweep: str, index: int) -> StrategySpec:
    """Config `index` of a sweep in the store as a whole spec."""
    row = sweeps.get_sweep(store, sweep)
    if not 0 <= index < row.n_configs:
        raise NotFound(
            f"{row.id}:{index}: the sweep has configs 0 to {row.n_configs - 1:,}. Give one of them."
        )
    base = parse_spec(specs.get_spec(store, row.spec_hash).canonical, f"sweep {row.id}")
    axes = [Axis(one["name"], tuple(one["paths"]), tuple(one["values"])) for one in row.grid["axes"]]
    grid = Grid(axes, row.grid["where"])
    return with_overrides(base, grid.config(index), grid.describe(index))


def slug_of(name: str) -> str:
    """'SMA 10/30, tuned' -> 'sma_10_30_tuned'. SpecError where no letter or digit is left."""
    slug = slugs.slug_of(name)
    if not slug:
        raise SpecError(
            f"{name!r}: no name for a strategy; give one with letters or digits of the Latin alphabet."
        )
    return slug


def _number(origin: str, index: str) -> int:
    if index.isascii() and index.isdigit() and len(index) < 12:
        return int(index)
    raise BadInput(f"{origin}: write a config as SWEEP:NUMBER, such as 1f0c9a2b:17; configs count from 0.")
