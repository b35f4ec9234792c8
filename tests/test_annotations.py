from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from brainstack.annotations import Voxel, parse_state, sessions_in_state, state_with
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Point

STRUCTURES = {"7N_L", "7n_L", "SC"}
SCAN = Voxel(0.5, 0.25, 20.0)
DIMENSIONS = {"x": [0.5e-6, "m"], "y": [0.25, "um"], "z": [20000, "nm"]}


def state(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    layer = {"type": "annotation", "name": "marks", "annotations": annotations}
    return {"dimensions": DIMENSIONS, "layers": [layer]} | more


def point(*numbers: float, **more: str) -> dict[str, Any]:
    return {"type": "point", "point": list(numbers), **more}


def only(found: tuple[list[AnnotationSession], list[str]]) -> AnnotationSession:
    (session,), left = found
    assert left == []
    return session


def test_the_middle_of_the_first_voxel_is_half_a_voxel_from_the_corner() -> None:
    middle = Point(0.25, 0.125, 10.0)
    assert SCAN.to_neuroglancer(middle) == (0.5, 0.5, 0.5)
    assert SCAN.to_array(middle) == (0, 0, 0)
    assert SCAN.from_array((0, 0, 0)) == SCAN.from_neuroglancer((0.5, 0.5, 0.5)) == middle


def test_points_are_cells_in_micrometres() -> None:
    session = only(sessions_in_state(state(point(2, 4, 1.5), point(0, 0, 0)), STRUCTURES))
    assert session == AnnotationSession(CELLS, (Point(1.0, 1.0, 30.0), Point(0, 0, 0)), "", "marks")


def test_a_point_that_is_called_by_a_structure_is_its_centre() -> None:
    called = "SC", "sc", "7n_L COMPUTER", "SC HUMAN-POSITIVE"
    found, left = sessions_in_state(state(*(point(1, 1, 1, description=one) for one in called)), STRUCTURES)
    assert left == []
    assert [(one.kind, one.structure, one.points[0].source) for one in found] == [
        (CENTRES, "SC", ""), (CELLS, "", ""), (CENTRES, "7n_L", "COMPUTER"), (CELLS, "SC", "HUMAN_POSITIVE"),
    ]  # fmt: skip


def test_lines_with_one_parent_are_a_polygon_and_a_polyline_is_one() -> None:
    corners = [[0, 0, 3], [2, 0, 3], [2, 4, 3]]
    lines = [
        {"type": "line", "pointA": a, "pointB": b, "parentAnnotationId": "p"}
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    outline = {"type": "polyline", "points": [*corners, corners[0]], "description": "7N_L"}
    polygon = {"type": "polygon", "id": "p", "source": corners[0], "description": "7N_L"}
    session = only(sessions_in_state(state(polygon, *lines, outline), STRUCTURES))
    places = [(0.0, 0.0, 60.0), (1.0, 0.0, 60.0), (1.0, 1.0, 60.0)]
    assert (session.kind, session.structure) == (POLYGONS, "7N_L")
    found = [(one.polygon, one.order, (one.x_um, one.y_um, one.z_um)) for one in session.points]
    assert found == [(polygon, order, place) for polygon in (0, 1) for order, place in enumerate(places)]


def test_the_layers_own_dimensions_win_and_axes_may_be_in_another_order() -> None:
    own = {"z": [1, "um"], "y": [1, "um"], "x": [1, "um"]}
    one = state(point(3, 2, 1))
    one["layers"][0]["source"] = {"url": "local://annotations", "transform": {"outputDimensions": own}}
    assert only(sessions_in_state(one, STRUCTURES)).points == (Point(1, 2, 3),)


def test_an_old_state_has_its_voxels_in_nanometres() -> None:
    old = {"navigation": {"pose": {"position": {"voxelSize": [325, 325, 20000]}}}}
    one = {"layers": [{"name": "marks", "annotations": [point(1000, 2000, 3)]}]} | old
    (found,) = only(sessions_in_state(one, STRUCTURES)).points
    assert (found.x_um, found.y_um, found.z_um) == pytest.approx((325.0, 650.0, 60.0))


def test_what_is_no_point_and_no_polygon_is_named_and_the_rest_taken() -> None:
    box = {"type": "axis_aligned_bounding_box", "pointA": [0, 0, 0], "pointB": [1, 1, 1]}
    found, (left,) = sessions_in_state(state(box, point(1, 1, 1)), STRUCTURES)
    assert len(found) == 1
    assert left.startswith("layer 'marks': an annotation of the type 'axis_aligned_bounding_box' is neither")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dimensions": {}}, "how large a voxel is along x, y, z"),
        ({"dimensions": DIMENSIONS | {"x": [1, "s"]}}, "unit of length is 's'"),
    ],
)
def test_a_layer_whose_voxels_are_not_known_is_left_out(change: dict[str, Any], says: str) -> None:
    found, (left,) = sessions_in_state(state(point(1, 1, 1), **change), STRUCTURES)
    assert found == []
    assert says in left


