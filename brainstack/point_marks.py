"""A layer of points from what people marked, as the database or a CSV of `brainstack annotate export` has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.point_columns import Labels
from brainstack.point_layer import PointLayer, Property, Relationship, same_size_starts
from brainstack.points import POLYGONS, AnnotationSession, Mark

ROWS = 1 << 16
"""Turned into numbers at once: a million of them are never all there as they came."""

SAID = ("structure", "person", "source", "cell_type")


def layer_of_marks(marks: Iterable[Mark], kind: str, name: str) -> PointLayer:
    """All marks of one kind: points, or polygons as polylines that end where they begin. Each is related to the label
    of its structure. name : of where they are from, for what is said. Raises BrainstackError where there are none."""
    places, numbers, said = [], [], {one: Labels(name, one) for one in SAID}
    marks = iter(marks)
    while block := list(islice(marks, ROWS)):
        places.append(np.array([(one.x_um, one.y_um, one.z_um) for one in block], np.float64))
        numbers.append(np.array([(one.number, one.label, one.session, one.polygon) for one in block], np.int64))
        for one, labels in said.items():
            labels.add([getattr(mark, one) for mark in block], [mark.number for mark in block])
    if not places:
        raise BrainstackError(f"{name} has no points of the type {kind}; wanted one or more.")
    places_um, (ids, label, session, polygon) = np.concatenate(places), np.concatenate(numbers).T
    properties = tuple(labels.as_property(one) for one, labels in said.items() if labels.words != [""])
    if kind != POLYGONS:
        related = (Relationship("structure", (label > 0).astype(np.int64), label[label > 0].astype(np.uint64)),)
        return PointLayer(
            "point", places_um, same_size_starts("point", len(ids)), ids.astype(np.uint64), properties,
            related if (label > 0).any() else (),
        )  # fmt: skip
    first = np.flatnonzero(np.append(True, (np.diff(session) != 0) | (np.diff(polygon) != 0)))
    return _outlines(places_um, first, label[first], properties)


def _outlines(
    places_um: np.ndarray, first: np.ndarray, label: np.ndarray, properties: Sequence[Property]
) -> PointLayer:
    """Polygons: each begins at one of `first`, and is closed."""
    last = np.append(first[1:], len(places_um))
    rows = np.insert(np.arange(len(places_um)), last, first)
    starts = np.append(first + np.arange(len(first)), len(rows))
    said = [Property(one.name, one.type, one.values[first], one.labels) for one in properties]
    related = (Relationship("structure", (label > 0).astype(np.int64), label[label > 0].astype(np.uint64)),)
    return PointLayer(
        "polyline", places_um[rows], starts, np.arange(1, len(first) + 1, dtype=np.uint64), tuple(said),
        related if (label > 0).any() else (),
    )  # fmt: skip


def marks_of(sessions: Iterable[AnnotationSession], kind: str) -> Iterator[Mark]:
    """The points of sessions of one kind, numbered; corners of polygons along their outlines."""
    number = 0
    for session, one in enumerate(one for one in sessions if one.kind == kind):
        points = sorted(one.points, key=lambda point: (point.polygon, point.order)) if kind == POLYGONS else one.points
        for point in points:
            number += 1
            yield Mark(
                number, session, point.x_um, point.y_um, point.z_um, one.structure, 0, one.person, point.source,
                point.cell_type, point.polygon,
            )  # fmt: skip
