"""Points and shapes between micrometres, voxels and a state of Neuroglancer. Pure.

Micrometres and Neuroglancer's own coordinates are counted from the outer edge of the first voxel; arrays count voxels
by their middles. What lies between them is said here, and nowhere else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Point

Numbers = tuple[float, float, float]
AXES = "x", "y", "z"
UNITS_UM = {"m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3}
CELL_SOURCES = ("MACHINE_SURE", "MACHINE_UNSURE", "HUMAN_POSITIVE", "HUMAN_NEGATIVE", "UNMARKED")
CENTRE_SOURCES = ("MANUAL", "COMPUTER")
POINTS = ("point", "cell", "com")
"""Types of an annotation that is a point; the last two are those of the lab's own Neuroglancer."""


@dataclass(frozen=True)
class Voxel:
    """The sides of a voxel in micrometres, along x (columns), y (rows) and z (sections)."""

    x_um: float
    y_um: float
    z_um: float

    def to_neuroglancer(self, point: Point) -> Numbers:
        """In voxels, from the outer edge of the first one: its middle is 0.5."""
        return point.x_um / self.x_um, point.y_um / self.y_um, point.z_um / self.z_um

    def to_array(self, point: Point) -> Numbers:
        """In voxels, as arrays count them: the middle of the first one is 0; round to find the voxel."""
        x, y, z = self.to_neuroglancer(point)
        return x - 0.5, y - 0.5, z - 0.5

    def from_neuroglancer(self, numbers: Sequence[float]) -> Point:
        """The point of numbers in voxels, counted from the outer edge of the first one."""
        return Point(numbers[0] * self.x_um, numbers[1] * self.y_um, numbers[2] * self.z_um)

    def from_array(self, numbers: Sequence[float]) -> Point:
        """The point of numbers in voxels, as arrays count them."""
        return self.from_neuroglancer([number + 0.5 for number in numbers])


# From Neuroglancer


def parse_state(text: str, name: str) -> dict[str, Any]:
    """A state from its JSON, or from a link that holds it. name : of the file, for what is said of it."""
    text = text.strip()
    if text.startswith(("http:", "https:")):
        text = unquote(text.partition("#!")[2])
    try:
        state = json.loads(text)
    except ValueError as error:
        raise BrainstackError(
            f"{name} is not a state of Neuroglancer ({error}); wanted its JSON, or a link with it behind '#!'."
        ) from error
    if not isinstance(state, dict) or not isinstance(state.get("layers"), list):
        raise BrainstackError(f"{name} is JSON, but no state of Neuroglancer: it has no list of layers.")
    return state


def sessions_in_state(
    state: Mapping[str, Any], structures: Collection[str], *, layer: str | None = None
) -> tuple[list[AnnotationSession], list[str]]:
    """What is marked in a state, and a sentence for each thing that could not be taken over.

    structures : abbreviations that are known. layer : only of this one; None for all. A point whose description begins
    with a structure is the centre of it, any other is a cell. Lines with one parent, and polylines, are polygons; of
    the structure that their description, or their layer, is called by.
    """
    found: dict[tuple[str, str, str], list[Point]] = defaultdict(list)
    left: list[str] = []
    for one in state["layers"]:
        if not isinstance(one, Mapping) or "annotations" not in one or layer not in (None, one.get("name")):
            continue
        name = str(one.get("name", ""))
        try:
            for kind, structure, points in _of_layer(one, state, structures, left):
                shape = 1 + max((point.polygon for point in found[kind, structure, name]), default=-1)
                found[kind, structure, name] += [replace(point, polygon=shape) for point in points]
        except (BrainstackError, KeyError, TypeError, ValueError, IndexError) as error:
            said = error if isinstance(error, BrainstackError) else f"an annotation that cannot be read ({error!r})"
            left.append(f"layer {name!r}: {said}")
    sessions = [
        AnnotationSession(kind, tuple(_without_shape(kind, points)), structure, name)
        for (kind, structure, name), points in found.items()
        if points
    ]
    return sessions, left


def _without_shape(kind: str, points: Iterable[Point]) -> Iterator[Point]:
    return (point if kind == POLYGONS else replace(point, polygon=0, order=0) for point in points)


def _of_layer(
    layer: Mapping[str, Any], state: Mapping[str, Any], structures: Collection[str], left: list[str]
) -> Iterator[tuple[str, str, list[Point]]]:
    """Kind, structure and points of each shape in a layer."""
    name, read = str(layer.get("name", "")), place_reader(layer, state)
    lines: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    described = {one.get("id"): one for one in layer["annotations"]}
    for number, one in enumerate(layer["annotations"]):
        kind = one.get("type", "point" if "point" in one else "")
        words = _words(one, described)
        structure = words[0] if words and words[0] in structures else name if name in structures else ""
        if kind in POINTS:
            yield _point(kind, words, structures, structure, read(one["point"]))
        elif kind == "line":
            lines[str(one.get("parentAnnotationId") or f"line {number}")].append(one)
        elif kind == "polyline":
            yield POLYGONS, structure, _ordered([read(point) for point in one["points"]])
        elif kind not in ("polygon", "volume"):  # those are their lines
            left.append(f"layer {name!r}: an annotation of the type {kind!r} is neither a point nor a polygon")
    for some in lines.values():
        words = _words(some[0], described)
        structure = words[0] if words and words[0] in structures else name if name in structures else ""
        corners = [read(line["pointA"]) for line in some]
        yield POLYGONS, structure, _ordered([*corners, read(some[-1]["pointB"])])


