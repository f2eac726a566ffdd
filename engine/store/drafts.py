"""Drafts: texts of specs while somebody writes them.

Every edit is kept here, so that closing the browser loses nothing. A draft need not be valid, nor even JSON. Saved,
it becomes a spec version and is a draft no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from engine.core.errors import NotFound, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_text import MAX_BYTES, parse_spec, with_overrides
from engine.store.db import Store, read, write
from engine.store.models import SpecDraft, SpecVersion
from engine.store.specs import keep_spec


def new_draft(store: Store, text: str, origin: str = "") -> SpecDraft:
    """Keep a text as a draft; the same text again returns the draft that holds it.

    origin : the file or the hash of the version that it began from. SpecError above MAX_BYTES.
    """
    _check_size(text, origin or "draft")
    with write(store) as session:
        same = session.exec(select(SpecDraft).where(SpecDraft.text == text).limit(1)).first()
        if same is not None:
            return same
        now = store.clock()
        row = SpecDraft(
            id=_new_id(session, text, now), text=text, origin=origin, created_at=now, updated_at=now
        )
        session.add(row)
    return row


def save_draft(store: Store, draft_id: str, text: str, *, seen: str | None = None) -> SpecDraft:
    """Replace a draft's text.

    seen : the text that the edit began from. Where another window has changed the draft since, both texts are kept:
    the other's here, this one in the new draft that is returned.
    NotFound if the draft is gone, SpecError above MAX_BYTES; the text stays as it was.
    """
    _check_size(text, "draft")
    with write(store) as session:
        row = _of(session, draft_id)
        if row.text == text:
            return row
        if seen is None or row.text == seen:
            row.text, row.updated_at = text, store.clock()
            session.add(row)
            return row
    return new_draft(store, text, row.origin)


def get_draft(store: Store, draft_id: str) -> SpecDraft:
    """NotFound if there is none; it may have been saved or deleted."""
    with read(store) as session:
        return _of(session, draft_id)


def list_drafts(store: Store, *, limit: int = 100, offset: int = 0) -> Sequence[SpecDraft]:
    """Drafts, the one changed last first."""
    newest = select(SpecDraft).order_by(col(SpecDraft.updated_at).desc(), SpecDraft.id)
    with read(store) as session:
        return session.exec(newest.limit(limit).offset(offset)).all()


def count_drafts(store: Store) -> int:
    with read(store) as session:
        return int(session.exec(select(func.count()).select_from(SpecDraft)).one())


def delete_draft(store: Store, draft_id: str, *, seen: str | None = None) -> None:
    """Delete a draft; one that is not there is no error. seen: only while it still has this text."""
    with write(store) as session:
        row = session.get(SpecDraft, draft_id)
        if row is not None and seen in (None, row.text):
            session.delete(row)


def publish(store: Store, draft_id: str) -> SpecVersion:
    """Save a draft as a spec version and end it. SpecError with the first fault where it is not valid."""
    row = get_draft(store, draft_id)
    version = keep_spec(store, finished(store, row))
    delete_draft(store, draft_id, seen=row.text)
    return version


def finished(store: Store, draft: SpecDraft) -> StrategySpec:
    """The spec that saving a draft would keep.

    A draft of a version that only took another slug stays in that version's idea family: a new name must not
    begin the count of trials anew. A family that the text names is taken as it is.
    """
    spec = parse_spec(draft.text, draft.origin or "draft")
    with read(store) as session:
        origin = session.get(SpecVersion, draft.origin)
    if origin is None or spec.idea_family is not None or spec.family == origin.idea_family:
        return spec
    return with_overrides(spec, {"idea_family": origin.idea_family})


def _check_size(text: str, where: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise SpecError(f"{where}: {size:,} bytes; at most {MAX_BYTES:,} are allowed. Shorten the file.")


def _of(session: Session, draft_id: str) -> SpecDraft:
    row = session.get(SpecDraft, draft_id)
    if row is None:
        raise NotFound(f"{draft_id}: no such draft; it was saved as a version or deleted. Open another one.")
    return row


def _new_id(session: Session, text: str, now: datetime) -> str:
    """12 hex characters that no draft has yet."""
    seed = hashlib.sha256(f"{now.isoformat()} {text}".encode("utf-8", "surrogatepass"))
    while session.get(SpecDraft, seed.hexdigest()[:12]) is not None:
        seed.update(b"again")
    return seed.hexdigest()[:12]
