"""What people mark in a brain: points, centres of structures, polygons. Records only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

POLYGONS, CELLS, CENTRES = "POLYGON_SEQUENCE", "MARKED_CELL", "STRUCTURE_COM"
KINDS = (POLYGONS, CELLS, CENTRES)
"""Of an annotation session, under the lab's names."""


@dataclass(frozen=True)
class Point:
    """x_um, y_um, z_um : micrometres from the corner of the volume where its axes begin, as Neuroglancer counts them;
    the middle of the first voxel has half a voxel. polygon, order : of a corner, which polygon of its session, and its
    place along the outline, from 0; 0 where it is none. source : who or what found it, such as "HUMAN_POSITIVE".
    cell_type : of a cell.
    """

    x_um: float
    y_um: float
    z_um: float
    polygon: int = 0
    order: int = 0
    source: str = ""
    cell_type: str = ""


class Mark(NamedTuple):
    """A point as it is in the database, with what is said of its session: of these there may be a million.

    number : of its row. label : of its structure in segmentations, 0 where it is of none.
    """

    number: int
    session: int
    x_um: float
    y_um: float
    z_um: float
    structure: str
    label: int
    person: str
    source: str
    cell_type: str
    polygon: int


@dataclass(frozen=True)
class Selection:
    """Which of the points that people marked. kind : of KINDS. structure, layer : only these; None for all."""

    kind: str
    structure: str | None = None
    layer: str | None = None


@dataclass(frozen=True)
class AnnotationSession:
    """What a person marked of one kind, in one layer, at one time.

    kind : of KINDS. structure : its abbreviation, or "". layer : of Neuroglancer, or "". number : in the database, 0
    for one that is not there yet. at : ISO 8601, UTC; "" for now. active : False where later work replaced it.
    """

    kind: str
    points: tuple[Point, ...]
    structure: str = ""
    layer: str = ""
    person: str = ""
    number: int = 0
    at: str = ""
    active: bool = True


@dataclass(frozen=True)
class Structure:
    """A region of the brain. abbreviation : such as "7N_L"; large and small letters count. color : its label."""

    abbreviation: str
    description: str = ""
    color: int = 0
    hexadecimal: str | None = None
    is_structure: bool = True
