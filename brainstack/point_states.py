"""A layer of points from a state of Neuroglancer. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.annotations import POINTS, place_reader
from brainstack.errors import BrainstackError
from brainstack.files.point_columns import COLOUR, Labels
from brainstack.files.point_csv import property_name
from brainstack.point_layer import KINDS, PROPERTY_TYPES, Kind, PointLayer, Property, Relationship
from brainstack.points import Point

Annotation = Mapping[str, Any]
Reader = Callable[[Sequence[float]], Point]

ENDS: dict[str, tuple[str, str]] = {
    "line": ("pointA", "pointB"),
    "axis_aligned_bounding_box": ("pointA", "pointB"),
    "ellipsoid": ("center", "radii"),
}


def layer_of_state(
    state: Mapping[str, Any], name: str, *, layer: str | None = None, kind: str | None = None
) -> PointLayer:
    """The annotations of one layer of a state, in micrometres.

    name : of the state's file, for what is said. layer : which; not needed where only one has annotations. kind : only
    these of them, such as "line". Raises BrainstackError where there is no such layer, or it is of several kinds.
    """
    chosen = _layer_named(state, name, layer)
    whose = f"{name}, layer {chosen.get('name', '')!r}"
    some = [(number, one) for number, one in enumerate(chosen["annotations"], 1) if isinstance(one, Mapping)]
    one_kind = _only_kind(whose, [one for _, one in some], kind)
    some = [(number, one) for number, one in some if _kind_of(one) == one_kind]
    places: list[tuple[float, float, float]] = []
    starts = [0]
    try:
        read = place_reader(chosen, state)
    except BrainstackError as error:
        raise BrainstackError(f"{whose}: {error}.") from error
    for number, one in some:
        try:
            places += [(point.x_um, point.y_um, point.z_um) for point in _points(one_kind, one, read)]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BrainstackError(
                f"{whose}: annotation {number} is no {one_kind} that can be read ({error!r}); delete it in "
                "Neuroglancer."
            ) from error
        starts.append(len(places))
    annotations = [one for _, one in some]
    return PointLayer(
        one_kind,
        np.array(places, np.float64).reshape(-1, 3),
        np.array(starts),
        np.arange(1, len(some) + 1, dtype=np.uint64),
        tuple(_properties(whose, chosen, annotations)),
        tuple(_relationships(whose, chosen, annotations)),
    )


def _layer_named(state: Mapping[str, Any], name: str, layer: str | None) -> Mapping[str, Any]:
    layers = [one for one in state["layers"] if isinstance(one, Mapping) and one.get("annotations")]
    found = [one for one in layers if layer in (None, one.get("name"))]
    names = ", ".join(repr(str(one.get("name", ""))) for one in layers)
    if not layers:
        raise BrainstackError(
            f"{name} has no layer with annotations in it; wanted one. Annotations of a layer whose source is a folder "
            "or a server are not in a state."
        )
    if not found:
        raise BrainstackError(f"{name} has no layer {layer!r} with annotations; it has {names}.")
    if len(found) > 1:
        raise BrainstackError(f"{name} has several layers with annotations, {names}; say which with --layer.")
    return found[0]


def _kind_of(one: Annotation) -> str:
    kind = str(one.get("type", "point" if "point" in one else ""))
    return "point" if kind in POINTS else kind


def _only_kind(whose: str, some: Sequence[Annotation], kind: str | None) -> Kind:
    counts = Counter(_kind_of(one) for one in some)
    known: list[Kind] = [one for one in KINDS if counts[one] and kind in (None, one)]
    told = ", ".join(f"{count} of the type {one}" for one, count in counts.items())
    if not known:
        raise BrainstackError(f"{whose} has {told or 'no annotations'}; wanted {kind or ', '.join(KINDS)}.")
    if len(known) > 1:
        raise BrainstackError(f"{whose} has {told}; a layer is of one type: say which with --type.")
    return known[0]


def _points(kind: Kind, one: Annotation, read: Reader) -> list[Point]:
    if kind == "point":
        return [read(one["point"])]
    if kind == "polyline":
        points = [read(point) for point in one["points"]]
        if len(points) < 2:
            raise ValueError("it has one point")
        return points
    return [read(one[end]) for end in ENDS[kind]]


# What is said of them


def _properties(whose: str, layer: Mapping[str, Any], some: Sequence[Annotation]) -> list[Property]:
    specified = [one for one in layer.get("annotationProperties", ()) if isinstance(one, Mapping)]
    found = [_property(whose, place, one, some) for place, one in enumerate(specified)]
    names = {one.name for one in found}
    if "description" not in names and (described := labelled(whose, "description", [_words(one) for one in some])):
        found.append(described)
    return found


def _words(one: Annotation) -> str:
    return " ".join(str(one.get("description") or "").split())


def labelled(whose: str, name: str, words: Sequence[str]) -> Property | None:
    """Words as a property; None where there are none."""
    if not any(words):
        return None
    labels = Labels(whose, name)
    labels.add(words, range(1, len(words) + 1))
    return labels.as_property(name)


def _property(whose: str, place: int, one: Mapping[str, Any], some: Sequence[Annotation]) -> Property:
    name, kind = str(one.get("id", "")), str(one.get("type", ""))
    if kind not in PROPERTY_TYPES:
        raise BrainstackError(
            f"{whose}: the property {name} is of the type {kind!r}; wanted {', '.join(PROPERTY_TYPES)}."
        )
    values = [_value(annotation, place, one.get("default", 0)) for annotation in some]
    try:
        array = _colours(kind, values) if kind in ("rgb", "rgba") else _numbers(kind, values)
    except (TypeError, ValueError, OverflowError) as error:
        raise BrainstackError(f"{whose}: a value of the property {name} is no {kind} ({error}).") from error
    described = str(one.get("description", ""))
    numbers, labels = list(one.get("enum_values", ())), list(map(str, one.get("enum_labels", ())))
    if numbers and len(numbers) == len(labels) and set(array.tolist()) <= set(numbers):
        codes = np.array([numbers.index(value) for value in array.tolist()], np.int64)
        return Property(
            property_name(name), "uint8" if len(labels) <= 256 else "uint16", codes, tuple(labels), described
        )
    return Property(property_name(name), kind, array, description=described)


def _value(one: Annotation, place: int, default: Any) -> Any:
    values = one.get("props", ())
    return values[place] if place < len(values) else default


def _numbers(kind: str, values: Sequence[Any]) -> NDArray[Any]:
    numbers = np.array([float(value) for value in values])
    if not np.isfinite(numbers).all():
        raise ValueError("not finite")
    found = numbers.astype(kind)
    if kind != "float32" and (found != numbers).any():
        raise ValueError(f"{numbers[found != numbers][0]:g}")
    return found


def _colours(kind: str, values: Sequence[Any]) -> NDArray[np.uint8]:
    size = PROPERTY_TYPES[kind][1]
    texts = [str(value) for value in values]
    if wrong := [text for text in texts if not COLOUR.fullmatch(text) or len(text) != 1 + 2 * size]:
        raise ValueError(wrong[0])
    return np.frombuffer(bytes.fromhex("".join(text[1:] for text in texts)), np.uint8).reshape(-1, size)


def _relationships(whose: str, layer: Mapping[str, Any], some: Sequence[Annotation]) -> list[Relationship]:
    lists = [one.get("segments") or [] for one in some]
    if not any(lists):
        return []
    nested = [segments if segments and isinstance(segments[0], list) else [segments] for segments in lists]
    names = [str(one) for one in layer.get("annotationRelationships", ())] or ["segments"]
    found = []
    try:
        for place, name in enumerate(names):
            ids = [[int(one) for one in (row[place] if place < len(row) else ())] for row in nested]
            counts = np.array([len(row) for row in ids], np.int64)
            found.append(Relationship(name, counts, np.array([one for row in ids for one in row], np.uint64)))
    except (TypeError, ValueError, OverflowError) as error:
        raise BrainstackError(f"{whose}: a segment is no whole number ({error}).") from error
    return found
