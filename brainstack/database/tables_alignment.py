"""The tables of the alignment: pairs, sections in the aligned stack, what people said, whole transformations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack import records
from brainstack.database.tables_base import (
    AboutAnimal,
    Active,
    AnimalKey,
    Comments,
    Count,
    Created,
    Id,
    Measure,
    No,
    Number,
    Person,
    SectionKey,
    Table,
    one_of,
)

ALIGNMENT_VERDICTS = ("", *records.VERDICTS)
"""Of a pair, or of a section in the aligned stack; '' is not judged yet."""

AlignmentVerdict = Annotated[str, mapped_column(String(10), default="", server_default=text("''"))]


class PairRow(Table):
    """How one section lies on another near it. section : key of the moving section; fixed : of the other.

    rotation : radians; xshift, yshift : micrometres; mirrored : 1 where a point is mirrored left-right before.
    iteration : 0 registered; others are the lab's. metric : masked correlation after registration; metric_before :
    before it. overlap : common tissue as a share of the smaller one's. residual : micrometres between where the
    alignment in force takes the fixed section's tissue and where this pair takes it. verdict : '' is not judged yet.
    NULL where it was not measured.
    """

    __tablename__ = "elastix_transformation"
    __table_args__ = (
        UniqueConstraint("prep_id", "section", "fixed", "iteration"),
        one_of("verdict", ALIGNMENT_VERDICTS),
    )

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    fixed: Mapped[SectionKey]
    iteration: Mapped[Count]
    rotation: Mapped[Number]
    xshift: Mapped[Number]
    yshift: Mapped[Number]
    mirrored: Mapped[No]
    metric: Mapped[Number]
    metric_before: Mapped[Measure]
    overlap: Mapped[Measure]
    residual: Mapped[Measure]
    verdict: Mapped[AlignmentVerdict]
    active: Mapped[Active]
    created: Mapped[Created]


class SectionAlignmentRow(Table):
    """Where a section lies in the aligned stack, as the last run had it: one row a section of the stack.

    section : its key. rotation, xshift, yshift, mirrored : as in elastix_transformation, from the canvas of the middle
    section to this one's. metric, metric_before, overlap : medians over its pairs with the next section on both sides.
    residual : micrometres, the median over all its pairs. NULL where no pair says it. reason : why it is not good, one
    sentence, or ''. by_hand : 1 where a person gave it this place. created : when the run said so.
    """

    __tablename__ = "section_alignment"
    __table_args__ = (UniqueConstraint("prep_id", "section"), one_of("verdict", ALIGNMENT_VERDICTS))

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    rotation: Mapped[Number]
    xshift: Mapped[Number]
    yshift: Mapped[Number]
    mirrored: Mapped[No]
    metric: Mapped[Measure]
    metric_before: Mapped[Measure]
    overlap: Mapped[Measure]
    residual: Mapped[Measure]
    verdict: Mapped[AlignmentVerdict]
    reason: Mapped[str] = mapped_column(Text)
    by_hand: Mapped[No]
    created: Mapped[Created]


class AlignmentEditRow(Table):
    """What a person said about the alignment. In force where active is 1; what was taken back or replaced stays.

    section : key of the section that it is about, or of the moving one of a pair. other : key of the section that it
    follows, or of the pair's fixed one; else ''. rotation, xshift, yshift, mirrored : its place, as in
    section_alignment, or on the pair's fixed one, as in elastix_transformation; 0 where it follows another, or a pair
    is left out. frame : key of the section whose canvas that is from, or "reference" and a digest; '' where it is not
    known. placement : JSON, six numbers, where the section's picture lay on its canvas then. frame_sections : JSON,
    [key, six numbers] of sections by which that frame is found again. NULL where it is not known. person, created : who
    said it, and when. released_by, released : who took it back or replaced it, and when; '' and NULL where nobody did.
    """

    __tablename__ = "alignment_edit"
    __table_args__ = (one_of("kind", records.EDIT_KINDS),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    section: Mapped[SectionKey]
    other: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    kind: Mapped[str] = mapped_column(String(10))
    rotation: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    xshift: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    yshift: Mapped[Number] = mapped_column(default=0.0, server_default=text("0"))
    mirrored: Mapped[No]
    frame: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    placement: Mapped[str | None] = mapped_column(Text)
    frame_sections: Mapped[str | None] = mapped_column(Text)
    person: Mapped[Person]
    active: Mapped[Active]
    created: Mapped[Created]
    released_by: Mapped[Person]
    released: Mapped[datetime | None]


class TransformationRow(AboutAnimal, Table):
    """How a whole brain lies in another space, such as an atlas.

    kind : such as "rigid", "affine"; free. matrix : JSON, rows of numbers, taking a point (x, y, z, 1) of the brain, in
    micrometres, to the other space.
    """

    __tablename__ = "transformation"

    person: Mapped[Person]
    kind: Mapped[str] = mapped_column(String(50))
    matrix: Mapped[str] = mapped_column(Text)
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]
