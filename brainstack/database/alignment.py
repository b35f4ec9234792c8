"""How sections lie: on those near them, in the aligned stack, and as people said."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row, wanted
from brainstack.database.bulk import Values, write_rows
from brainstack.database.tables import (
    ALIGNMENT_VERDICTS,
    AlignmentEditRow,
    PairRow,
    SectionAlignmentRow,
    utc_now,
    without_zone,
)
from brainstack.errors import BrainstackError
from brainstack.records import EDIT_KINDS, KINDS_OF_PAIRS, AlignmentEdit, PairTransform, SectionAlignment

REGISTERED = 0
"""`iteration` of a pair that was registered."""
PAIR = "pair"
"""The kind of an edit that gives a pair its transform."""


# Pairs


def take_in_pairs(session: Session, prep_id: str, pairs: Iterable[PairTransform]) -> None:
    """The transform of each pair, new or instead of the one before.

    A pair that is no longer in the stack keeps its row: when the section between comes back, or a person asks what
    was there, it is found. Readers choose by the pairs of the plan.
    """
    animal_row(session, prep_id)
    rows = session.scalars(select(PairRow).where(PairRow.prep_id == prep_id, PairRow.iteration == REGISTERED))
    known = {(row.section, row.fixed): row.id for row in rows}
    given = {(pair.moving, pair.fixed): _pair_values(prep_id, pair) for pair in pairs}
    write_rows(session, PairRow, known, given)


def _pair_values(prep_id: str, pair: PairTransform) -> Values:
    whose = f"{pair.moving} on {pair.fixed}"
    numbers = {**_place(pair), "metric": pair.metric, **_measures(pair)}
    return {
        "prep_id": prep_id,
        "section": pair.moving,
        "fixed": pair.fixed,
        "iteration": REGISTERED,
        "mirrored": bool(pair.mirrored),
        "verdict": _verdict(whose, pair.verdict),
    } | _finite(prep_id, whose, numbers, "Register this pair again.")


def pairs(session: Session, prep_id: str) -> list[PairTransform]:
    """All pairs that are kept, also those no longer in the stack; by their keys."""
    animal_row(session, prep_id)
    query = select(PairRow).where(PairRow.prep_id == prep_id, PairRow.iteration == REGISTERED, PairRow.active)
    rows = session.scalars(query.order_by(PairRow.section, PairRow.fixed))
    return [
        PairTransform(
            row.fixed,
            row.section,
            row.rotation,
            row.xshift,
            row.yshift,
            row.metric,
            row.mirrored,
            row.metric_before,
            row.overlap,
            row.residual,
            row.verdict,
        )
        for row in rows
    ]


# Sections in the aligned stack


def take_in_sections(session: Session, prep_id: str, sections: Iterable[SectionAlignment]) -> None:
    """Where the sections lie, instead of all that was known of the animal before."""
    animal_row(session, prep_id)
    given = {one.section: _section_values(prep_id, one) for one in sections}
    session.execute(delete(SectionAlignmentRow).where(SectionAlignmentRow.prep_id == prep_id))
    write_rows(session, SectionAlignmentRow, {}, given)


def _section_values(prep_id: str, one: SectionAlignment) -> Values:
    numbers = {**_place(one), "metric": one.metric, **_measures(one)}
    return {
        "prep_id": prep_id,
        "section": one.section,
        "mirrored": bool(one.mirrored),
        "verdict": _verdict(one.section, one.verdict),
        "reason": one.reason,
        "by_hand": bool(one.by_hand),
    } | _finite(prep_id, one.section, numbers, "Align the stack again.")


def sections_aligned(session: Session, prep_id: str) -> list[SectionAlignment]:
    """Where the sections lie, as the last run had it; by their keys."""
    animal_row(session, prep_id)
    query = select(SectionAlignmentRow).where(SectionAlignmentRow.prep_id == prep_id)
    return [
        SectionAlignment(
            row.section,
            row.rotation,
            row.xshift,
            row.yshift,
            row.mirrored,
            row.metric,
            row.metric_before,
            row.overlap,
            row.residual,
            row.verdict,
            row.reason,
            row.by_hand,
        )
        for row in session.scalars(query.order_by(SectionAlignmentRow.section))
    ]


# What people said


def add_edit(session: Session, prep_id: str, edit: AlignmentEdit) -> None:
    """What a person said; what was said of the same section, or of the same pair in either order, is replaced and stays
    as history. One that does not say when is of now."""
    animal_row(session, prep_id)
    wanted("kind", edit.kind, EDIT_KINDS)
    at = without_zone(edit.at).replace(microsecond=0) if edit.at else utc_now()
    place = _finite(prep_id, edit.section, _place(edit), "Give it a place again.")
    of_pair = edit.kind in KINDS_OF_PAIRS
    same = _about_pair(edit.kind, edit.section, edit.other) if of_pair else _about_section(edit.section)
    _take_back(session, prep_id, same, edit.person, at)
    row = AlignmentEditRow(
        prep_id=prep_id,
        section=edit.section,
        other=edit.other,
        kind=edit.kind,
        mirrored=bool(edit.mirrored),
        frame=edit.frame,
        placement=json.dumps(edit.placement) if edit.placement else None,
        frame_sections=json.dumps(edit.frame_sections) if edit.frame_sections else None,
        person=edit.person,
        created=at,
        **place,
    )
    session.add(row)
    session.flush()


def alignment_edits(session: Session, prep_id: str) -> list[AlignmentEdit]:
    """What people said of sections, and which pairs they left out, as far as it is in force, in the order in which they
    said it."""
    return _in_force(session, prep_id, AlignmentEditRow.kind != PAIR)


def pairs_by_hand(session: Session, prep_id: str) -> list[AlignmentEdit]:
    """The pairs that people gave their transform, as far as it is in force, in the order in which they said it."""
    return _in_force(session, prep_id, AlignmentEditRow.kind == PAIR)


def _in_force(session: Session, prep_id: str, which: ColumnElement[bool]) -> list[AlignmentEdit]:
    animal_row(session, prep_id)
    query = select(AlignmentEditRow).where(AlignmentEditRow.prep_id == prep_id, AlignmentEditRow.active, which)
    return [
        AlignmentEdit(
            row.kind,
            row.section,
            row.other,
            row.rotation,
            row.xshift,
            row.yshift,
            row.mirrored,
            row.person,
            row.created.replace(tzinfo=UTC).isoformat(),
            row.frame,
            tuple(json.loads(row.placement)) if row.placement else None,
            tuple((key, tuple(numbers)) for key, numbers in json.loads(row.frame_sections or "[]")),
        )
        for row in session.scalars(query.order_by(AlignmentEditRow.id))
    ]


def release_edit(session: Session, prep_id: str, section: str, other: str, person: str, kind: str) -> int:
    """Take back what was said of a section or, where there is another, of their pair in either order. kind : of what
    was said of the pair. Returns how many edits that were."""
    animal_row(session, prep_id)
    which = _about_pair(kind, section, other) if other else _about_section(section)
    return _take_back(session, prep_id, which, person, utc_now())


def _take_back(session: Session, prep_id: str, which: ColumnElement[bool], person: str, at: datetime) -> int:
    in_force = select(AlignmentEditRow).where(AlignmentEditRow.prep_id == prep_id, AlignmentEditRow.active, which)
    rows = session.scalars(in_force).all()
    for row in rows:
        row.active, row.released_by, row.released = False, person, at
    session.flush()
    return len(rows)


def _about_section(section: str) -> ColumnElement[bool]:
    return AlignmentEditRow.kind.not_in(KINDS_OF_PAIRS) & (AlignmentEditRow.section == section)


def _about_pair(kind: str, one: str, other: str) -> ColumnElement[bool]:
    """Whichever of the two is the moving one: sections may have changed their order since."""
    section, second = AlignmentEditRow.section, AlignmentEditRow.other
    either = ((section == one) & (second == other)) | ((section == other) & (second == one))
    return (AlignmentEditRow.kind == kind) & either


# What they share


def _place(one: PairTransform | SectionAlignment | AlignmentEdit) -> dict[str, float | None]:
    return {"rotation": one.rotation_rad, "xshift": one.shift_x_um, "yshift": one.shift_y_um}


def _measures(one: PairTransform | SectionAlignment) -> dict[str, float | None]:
    return {"metric_before": one.metric_before, "overlap": one.overlap, "residual": one.residual_um}


def _finite(prep_id: str, whose: str, numbers: Mapping[str, float | None], advice: str) -> Values:
    """Numbers of Python, whatever they were. Raises BrainstackError for one that is not finite: databases make NULL or
    an error of it."""
    values = {name: None if number is None else float(number) for name, number in numbers.items()}
    for name, number in values.items():
        if number is not None and not math.isfinite(number):
            raise BrainstackError(f"{prep_id}: the {name} of {whose} is {number}; wanted a finite number. {advice}")
    return values


def _verdict(whose: str, verdict: str) -> str:
    wanted(f"the verdict on {whose}", verdict, ALIGNMENT_VERDICTS)
    return verdict
