"""Spec versions: saved once, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlmodel import Session, col, select

from engine.core.errors import NotFound, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical_json
from engine.core.spec_text import spec_hash as spec_hash_of
from engine.store.db import Store, read, write
from engine.store.models import SpecVersion


def save_spec(
    store: Store, *, spec_hash: str, canonical: str, name: str, slug: str, idea_family: str
) -> SpecVersion:
    """Keep one spec version; the same hash again returns the first record.

    spec_hash : hex sha256 of `canonical` (UTF-8), the spec's canonical JSON. SpecError if it is not.
    idea_family : what its trials are charged to.
    """
    if hashlib.sha256(canonical.encode()).hexdigest() != spec_hash:
        raise SpecError(
            f"{name}: the hash {spec_hash[:12]} is not the sha256 of the canonical JSON. Save the spec again."
        )
    kept = _find(store, spec_hash)
    if kept is not None:
        return kept
    row = SpecVersion(
        hash=spec_hash,
        canonical=canonical,
        name=name,
        slug=slug,
        idea_family=idea_family,
        created_at=store.clock(),
    )
    with write(store) as session:
        return session.get(SpecVersion, spec_hash) or _added(session, row)


def keep_spec(store: Store, spec: StrategySpec) -> SpecVersion:
    """Keep a checked spec as a version under its own name, slug and idea family."""
    return save_spec(
        store,
        spec_hash=spec_hash_of(spec),
        canonical=canonical_json(spec),
        name=spec.name,
        slug=spec.slug,
        idea_family=spec.family,
    )


def get_spec(store: Store, prefix: str) -> SpecVersion:
    """The version whose hash begins with `prefix` (8 characters or more). NotFound if none or several do."""
    with read(store) as session:
        wanted = select(SpecVersion).where(col(SpecVersion.hash).startswith(prefix, autoescape=True)).limit(2)
        found = session.exec(wanted).all() if len(prefix) >= 8 else []
    if len(found) != 1:
        what = "several spec versions begin" if found else "no spec version begins"
        raise NotFound(f"{prefix}: {what} with this. Give 8 to 64 characters of its hash.")
    return found[0]


def list_specs(
    store: Store,
    *,
    slug: str | None = None,
    idea_family: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[SpecVersion]:
    """Versions, newest first; all of one slug or family if given."""
    wanted = select(SpecVersion)
    if slug is not None:
        wanted = wanted.where(SpecVersion.slug == slug)
    if idea_family is not None:
        wanted = wanted.where(SpecVersion.idea_family == idea_family)
    newest = wanted.order_by(col(SpecVersion.created_at).desc(), SpecVersion.hash)
    with read(store) as session:
        return session.exec(newest.limit(limit).offset(offset)).all()


def _find(store: Store, spec_hash: str) -> SpecVersion | None:
    with read(store) as session:
        return session.get(SpecVersion, spec_hash)


def _added(session: Session, row: SpecVersion) -> SpecVersion:
    session.add(row)
    return row
