"""The trial ledger: every config ever tried on a pack, counted once, under its idea family.

Append-only. SQLite triggers refuse UPDATE, DELETE and REPLACE, so nobody resets a count by way of this
program or any other that opens the file. Renaming does not help either: a family that tries a config which
another family tried on the same pack is its kin from then on, and kin share their counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from engine.core.errors import BadInput
from engine.store.db import Store, read, write
from engine.store.models import ORIGINS, TrialCharge, TrialPack

HASH_BYTES = 16  # of the 32 of a sha256; see models.Trial
CHUNK = 50_000  # trials a transaction: about 0.15 s of the write lock
MAX_VARIABLES = 30_000  # of one SQLite statement

KIN = """
WITH RECURSIVE kin(name) AS (
    VALUES (:family) UNION SELECT trial_kin.kin FROM trial_kin JOIN kin ON trial_kin.idea_family = kin.name
)
"""


class Family(NamedTuple):
    """Trials of one idea family: its own, and all that count against it (its own and its kin's)."""

    idea_family: str
    n_own: int
    n_trials: int


def charge(
    store: Store,
    family: str,
    pack_hash: str,
    trading_hashes: Iterable[bytes | str],
    origin: str,
    origin_id: str,
) -> int:
    """Charge configs tried on a pack to an idea family; returns how many of them were new.

    trading_hashes : sha256 of each config's trading fields, as 16 or 32 bytes or as hex.
    Commits in chunks. A killed charge is repeated as a whole: what was charged before adds nothing.
    BadInput for an empty family, an unknown origin or a hash of another length.
    """
    if not family.strip():
        raise BadInput("A trial needs an idea family. Give the spec an idea_family or a slug.")
    if origin not in ORIGINS:
        raise BadInput(f"{origin}: not an origin of trials. Allowed: {', '.join(ORIGINS)}.")
    keys = map(_key, trading_hashes)
    return sum(_charge_chunk(store, family, pack_hash, chunk, origin, origin_id) for chunk in _chunks(keys))


def n_trials(store: Store, family: str) -> int:
    """Trials that count against an idea: those of the family and of its kin."""
    total = text(
        KIN + "SELECT COALESCE(SUM(n_added), 0) FROM trial_charge WHERE idea_family IN (SELECT name FROM kin)"
    )
    with read(store) as session:
        return int(session.execute(total, {"family": family}).scalar_one())


def families(store: Store) -> list[Family]:
    """All families with their counts, by name."""
    own = text("SELECT idea_family, SUM(n_added) FROM trial_charge GROUP BY idea_family ORDER BY idea_family")
    with read(store) as session:
        rows = session.execute(own).all()
    return [Family(name, int(count), n_trials(store, name)) for name, count in rows]


def holds(store: Store) -> bool:
    """Whether the counts charged are the trials recorded; if not, the file was edited past its triggers."""
    counts = text(
        "SELECT (SELECT COUNT(*) FROM trial) = (SELECT COALESCE(SUM(n_added), 0) FROM trial_charge)"
    )
    with read(store) as session:
        return bool(session.execute(counts).scalar_one())


def _charge_chunk(
    store: Store, family: str, pack_hash: str, keys: list[bytes], origin: str, origin_id: str
) -> int:
    with write(store) as session:
        pack_id = _pack_id(session, pack_hash)
        entry = int(session.execute(text("SELECT COALESCE(MAX(id), 0) + 1 FROM trial_charge")).scalar_one())
        cursor = session.connection().connection.cursor()
        cursor.executemany(
            f"INSERT OR IGNORE INTO trial (pack_id, trading_hash, charge_id) VALUES ({pack_id}, ?, {entry})",
            [(key,) for key in keys],
        )
        n_added = int(cursor.rowcount)
        is_kin = n_added < len(keys) and _note_kin(session, family, pack_id, keys)
        if n_added or is_kin:
            session.add(
                TrialCharge(
                    id=entry,
                    idea_family=family,
                    pack_id=pack_id,
                    origin=origin,
                    origin_id=origin_id,
                    n_added=n_added,
                    created_at=store.clock(),
                )
            )
    return n_added


def _note_kin(session: Session, family: str, pack_id: int, keys: list[bytes]) -> bool:
    """Record the families that tried some of these configs before; True if one was not yet known as kin."""
    raw = session.connection().connection.cursor()
    charges: set[int] = set()
    for at in range(0, len(keys), MAX_VARIABLES):
        part = keys[at : at + MAX_VARIABLES]
        marks = ",".join("?" * len(part))
        raw.execute(
            f"SELECT DISTINCT charge_id FROM trial WHERE pack_id = {pack_id} AND trading_hash IN ({marks})",
            part,
        )
        charges.update(entry for (entry,) in raw.fetchall())
    tried_by = select(TrialCharge.idea_family).where(col(TrialCharge.id).in_(charges)).distinct()
    others = [name for name in session.exec(tried_by) if name != family]
    pairs = [pair for other in others for pair in ((family, other), (other, family))]
    raw.executemany("INSERT OR IGNORE INTO trial_kin (idea_family, kin) VALUES (?, ?)", pairs)
    return bool(raw.rowcount > 0)


def _pack_id(session: Session, pack_hash: str) -> int:
    known = session.exec(select(TrialPack).where(TrialPack.pack_hash == pack_hash)).first()
    if known is None:
        known = TrialPack(pack_hash=pack_hash)
        session.add(known)
        session.flush()
    assert known.id is not None
    return known.id


def _chunks(keys: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Sorted, so that rows of a chunk land beside each other in the table."""
    while chunk := sorted(itertools.islice(keys, CHUNK)):
        yield chunk


def _key(trading_hash: bytes | str) -> bytes:
    try:
        whole = bytes.fromhex(trading_hash) if isinstance(trading_hash, str) else bytes(trading_hash)
    except ValueError:
        whole = b""
    if len(whole) not in (16, 32):
        raise BadInput(f"{trading_hash!r}: not a trading hash. Give a sha256 as 16 or 32 bytes, or as hex.")
    return whole[:HASH_BYTES]
