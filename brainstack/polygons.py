"""Polygons of the database as structures of a label volume: sorted by structure and section, and checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from brainstack.annotations import Voxel
from brainstack.errors import BrainstackError
from brainstack.images.outlines import DrawnStructure, Outline, check_outline
from brainstack.labels import Segment, name_of
from brainstack.points import AnnotationSession, Point


def drawn_structures(
    sessions: Iterable[AnnotationSession], labels: Mapping[str, Segment], voxel: Voxel, shape_zyx: tuple[int, int, int]
) -> list[DrawnStructure]:
    """What people drew, in the order of the sessions; two sides of a structure each by itself, though with one label.

    labels : of each name. voxel : of the stack. shape_zyx : its sections, rows and columns.
    Raises BrainstackError for a polygon of one or two corners, one that crosses itself, one that lies in two sections,
    one in no section, and one wholly beside the images; what of one lies beside them is cut off.
    """
    found: dict[str, dict[int, list[Outline]]] = {}
    for session in sessions:
        sections = found.setdefault(name_of(session), defaultdict(list))
        for number, corners in _polygons(session):
            name = f"Polygon {number} of {name_of(session)}, session {session.number},"
            slot = _slot_of(corners, voxel, shape_zyx[0], name)
            outline = np.array([voxel.to_array(corner)[:2] for corner in corners])
            check_outline(outline, f"{name} in section {slot}")
            _check_place(corners, voxel, shape_zyx, f"{name} in section {slot}")
            sections[slot].append(outline)
    return [DrawnStructure(labels[name].label, dict(sections)) for name, sections in found.items()]


def _polygons(session: AnnotationSession) -> list[tuple[int, list[Point]]]:
    polygons: dict[int, list[Point]] = defaultdict(list)
    for corner in sorted(session.points, key=lambda one: (one.polygon, one.order)):
        polygons[corner.polygon].append(corner)
    return list(polygons.items())


def _check_place(corners: list[Point], voxel: Voxel, shape_zyx: tuple[int, int, int], name: str) -> None:
    """Raise BrainstackError for a polygon that has nothing in common with the images."""
    _, rows, columns = shape_zyx
    for axis, places, end in (
        ("x", [corner.x_um for corner in corners], columns * voxel.x_um),
        ("y", [corner.y_um for corner in corners], rows * voxel.y_um),
    ):
        if max(places) <= 0 or min(places) >= end:
            raise BrainstackError(
                f"{name} lies beside the images, at {axis} from {min(places):g} to {max(places):g} um; wanted it "
                f"between 0 and {end:g}: give micrometres from the corner of the aligned sections."
            )


def _slot_of(corners: list[Point], voxel: Voxel, slots: int, name: str) -> int:
    # A corner on the border of two sections belongs to that of the others.
    middle = float(np.median([corner.z_um for corner in corners]))
    slot = int(np.floor(middle / voxel.z_um))
    far = max(abs(corner.z_um / voxel.z_um - (slot + 0.5)) for corner in corners)
    if far > 0.5 + 1e-6:
        low, high = min(corner.z_um for corner in corners), max(corner.z_um for corner in corners)
        raise BrainstackError(
            f"{name} lies in more than one section (z from {low:g} to {high:g} um, sections of {voxel.z_um:g} um); "
            "draw each in one section."
        )
    if not 0 <= slot < slots:
        raise BrainstackError(
            f"{name} lies at z {middle:g} um, in section {slot}; wanted one from 0 to {slots - 1}: give micrometres."
        )
    return slot
