"""Layers of annotations as the real client draws them: all their indexes are read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import XY, XZ, YZ, View, open_page, view_of
from layers import points, two_places
from volumes import write_volume

from brainstack.files.annotations import write_annotations
from brainstack.point_layer import PointLayer, Property, Relationship
from brainstack.viewer import ImageVolume, animal_state
from brainstack.viewer_server import Shown, ViewerServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
VOXEL_UM, VOXELS = (10.0, 10.0, 20.0), (300, 200, 20)
SIZE_UM = (3000.0, 2000.0, 400.0)
COLOURS = {"points": "#ff0000", "lines": "#00ff00", "boxes": "#00ffff", "ellipsoids": "#ff00ff"}


def voxel(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Micrometres of the middle of a voxel."""
    return (x + 0.5) * VOXEL_UM[0], (y + 0.5) * VOXEL_UM[1], (z + 0.5) * VOXEL_UM[2]


def layer(name: str, **more: Any) -> dict[str, Any]:
    color = COLOURS.get(name, "#ffff00")
    return {"type": "annotation", "name": name, "source": f"precomputed://{name}", "annotationColor": color, **more}


def look(browser: Any, folder: Path, *layers: dict[str, Any], **more: Any) -> View:
    image = ImageVolume("C1", "C1T", (0, 60000))
    state = animal_state([image], size_xyz=VOXELS, voxel_size_um=VOXEL_UM, title="DK39", more_layers=layers) | more
    state |= {"showAxisLines": False}  # they have colours of layers
    with ViewerServer({"DK39": Shown(folder, lambda: state)}) as server:
        open_page(browser, server)
        view = view_of(browser)
        view.state["text"] = browser.execute_script("return document.body.innerText")
        browser.get("about:blank")
    return view


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dark brain with a layer of each kind: in the four quarters of section 10, which is the middle."""
    folder = tmp_path_factory.mktemp("neuroglancer_data")
    write_volume(
        folder / "C1T", np.zeros(VOXELS[::-1], "uint16"), voxel_size_um=VOXEL_UM, chunk_size=(64, 64, 8), levels=1
    )
    found = {
        "points": points(voxel(60, 50, 10), voxel(80, 50, 3)),
        "lines": two_places("line", voxel(180, 50, 10), voxel(280, 50, 10)),
        "boxes": two_places("axis_aligned_bounding_box", voxel(20, 120, 8), voxel(120, 180, 12)),
        "ellipsoids": two_places("ellipsoid", voxel(230, 150, 10), (500, 300, 100)),
    }
    for name, one in found.items():
        write(folder / name, one)
    return folder


def write(path: Path, one: PointLayer, most_in_cell: int = 100) -> None:
    write_annotations(path, one, name=path.name, size_um=SIZE_UM, most_in_cell=most_in_cell)


def shows(view: View, name: str, panel: int = XY, near: int = 0, **place: float) -> bool:
    """Whether the colour of a layer is seen at a place, or within a few pixels of it."""
    row, column = view.pixel(panel, **place)
    seen = view.picture[row - near : row + near + 1, column - near : column + near + 1].astype(int)
    wanted = np.array([int(COLOURS[name][place : place + 2], 16) for place in (1, 3, 5)])
    if name == "ellipsoids":
        wanted = wanted // 2  # half of what lies below is seen through it
    return bool((np.abs(seen - wanted).max(axis=-1) < 60).any())


def test_each_kind_is_drawn_where_it_is_in_all_panels(browser: Any, folder: Path) -> None:
    view = look(browser, folder, *map(layer, COLOURS), position=[60.5, 50.5, 10.5], crossSectionScale=1.2)

    assert shows(view, "points", x=60, y=50)
    assert not shows(view, "points", near=4, x=80, y=50), "it is in another section"
    assert shows(view, "points", XZ, x=60, z=10)
    assert shows(view, "points", XZ, x=80, z=3)
    assert shows(view, "points", YZ, y=50, z=10)
    assert not shows(view, "points", YZ, near=4, y=50, z=3), "that panel cuts through x = 60"
    assert all(shows(view, "lines", near=1, x=x, y=50) for x in (182, 230, 278))
    assert not shows(view, "lines", near=1, x=170, y=50)
    assert all(shows(view, "boxes", near=1, x=x, y=y) for x, y in ((70, 120), (70, 180), (20, 150), (120, 150)))
    assert not shows(view, "boxes", near=2, x=70, y=150), "only its edges are drawn"
    assert shows(view, "ellipsoids", x=230, y=150)
    assert shows(view, "ellipsoids", x=275, y=150)
    assert not shows(view, "ellipsoids", x=285, y=150)
    assert not shows(view, "ellipsoids", x=230, y=185)


def test_points_of_all_levels_are_drawn(browser: Any, folder: Path) -> None:
    """2000 points in twenty rows of section 10, of which one cell has ten at most: near enough, all are there."""
    places = [voxel(60 + 10 * (number % 20), 20 + 8 * (number // 20), 10) for number in range(400)]
    write(folder / "many", replace(points(*places)), most_in_cell=10)
    info = json.loads((folder / "many/info").read_text())
    assert len(info["spatial"]) > 4

    COLOURS["many"] = "#ffff00"
    view = look(browser, folder, layer("many", crossSectionAnnotationSpacing=0.5))
    missing = [number for number in range(400) if not shows(
        view, "many", near=1, x=60 + 10 * (number % 20), y=20 + 8 * (number // 20)
    )]  # fmt: skip
    assert missing == []


def test_one_that_is_selected_tells_what_is_said_of_it_and_only_related_ones_are_shown(
    browser: Any, folder: Path
) -> None:
    said = Property("sort", "uint8", np.array([0, 1, 1]), ("round", "pyramidal"))
    score = Property("score", "float32", np.array([1.0, 42.25, 3.0]))
    related = Relationship("structure", np.array([1, 1, 1]), np.array([7, 8, 7], np.uint64))
    three = points(voxel(60, 50, 10), voxel(160, 50, 10), voxel(260, 50, 10))
    write(folder / "said", replace(three, properties=(said, score), relationships=(related,)))
    (folder / "names").mkdir(exist_ok=True)
    properties = {"ids": ["7", "8"], "properties": [{"id": "label", "type": "label", "values": ["SC", "IC"]}]}
    info = {"@type": "neuroglancer_segment_properties", "inline": properties}
    (folder / "names/info").write_text(json.dumps(info))
    COLOURS["said"] = "#ffff00"

    chosen = {"layers": {"said": {"annotationId": "2", "annotationSource": 0}}, "visible": True}
    view = look(browser, folder, layer("said"), selection=chosen)
    assert "pyramidal" in view.state["text"]
    assert "42.25" in view.state["text"]

    names = {"type": "segmentation", "name": "names", "source": "precomputed://names", "segments": ["7"]}
    linked = layer("said", linkedSegmentationLayer={"structure": "names"}, filterBySegmentation=["structure"])
    view = look(browser, folder, names, linked)
    assert [shows(view, "said", near=1, x=x, y=50) for x in (60, 160, 260)] == [True, False, True]