def test_a_point_that_cannot_be_read_is_said() -> None:
    _, (left,) = sessions_in_state(state(point(1, 1)), STRUCTURES)
    assert "cannot be read" in left


SESSIONS = [
    AnnotationSession(CENTRES, (Point(325.1, 2.0, 3.0, source="MANUAL"),), "SC", "middles"),
    AnnotationSession(
        CELLS,
        (Point(1.0, 2.0, 30.0, source="HUMAN_POSITIVE"), Point(4.0, 2.0, 30.0, source="UNMARKED")),
        "7N_L",
        "cells",
    ),
    AnnotationSession(
        POLYGONS,
        tuple(Point(float(x), 1.0, 10.0, polygon, x) for polygon in (0, 1) for x in range(3)),
        "7n_L",
        "outlines",
    ),
]


def test_what_is_written_for_neuroglancer_comes_back() -> None:
    found, left = sessions_in_state(json.loads(json.dumps(state_with(SESSIONS, SCAN))), STRUCTURES)
    assert left == []
    assert [replace(one, points=()) for one in found] == [replace(one, points=()) for one in SESSIONS]
    for one, other in zip(found, SESSIONS, strict=True):
        for mine, theirs in zip(one.points, other.points, strict=True):
            places = ((each.x_um, each.y_um, each.z_um) for each in (mine, theirs))
            assert next(places) == pytest.approx(next(places), rel=1e-12)
            assert replace(mine, x_um=0, y_um=0, z_um=0) == replace(theirs, x_um=0, y_um=0, z_um=0)


def test_neuroglancer_itself_reads_what_is_written() -> None:
    neuroglancer = pytest.importorskip("neuroglancer")
    read = neuroglancer.ViewerState(state_with(SESSIONS, SCAN))
    assert [layer.name for layer in read.layers] == ["middles", "cells", "outlines"]
    assert read.dimensions.to_json() == {"x": [5e-7, "m"], "y": [2.5e-7, "m"], "z": [2e-5, "m"]}
    assert [one.type for one in read.layers["outlines"].layer.annotations] == ["polyline", "polyline"]
    assert list(read.layers["cells"].layer.annotations[0].point) == [2.0, 8.0, 1.5]


def test_layers_of_one_name_get_names_of_their_own() -> None:
    names = [layer["name"] for layer in state_with([SESSIONS[0]] * 3, SCAN)["layers"]]
    assert names == ["middles", "middles 2", "middles 3"]


def test_a_link_holds_its_state() -> None:
    text = json.dumps(state(point(1, 1, 1)))
    assert parse_state(f"https://example.org/#!{quote(text)}\n", "link") == json.loads(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", "https://example.org/"])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(BrainstackError, match=r"marks\.json is (not a state|JSON, but no state)"):
        parse_state(text, "marks.json")
