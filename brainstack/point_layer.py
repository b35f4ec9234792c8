"""A layer of points, lines, boxes, ellipsoids or polylines as arrays, and what has to be true of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError

Kind = Literal["point", "line", "axis_aligned_bounding_box", "ellipsoid", "polyline"]
"""As Neuroglancer calls them."""

KINDS: tuple[Kind, ...] = get_args(Kind)

MOST_RELATED = 1000
"""Objects that one annotation may be related to by one relationship: a viewer reads them all to show it."""

PROPERTY_TYPES: dict[str, tuple[np.dtype[Any], int]] = {
    **{name: (np.dtype(name).newbyteorder("<"), 1) for name in ("uint32", "int32", "float32")},
    **{name: (np.dtype(name).newbyteorder("<"), 1) for name in ("uint16", "int16", "uint8", "int8")},
    "rgb": (np.dtype("uint8"), 3),
    "rgba": (np.dtype("uint8"), 4),
}
"""Of each type of a property: what it is made of, and of how many."""


@dataclass(frozen=True, eq=False)
class Property:
    """What is said of each annotation. name : a small letter, then letters, digits and _. type : of `PROPERTY_TYPES`.

    values : (count,), or (count, 3) and (count, 4) for rgb and rgba. labels : what the values 0, 1, ... stand for,
    where they stand for words. description : shown beside it.
    """

    name: str
    type: str
    values: NDArray[Any]
    labels: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, eq=False)
class Relationship:
    """To which objects, such as segments, each annotation belongs. counts : (count,), how many of `ids` are of each
    annotation. ids : uint64, of all annotations one after the other."""

    name: str
    counts: NDArray[np.int64]
    ids: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class PointLayer:
    """All annotations of a layer, which are of one kind.

    places_um : (places, 3) float64, x, y, z in micrometres from the corner of the volume. A point has one; a line its
        ends, a box two opposite corners, an ellipsoid its middle and its radii; a polyline two or more.
    starts : (count + 1,), the first of the places of each annotation, and the end of all.
    ids : (count,) uint64. lines : (count,), where each stands in its file, for what is said of it; empty if nowhere.
    """

    kind: Kind
    places_um: NDArray[np.float64]
    starts: NDArray[np.int64]
    ids: NDArray[np.uint64]
    properties: tuple[Property, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    lines: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def first_um(self) -> NDArray[np.float64]:
        """(count, 3): the point itself, an end, a corner, or the middle of an ellipsoid."""
        return self.places_um[self.starts[:-1]]

    @property
    def last_um(self) -> NDArray[np.float64]:
        """(count, 3): the point itself, the other end, the other corner, or the radii of an ellipsoid."""
        return self.places_um[self.starts[1:] - 1]

    def bounds_um(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lowest and the highest x, y, z of each annotation: (count, 3) each."""
        if self.kind == "ellipsoid":
            return self.first_um - self.last_um, self.first_um + self.last_um
        if self.kind == "point":
            return self.places_um, self.places_um
        starts = self.starts[:-1]
        return np.minimum.reduceat(self.places_um, starts), np.maximum.reduceat(self.places_um, starts)


def same_size_starts(kind: Kind, count: int) -> NDArray[np.int64]:
    """`starts` of annotations of any kind but polylines."""
    return np.arange(count + 1) * (1 if kind == "point" else 2)


def check_layer(layer: PointLayer, name: str) -> None:
    """Raise BrainstackError where a layer cannot be: it has nothing in it, a place that is no number, a negative
    radius, an id twice, or too many related objects. name : of its file, for what is said."""
    if not len(layer):
        raise BrainstackError(f"{name} has no annotations; wanted one or more.")
    finite = np.isfinite(layer.places_um).all(axis=1)
    if not finite.all():
        place = int(np.flatnonzero(~finite)[0])
        which = int(np.searchsorted(layer.starts, place, side="right")) - 1
        found = " ".join(f"{value:g}" for value in layer.places_um[place])
        raise BrainstackError(f"{where(layer, which, name)} is at {found}; wanted finite micrometres.")
    if layer.kind == "ellipsoid" and (layer.last_um < 0).any():
        which = int(np.flatnonzero((layer.last_um < 0).any(axis=1))[0])
        raise BrainstackError(f"{where(layer, which, name)} has a negative radius; wanted 0 or more micrometres.")
    _check_ids(layer, name)
    for one in layer.relationships:
        which = int(np.argmax(one.counts))
        if one.counts[which] > MOST_RELATED:
            raise BrainstackError(
                f"{where(layer, which, name)} is related to {one.counts[which]} objects as {one.name!r}; "
                f"wanted {MOST_RELATED} at most."
            )


def _check_ids(layer: PointLayer, name: str) -> None:
    order = np.argsort(layer.ids, kind="stable")
    twice = np.flatnonzero(layer.ids[order][1:] == layer.ids[order][:-1])
    if len(twice):
        one, other = int(order[twice[0]]), int(order[twice[0] + 1])
        raise BrainstackError(
            f"{where(layer, other, name)} has the id {layer.ids[other]}, as has {_place(layer, one)}; "
            "give each annotation one of its own, or leave the column out."
        )


def check_inside(layer: PointLayer, name: str, size_um: tuple[float, float, float]) -> None:
    """Raise BrainstackError where an annotation reaches out of the volume. size_um : of the volume along x, y, z."""
    low, high = layer.bounds_um()
    outside = ((low < 0) | (high > size_um)).any(axis=1)
    if outside.any():
        which = int(np.flatnonzero(outside)[0])
        found = " ".join(f"{value:g}" for value in layer.first_um[which])
        raise BrainstackError(
            f"{where(layer, which, name)} at {found} um reaches out of the volume ({outside.sum()} of {len(layer)} "
            f"do); wanted x, y and z from 0 to {' '.join(f'{one:g}' for one in size_um)} um, counted from the corner "
            "of the aligned volume."
        )


def where(layer: PointLayer, which: int, name: str) -> str:
    """What to call one of a layer's annotations: by its line, where that is known."""
    return f"{name}, {_place(layer, which)}"


def _place(layer: PointLayer, which: int) -> str:
    return f"line {layer.lines[which]}" if len(layer.lines) else f"annotation {which + 1}"