def _words(one: Mapping[str, Any], described: Mapping[Any, Mapping[str, Any]]) -> list[str]:
    """What an annotation is called by, or what it is a part of."""
    for _ in range(3):  # a line, its polygon, the volume of that
        if words := str(one.get("description") or "").split():
            return words
        one = described.get(one.get("parentAnnotationId"), {})
    return []


def _point(
    kind: str, words: Sequence[str], structures: Collection[str], structure: str, point: Point
) -> tuple[str, str, list[Point]]:
    source = words[-1].replace("-", "_") if words else ""
    is_named = bool(words) and words[0] in structures
    is_cell = kind == "cell" or source in CELL_SOURCES or (kind == "point" and not is_named)
    known = CELL_SOURCES if is_cell else CENTRE_SOURCES
    return CELLS if is_cell else CENTRES, structure, [replace(point, source=source if source in known else "")]


def _ordered(corners: list[Point]) -> list[Point]:
    """The corners of an outline, which ends where it began, numbered."""
    corners = corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners
    return [replace(corner, order=order) for order, corner in enumerate(corners)]


def place_reader(layer: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
    """What makes a point of a layer's numbers. Raises BrainstackError where it is not said how large its voxels are."""
    source = layer.get("source")
    transform = source.get("transform", {}) if isinstance(source, Mapping) else {}
    if transform.get("matrix"):
        raise BrainstackError(
            "it is turned, moved or stretched by a transform of its own; undo that in the layer's Source tab, or "
            "apply it to the points, "
            "and save the state again"
        )
    dimensions = transform.get("outputDimensions") or state.get("dimensions") or _of_old_state(layer, state)
    missing = [axis for axis in AXES if axis not in dimensions]
    if missing:
        raise BrainstackError(f"it is not said how large a voxel is along {', '.join(missing)}")
    places = [list(dimensions).index(axis) for axis in AXES]
    voxel = Voxel(*(_micrometres(dimensions[axis]) for axis in AXES))
    return lambda numbers: voxel.from_neuroglancer([float(numbers[place]) for place in places])


def _of_old_state(layer: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """States of Neuroglancer before 2020 give the size of a voxel in nanometres."""
    pose = state.get("navigation", {}).get("pose", {}).get("position", {})
    sizes = layer.get("voxelSize") or pose.get("voxelSize") or ()
    return {axis: (float(size), "nm") for axis, size in zip(AXES, sizes, strict=False)}


def _micrometres(dimension: Sequence[Any]) -> float:
    scale, unit = dimension[0], dimension[1]
    if unit not in UNITS_UM:
        raise BrainstackError(f"its unit of length is {unit!r}; wanted one of {', '.join(UNITS_UM)}")
    return float(scale) * UNITS_UM[unit]


# To Neuroglancer


def state_with(sessions: Iterable[AnnotationSession], voxel: Voxel) -> dict[str, Any]:
    """A state of Neuroglancer with a layer for each session, in coordinates of voxels of this size."""
    sizes = zip(AXES, (voxel.x_um, voxel.y_um, voxel.z_um), strict=True)
    dimensions = {axis: [size / UNITS_UM["m"], "m"] for axis, size in sizes}
    layers: list[dict[str, Any]] = []
    for session in sessions:
        name = session.layer or session.structure or session.kind.lower()
        taken = {layer["name"] for layer in layers}
        numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
        layers.append(
            {
                "type": "annotation",
                "name": name if name not in taken else next(one for one in numbered if one not in taken),
                "source": {"url": "local://annotations", "transform": {"outputDimensions": dimensions}},
                "annotations": list(_annotations(session, voxel)),
            }
        )
    return {"dimensions": dimensions, "layers": layers}


def _annotations(session: AnnotationSession, voxel: Voxel) -> Iterator[dict[str, Any]]:
    for number, points in enumerate(_shapes(session)):
        words = " ".join(word for word in (session.structure, points[0].source) if word)
        one: dict[str, Any] = {"id": f"{session.number}-{number}"} | ({"description": words} if words else {})
        places = [list(voxel.to_neuroglancer(point)) for point in points]
        if session.kind == POLYGONS:
            yield one | {"type": "polyline", "points": [*places, places[0]]}
        else:
            yield one | {"type": "point", "point": places[0]}


def _shapes(session: AnnotationSession) -> list[list[Point]]:
    """Each polygon, its corners in order; or each point."""
    if session.kind != POLYGONS:
        return [[point] for point in session.points]
    shapes: dict[int, list[Point]] = defaultdict(list)
    for point in sorted(session.points, key=lambda point: (point.polygon, point.order)):
        shapes[point.polygon].append(point)
    return list(shapes.values())
