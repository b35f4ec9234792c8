from __future__ import annotations

from typing import Any

import pytest

from brainstack.errors import BrainstackError
from brainstack.point_layer import PointLayer
from brainstack.point_states import layer_of_state

DIMENSIONS = {"x": [0.5e-6, "m"], "y": [0.25, "um"], "z": [20000, "nm"]}
POINT = {"type": "point", "id": "a", "point": [2, 4, 1.5]}


def layer(*annotations: Any, name: str = "marks", **more: Any) -> dict[str, Any]:
    return {"type": "annotation", "name": name, "annotations": list(annotations), **more}


def read(*layers: dict[str, Any], **which: Any) -> PointLayer:
    image = {"type": "image", "name": "C1"}
    return layer_of_state({"dimensions": DIMENSIONS, "layers": [image, *layers]}, "state.json", **which)


def refused(*layers: dict[str, Any], **which: Any) -> str:
    with pytest.raises(BrainstackError) as error:
        read(*layers, **which)
    return str(error.value)


def test_points_are_in_micrometres() -> None:
    found = read(layer(POINT, {"type": "point", "point": [0, 0, 0]}))
    assert (found.kind, found.places_um.tolist()) == ("point", [[1, 1, 30], [0, 0, 0]])
    assert found.ids.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("annotation", "places"),
    [
        ({"type": "line", "pointA": [2, 4, 1], "pointB": [4, 4, 2]}, [[1, 1, 20], [2, 1, 40]]),
        ({"type": "axis_aligned_bounding_box", "pointA": [2, 4, 1], "pointB": [4, 8, 2]}, [[1, 1, 20], [2, 2, 40]]),
        ({"type": "ellipsoid", "center": [2, 4, 1], "radii": [1, 1, 1]}, [[1, 1, 20], [0.5, 0.25, 20]]),
        ({"type": "polyline", "points": [[2, 4, 1], [4, 4, 1], [4, 8, 1]]}, [[1, 1, 20], [2, 1, 20], [2, 2, 20]]),
    ],
)
def test_every_kind_is_read(annotation: dict[str, Any], places: list[list[float]]) -> None:
    found = read(layer(annotation, annotation))
    assert found.kind == annotation["type"]
    assert found.places_um.tolist() == places * 2


def test_what_is_said_of_them_comes_along() -> None:
    specified = [
        {"id": "score", "type": "float32"},
        {"id": "sort", "type": "uint8", "enum_values": [5, 9], "enum_labels": ["five", "nine"], "description": "Sort"},
        {"id": "tint", "type": "rgb", "default": "#000000"},
    ]
    some = [
        POINT | {"props": [0.5, 9, "#ff8000"], "segments": [["12", "18446744073709551615"], ["3"]]},
        POINT | {"props": [1.5, 5], "description": "a\n strange one"},
    ]
    found = read(layer(*some, annotationProperties=specified, annotationRelationships=["cell", "structure"]))
    said = {one.name: one for one in found.properties}
    assert said["score"].values.tolist() == [0.5, 1.5]
    assert [said["sort"].labels[value] for value in said["sort"].values] == ["nine", "five"]
    assert said["sort"].description == "Sort"
    assert said["tint"].values.tolist() == [[255, 128, 0], [0, 0, 0]]
    assert [said["description"].labels[value] for value in said["description"].values] == ["", "a strange one"]
    assert {one.name: (one.counts.tolist(), one.ids.tolist()) for one in found.relationships} == {
        "cell": ([2, 0], [12, 2**64 - 1]),
        "structure": ([1, 0], [3]),
    }


def test_one_relationship_may_be_a_plain_list() -> None:
    found = read(layer(POINT | {"segments": ["4", "5"]}))
    assert [(one.name, one.ids.tolist()) for one in found.relationships] == [("segments", [4, 5])]


def test_of_several_layers_the_one_that_is_asked_for() -> None:
    several = layer(POINT), layer(POINT, POINT, name="more")
    assert len(read(*several, layer="more")) == 2
    assert (
        refused(*several) == "state.json has several layers with annotations, 'marks', 'more'; say which with --layer."
    )
    assert refused(*several, layer="x") == "state.json has no layer 'x' with annotations; it has 'marks', 'more'."


def test_of_several_kinds_the_one_that_is_asked_for() -> None:
    mixed = layer(POINT, POINT, {"type": "line", "pointA": [0, 0, 0], "pointB": [1, 1, 1]})
    assert len(read(mixed, kind="point")) == 2
    assert "has 2 of the type point, 1 of the type line; a layer is of one type: say which with --type." in refused(
        mixed
    )
    assert "has 1 of the type point; wanted ellipsoid." in refused(layer(POINT), kind="ellipsoid")


def test_a_state_without_annotations_is_a_sentence() -> None:
    assert refused().startswith("state.json has no layer with annotations in it; wanted one.")
    elsewhere = {"type": "annotation", "name": "far", "source": "precomputed://gs://far/away"}
    assert refused(elsewhere, layer()).startswith("state.json has no layer with annotations in it; wanted one.")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"type": "point"}, "annotation 1 is no point that can be read"),
        ({"type": "point", "point": [1, "x", 2]}, "annotation 1 is no point that can be read"),
        ({"type": "polyline", "points": [[1, 1, 1]]}, "annotation 1 is no polyline that can be read"),
        (POINT | {"segments": ["seven"]}, "a segment is no whole number"),
        ({"type": "cloud"}, "has 1 of the type cloud; wanted point, line"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_a_sentence(one: dict[str, Any], said: str) -> None:
    assert said in refused(layer(one))


def test_a_property_that_cannot_be_is_a_sentence() -> None:
    def said(kind: str, value: Any) -> str:
        return refused(layer(POINT | {"props": [value]}, annotationProperties=[{"id": "p", "type": kind}]))

    assert "the property p is of the type 'text'; wanted uint32" in said("text", 1)
    assert "a value of the property p is no uint8" in said("uint8", 300)
    assert "a value of the property p is no float32" in said("float32", "x")
    assert "a value of the property p is no rgb" in said("rgb", "red")


def test_a_layer_that_is_transformed_is_a_sentence() -> None:
    turned = layer(POINT, source={"url": "local://annotations", "transform": {"matrix": [[1, 0, 0, 0]]}})
    assert refused(turned).startswith(
        "state.json, layer 'marks': it is turned, moved or stretched by a transform of its own"
    )
