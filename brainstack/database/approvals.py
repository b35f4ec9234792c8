"""The masks that people approved: of each section the pixels, by whom and when, and who took that back."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row
from brainstack.database.tables import MaskApprovalRow, utc_now, with_zone
from brainstack.said import MaskApproval


def approve_masks(session: Session, prep_id: str, masks: Mapping[str, str], person: str) -> None:
    """masks : section key -> digest of its mask. What was approved of these sections before is kept as history."""
    animal_row(session, prep_id)
    _release(session, prep_id, masks, person)
    session.add_all(
        MaskApprovalRow(prep_id=prep_id, section=key, mask=mask, person=person) for key, mask in masks.items()
    )
    session.flush()


def take_back(session: Session, prep_id: str, keys: Collection[str], person: str) -> list[str]:
    """Of these sections no mask is approved any more; what was is kept as history, with who took it back and when.
    Returns those of which one was."""
    animal_row(session, prep_id)
    return _release(session, prep_id, keys, person)


def mask_approvals(session: Session, prep_id: str) -> dict[str, MaskApproval]:
    """What is approved, by section key."""
    animal_row(session, prep_id)
    of, columns = MaskApprovalRow, (MaskApprovalRow.section, MaskApprovalRow.mask, MaskApprovalRow.person)
    query = select(*columns, of.created).where(of.prep_id == prep_id, of.active).order_by(of.id)
    return {
        section: MaskApproval(mask, person, with_zone(created))
        for section, mask, person, created in session.execute(query)
    }


def _release(session: Session, prep_id: str, keys: Collection[str], person: str) -> list[str]:
    query = select(MaskApprovalRow).where(MaskApprovalRow.prep_id == prep_id, MaskApprovalRow.active)
    rows = [row for row in session.scalars(query.order_by(MaskApprovalRow.id)) if row.section in keys]
    for row in rows:
        row.active, row.released_by, row.released = False, person, utc_now()
    session.flush()
    return [row.section for row in rows]
