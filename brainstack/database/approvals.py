"""The masks that people approved: of each section the pixels, and by whom and when."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row
from brainstack.database.tables import MaskApprovalRow, with_zone
from brainstack.said import MaskApproval


def approve_masks(session: Session, prep_id: str, masks: Mapping[str, str], person: str) -> None:
    """masks : section key -> digest of its mask. What was approved of these sections before is kept as history."""
    animal_row(session, prep_id)
    for row in _active(session, prep_id, masks):
        row.active = False
    session.add_all(
        MaskApprovalRow(prep_id=prep_id, section=key, mask=mask, person=person) for key, mask in masks.items()
    )
    session.flush()


def take_back(session: Session, prep_id: str, keys: Collection[str]) -> list[str]:
    """Of these sections no mask is approved any more. Returns those of which one was."""
    animal_row(session, prep_id)
    rows = _active(session, prep_id, keys)
    for row in rows:
        row.active = False
    session.flush()
    return [row.section for row in rows]


def mask_approvals(session: Session, prep_id: str) -> dict[str, MaskApproval]:
    """What is approved, by section key."""
    animal_row(session, prep_id)
    query = select(MaskApprovalRow).where(MaskApprovalRow.prep_id == prep_id, MaskApprovalRow.active)
    return {
        row.section: MaskApproval(row.mask, row.person, with_zone(row.created))
        for row in session.scalars(query.order_by(MaskApprovalRow.id))
    }


def _active(session: Session, prep_id: str, keys: Collection[str]) -> list[MaskApprovalRow]:
    query = select(MaskApprovalRow).where(MaskApprovalRow.prep_id == prep_id, MaskApprovalRow.active)
    return [row for row in session.scalars(query.order_by(MaskApprovalRow.id)) if row.section in keys]
