"""Which index answers a filter over runs.

SQLite guesses that an equality on an indexed column leaves ten rows; for `engine = 'native'` these can be a
million, which it would then sort. So it is measured: a condition that leaves few rows is searched in its own
index and its rows sorted; where none does, the order's index is walked and each row tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from engine.core.errors import BadInput
from engine.metrics.names import METRIC_NAMES
from engine.store.models import UtcDateTime

FEW = 5_000  # rows that are looked up and sorted in about 10 ms


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs: each field that is not empty narrows; several values of one field widen.

    sweep_ids : runs that one of these sweeps keeps, whoever made them.
    at_least, at_most : bounds on metrics, inclusive, fractions; a run whose metric is undefined is out.
    """

    spec_hashes: Sequence[str] = ()
    slugs: Sequence[str] = ()
    idea_families: Sequence[str] = ()
    pack_hashes: Sequence[str] = ()
    engines: Sequence[str] = ()
    symbols: Sequence[str] = ()
    timeframes: Sequence[str] = ()
    sources: Sequence[str] = ()
    sweep_ids: Sequence[str] = ()
    statuses: Sequence[str] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)


COLUMN_OF = {
    "spec_hashes": "spec_hash",
    "slugs": "slug",
    "idea_families": "idea_family",
    "pack_hashes": "pack_hash",
    "engines": "engine",
    "timeframes": "timeframe",
    "sources": "source",
    "statuses": "status",
}
# Where a run may have several: the table that links them, whose key begins with the column.
LINKED = {"symbols": ("run_symbol", "symbol"), "sweep_ids": ("sweep_run", "sweep_id")}


class Plan(NamedTuple):
    """Parts of a SELECT over `run`, and the values they bind."""

    hint: str  # "INDEXED BY ..." or nothing
    where: str
    order: str
    values: dict[str, Any]


class _Clause(NamedTuple):
    """One condition: a search with `hint`, a test of a row found otherwise, and a count of what it leaves."""

    hint: str
    search: str
    test: str
    n_left: str
    values: dict[str, Any]


def plan_list(session: Session, filters: RunFilter, order: str) -> Plan:
    """The plan of a page ordered by the column `order`."""
    clauses = list(_clauses(filters))
    smallest = _smallest(session, clauses)
    if smallest is None:
        return _joined(clauses, None, filters, f"INDEXED BY ix_run_{order}", order)
    return _joined(clauses, smallest, filters, smallest.hint, f"+{order}")


def plan_count(session: Session, filters: RunFilter) -> Plan:
    """The plan of a count: no order, so a search in any index beats reading whole rows."""
    clauses = list(_clauses(filters))
    smallest = _smallest(session, clauses) or (clauses[0] if clauses else None)
    return _joined(clauses, smallest, filters, smallest.hint if smallest else "", "")


def _joined(
    clauses: list[_Clause], searched: _Clause | None, filters: RunFilter, hint: str, order: str
) -> Plan:
    conditions = [clause.search if clause is searched else clause.test for clause in clauses]
    values = {name: value for clause in clauses for name, value in clause.values.items()}
    for column, sign, value in _bounds(filters):
        name = f"bound{len(values)}"
        # The unary plus keeps SQLite from searching this column's index instead.
        conditions.append(f"{'+' if searched else ''}{column} {sign} :{name}")
        values[name] = value
    return Plan(hint, " AND ".join(conditions) or "TRUE", order, values)


def _smallest(session: Session, clauses: list[_Clause]) -> _Clause | None:
    """The condition that leaves the fewest rows, if these are few."""
    counts = [int(session.execute(text(clause.n_left), clause.values).scalar_one()) for clause in clauses]
    return clauses[counts.index(min(counts))] if counts and min(counts) < FEW else None


def _clauses(filters: RunFilter) -> Iterator[_Clause]:
    for name, column in COLUMN_OF.items():
        wanted, values = _any_of(column, getattr(filters, name))
        if values:
            yield _Clause(
                hint=f"INDEXED BY ix_run_{column}",
                search=f"{column} IN ({wanted})",
                test=f"+{column} IN ({wanted})",
                n_left=f"SELECT COUNT(*) FROM (SELECT 1 FROM run WHERE {column} IN ({wanted}) LIMIT {FEW})",
                values=values,
            )
    for name, (table, column) in LINKED.items():
        wanted, values = _any_of(column, getattr(filters, name))
        if values:
            linked = f"FROM {table} WHERE {column} IN ({wanted})"
            yield _Clause(
                hint="",
                search=f"id IN (SELECT run_id {linked})",
                test=f"EXISTS (SELECT 1 {linked} AND run_id = run.id)",
                n_left=f"SELECT COUNT(*) FROM (SELECT 1 {linked} LIMIT {FEW})",
                values=values,
            )


def _any_of(column: str, wanted: Sequence[str]) -> tuple[str, dict[str, Any]]:
    values = {f"{column}{i}": value for i, value in enumerate(wanted)}
    return ", ".join(f":{name}" for name in values), values


def _bounds(filters: RunFilter) -> Iterator[tuple[str, str, Any]]:
    for sign, bounds in ((">=", filters.at_least), ("<=", filters.at_most)):
        for metric, value in bounds.items():
            if metric not in METRIC_NAMES:
                raise BadInput(f"{metric}: not a metric of runs. Metrics: {', '.join(METRIC_NAMES)}.")
            yield metric, sign, float(value)
    for sign, instant in ((">=", filters.created_from), ("<", filters.created_before)):
        if instant is not None:
            yield "created_at", sign, UtcDateTime.to_text(instant)
