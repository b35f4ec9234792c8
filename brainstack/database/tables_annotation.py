"""The tables of what people mark in a brain. Coordinates are micrometres from the corner of the volume where x, y and z
begin (the outer edge of its first voxel), not pixels and not sections."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack import points
from brainstack.database.tables_base import (
    AboutAnimal,
    Active,
    Comments,
    Count,
    Created,
    Id,
    LongText,
    No,
    Number,
    Person,
    Table,
    one_of,
)


class StructureRow(Table):
    """A region of the brain. abbreviation : large and small letters count (7N is a nucleus, 7n its nerve).

    color : the label that segmentations give it; both sides share one. hexadecimal : its colour, such as "#0CFF95".
    is_structure : 0 for point, line and polygon, which stand for what has no name.
    """

    __tablename__ = "structure"
    __table_args__ = (UniqueConstraint("abbreviation"),)

    id: Mapped[Id]
    abbreviation: Mapped[str] = mapped_column(String(25))
    description: Mapped[Comments]
    color: Mapped[Count]
    hexadecimal: Mapped[str | None] = mapped_column(String(7))
    is_structure: Mapped[bool] = mapped_column(default=True, server_default=text("1"))
    active: Mapped[Active]
    created: Mapped[Created]


class NeuroglancerStateRow(AboutAnimal, Table):
    """A state of Neuroglancer that a person saved. neuroglancer_state : its JSON."""

    __tablename__ = "neuroglancer_state"

    neuroglancer_state: Mapped[str] = mapped_column(LongText)
    person: Mapped[Person]
    comments: Mapped[Comments]
    readonly: Mapped[No]
    active: Mapped[Active]
    created: Mapped[Created]


class AnnotationSessionRow(AboutAnimal, Table):
    """What a person marked of one kind, in one layer, at one time. active : 0 where later work replaced it.

    structure_id : NULL where it is of no structure. layer : of Neuroglancer, or ''. neuroglancer_state_id : the state
    that it came from.
    """

    __tablename__ = "annotation_session"
    __table_args__ = (one_of("annotation_type", points.KINDS),)

    person: Mapped[Person]
    structure_id: Mapped[int | None] = mapped_column(ForeignKey("structure.id"))
    neuroglancer_state_id: Mapped[int | None] = mapped_column(ForeignKey("neuroglancer_state.id"))
    annotation_type: Mapped[str] = mapped_column(String(20))
    layer: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    comments: Mapped[Comments]
    active: Mapped[Active]
    created: Mapped[Created]


class OfSession:
    """The columns of each table of points. x, y, z : micrometres. source : who or what found it, such as MANUAL."""

    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("annotation_session.id"))
    source: Mapped[str] = mapped_column(String(50), default="", server_default=text("''"))
    x: Mapped[Number]
    y: Mapped[Number]
    z: Mapped[Number]


class StructureComRow(OfSession, Table):
    """The centre of a structure."""

    __tablename__ = "structure_com"


class MarkedCellRow(OfSession, Table):
    """A cell. source : MACHINE_SURE, MACHINE_UNSURE, HUMAN_POSITIVE, HUMAN_NEGATIVE, UNMARKED."""

    __tablename__ = "marked_cells"

    cell_type: Mapped[str] = mapped_column(String(50), default="", server_default=text("''"))


class PolygonSequenceRow(OfSession, Table):
    """A corner of a polygon, which lies in one section. polygon_index : which polygon of the session, from 0.
    point_order : its place along the outline, from 0; the last corner is joined to the first."""

    __tablename__ = "polygon_sequences"
    __table_args__ = (UniqueConstraint("session_id", "polygon_index", "point_order"),)

    polygon_index: Mapped[Count]
    point_order: Mapped[Count]
