"""The page of the made-up animal, with all that a run makes: what is seen is compared with what is on the disk."""

from __future__ import annotations

import csv
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from browsing import THREE_D, XY, XZ, YZ, View, layers_changed, view_at, view_of, view_with
from lab import Lab, copy_of
from numpy.typing import NDArray

from brainstack.animal_folder import AnimalFolder
from brainstack.demo.landmarks import LANDMARKS, MIDDLE_UM
from brainstack.planning import look
from brainstack.showing import shown
from brainstack.viewer_server import ViewerServer
from brainstack.viewing import state_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
LEFT, RIGHT = 3, 200
"""Labels of two boxes that somebody drew in sections 2 to 5, left and right of the middle."""

COLORS = {LEFT: (0x0C, 0xFF, 0x95), RIGHT: (0xFF, 0x40, 0xFF)}
YELLOW = (255, 255, 0)
FLAT_3D = {"type": "3d", "orthographicProjection": True}
"""What is nearer is not larger."""
BARE = {"showAxisLines": False, "showDefaultAnnotations": False}
"""Without the axes, and the frame around the data."""

FLAT, FROM_THE_SIDE = [0, 0, 0, 1], [0, 0.5**0.5, 0, 0.5**0.5]


@dataclass(frozen=True)
class Page:
    """The animal's page. state : that it opens with. volumes : of each channel, (z, y, x), from the aligned TIFFs."""

    browser: Any
    server: ViewerServer
    state: dict[str, Any]
    view: View
    volumes: dict[int, NDArray[Any]]
    voxel_um: tuple[float, float, float]

    @property
    def middle(self) -> list[int]:
        """The voxel (x, y, z) that the page opens with."""
        return [int(at) for at in self.state["position"]]

    def shows(self, **parts: Any) -> View:
        """What is seen with other parts of the state that the page opened with."""
        return view_with(self.browser, self.server, self.state | parts)

    def only(self, **layers: dict[str, Any]) -> list[dict[str, Any]]:
        return layers_changed(self.state, layers)

    @property
    def brain_um(self) -> tuple[float, float, float]:
        """Width, height and depth of what has tissue in most sections."""
        tissue = self.volumes[1] > 0
        yx = np.argwhere(tissue.mean(axis=0) > 0.5)
        y, x = (yx.max(axis=0) - yx.min(axis=0) + 1) * self.voxel_um[:2]
        return float(x), float(y), len(tissue) * self.voxel_um[2]


@pytest.fixture(scope="module")
def animal(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> AnimalFolder:
    """The animal after a run, and two structures that were drawn on its aligned sections."""
    lab = copy_of(finished, tmp_path_factory.mktemp("page"))
    drawn = lab.root / "drawn"
    drawn.mkdir()
    for number in range(8):
        plane = np.zeros_like(tifffile.imread(lab.folder.numbered("thumbnail_aligned", number, 1)), np.uint8)
        height, width = plane.shape
        if 2 <= number <= 5:
            rows = slice(height * 2 // 5, height * 3 // 5)
            plane[rows, width // 4 : width * 2 // 5] = LEFT
            plane[rows, width * 3 // 5 : width * 3 // 4] = RIGHT
        tifffile.imwrite(drawn / f"{number:03d}.tif", plane)
    with (drawn / "names.csv").open("w", newline="") as file:
        rows = [(label, name, "#{:02x}{:02x}{:02x}".format(*COLORS[label])) for label, name in
                ((LEFT, "nucleus L"), (RIGHT, "nucleus R"))]  # fmt: skip
        csv.writer(file).writerows([("label", "name", "color"), *rows])
    added = lab.brainstack(
        "labels", "add", "DEMO", "nuclei", "--sections", str(drawn), "--names", str(drawn / "names.csv")
    )
    assert added.returncode == 0, added.stderr
    made = lab.luigi("NeuroglancerMesh")
    assert made.returncode == 0, made.stderr
    return lab.folder


@pytest.fixture(scope="module")
def page(animal: AnimalFolder, browser: Any) -> Iterator[Page]:
    volumes = {
        channel: np.stack(
            [tifffile.imread(animal.numbered("thumbnail_aligned", number, channel)) for number in range(8)]
        )
        for channel in (1, 2, 3)
    }
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BRAINSTACK_DATA_ROOT", str(animal.root.parent))
        environment.delenv("BRAINSTACK_DATABASE_URL", raising=False)
        plan = look("DEMO")
        side_um = plan.pixel_size_um
        voxel_um = (side_um, side_um, plan.records.histology.section_thickness_um)
        with ViewerServer({"DEMO": shown(animal)}) as server:
            view = view_at(browser, server.url)
            with urllib.request.urlopen(f"{server.url}DEMO/state.json") as answer:
                state = json.load(answer)
            yield Page(browser, server, state, view, volumes, voxel_um)
        browser.get("about:blank")


def is_lit(colour: tuple[int, ...]) -> bool:
    return max(colour) > 8


def around(volume: NDArray[Any], z: int, y: int, x: int) -> NDArray[Any]:
    """A voxel with those beside it, which the client may have shrunk together."""
    return volume[max(0, z - 1) : z + 2, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]


def test_every_layer_is_there_by_name(page: Page) -> None:
    layers = [(layer["name"], layer["type"]) for layer in page.view.state["layers"]]
    assert layers == [
        ("C1 DAPI", "image"),
        ("C2 GFP", "image"),
        ("C3 Cy5", "image"),
        ("shell", "segmentation"),
        ("nuclei", "segmentation"),
        ("landmarks", "annotation"),
    ]


def test_axes_are_in_metres_of_the_scan_and_the_section_thickness(page: Page) -> None:
    metres = [side_um * 1e-6 for side_um in page.voxel_um]
    assert [page.view.state["dimensions"][axis] for axis in "xyz"] == [[pytest.approx(one), "m"] for one in metres]


def test_the_section_s_number_is_shown(page: Page) -> None:
    page.shows(position=[*page.state["position"][:2], 5.5])
    names_and_values = page.browser.execute_script(
        "return [...document.querySelectorAll('.neuroglancer-position-dimension')].map(one => "
        "['name', 'coordinate'].map(what => one.querySelector(`.neuroglancer-position-dimension-${what}`).value))"
    )
    assert names_and_values[2] == ["z", "5"], "as 005.tif of preps/CH1/thumbnail_aligned"


def test_the_brain_is_where_it_should_be_in_the_three_cross_sections(page: Page) -> None:
    view = page.shows(layers=page.only(**{"C1 DAPI": {}}), **BARE)
    volume, (middle_x, middle_y, middle_z) = page.volumes[1], page.middle
    depth, height, width = volume.shape
    points = [(XY, {"x": x, "y": y}, (middle_z, y, x)) for y in range(4, height, 9) for x in range(4, width, 9)]
    points += [(XZ, {"x": x, "z": z}, (z, middle_y, x)) for z in range(depth) for x in range(4, width, 9)]
    points += [(YZ, {"y": y, "z": z}, (z, y, middle_x)) for z in range(depth) for y in range(4, height, 9)]
    seen = {(XY, True): 0, (XZ, True): 0, (YZ, True): 0, (XY, False): 0, (XZ, False): 0, (YZ, False): 0}
    black = page.state["layers"][0]["shaderControls"]["normalized"]["range"][0]
    for panel, voxel, place in points:
        near = around(volume, *place)
        if near.min() > 1.5 * black or near.max() == 0:  # not at an edge, where the screen's pixel may be the next
            lit = bool(near.max())
            assert is_lit(view.at(panel, **voxel)) == lit, (panel, voxel)
            seen[panel, lit] += 1
    assert min(seen.values()) >= 10, seen


def test_the_colours_are_those_of_the_channels(page: Page) -> None:
    """Each voxel is a block of pixels here, and has the channels' colours, added up."""
    x, y, z = page.middle
    layers = layers_changed(page.state, {name: {} for name in ("C1 DAPI", "C2 GFP", "C3 Cy5")})
    view = page.shows(layers=layers, layout="xy", crossSectionScale=0.2, **BARE)
    different = set()
    for row in range(y - 20, y + 21, 5):
        for column in range(x - 20, x + 21, 5):
            expected = np.zeros(3)
            for channel, layer in enumerate(layers[:3], 1):
                black, white = layer["shaderControls"]["normalized"]["range"]
                share = np.clip((float(page.volumes[channel][z, row, column]) - black) / (white - black), 0, 1)
                colour = layer["shaderControls"]["color"]
                expected += share * np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
            found = view.xy(column, row)
            assert found == pytest.approx(tuple(np.minimum(expected, 255)), abs=2)
            different.add(found)
    assert len(different) > 20


def test_the_sections_are_drawn_in_three_dimensions(page: Page) -> None:
    view = page.shows(layers=page.only(**{"C1 DAPI": {}}), **BARE)
    lit = view.cut(THREE_D)[80:-40].max(axis=2) > 40  # without buttons and the names of the axes
    height, width = lit.shape
    assert lit[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4].mean() > 0.1
    assert not lit[:, : width // 20].any()
    assert not lit[:, -width // 20 :].any()


@pytest.mark.parametrize(("turned", "side"), [(FLAT, 0), (FROM_THE_SIDE, 2)], ids=["from the front", "from the side"])
def test_the_shell_is_drawn_as_large_as_the_brain_and_is_looked_through(
    page: Page, turned: list[float], side: int
) -> None:
    view = page.shows(layers=page.only(shell={}), layout=FLAT_3D, projectionOrientation=turned, **BARE)
    panel = view.cut(0)[80:-40]  # without buttons and the names of the axes
    grey = (panel > 8).any(axis=2)

    um_per_px = view.state["projectionScale"] * min(page.voxel_um) / view.panels[0][3]
    across, down = (np.flatnonzero(grey.any(axis=axis)) for axis in (0, 1))
    width_um, height_um = ((found.max() - found.min() + 1) * um_per_px for found in (across, down))
    assert height_um == pytest.approx(page.brain_um[1], rel=0.1)
    assert width_um == pytest.approx(page.brain_um[side], rel=0.1, abs=2 * page.voxel_um[2])
    assert panel[grey].max() < 200, "it is half transparent"


def test_the_shell_covers_no_section(page: Page) -> None:
    both = page.shows(layers=page.only(**{"shell": {}, "C1 DAPI": {}}), layout="xy", **BARE)
    channel = page.shows(layers=page.only(**{"C1 DAPI": {}}), layout="xy", **BARE)
    assert np.array_equal(both.cut(0)[80:], channel.cut(0)[80:])


def test_a_named_structure_can_be_selected(page: Page) -> None:
    """By its name, in the list beside the picture, as a person does."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    z = 3
    position = [*page.state["position"][:2], z + 0.5]
    panel = {"layer": "nuclei", "visible": True, "tab": "segments", "size": 350}
    layers = page.only(nuclei={"segments": [], "notSelectedAlpha": 0, "selectedAlpha": 1, "tab": "segments"})
    page.shows(layers=layers, position=position, selectedLayer=panel, showAxisLines=False)
    query = page.browser.find_element(By.CSS_SELECTOR, ".neuroglancer-segment-list-query")
    query.send_keys("nucleus R", Keys.ENTER)
    view = view_of(page.browser)
    page.browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)

    (chosen,) = [layer for layer in view.state["layers"] if layer["name"] == "nuclei"]
    assert chosen["segments"] == [str(RIGHT)]
    assert "nucleus R" in page.browser.find_element(By.TAG_NAME, "body").text
    _, height, width = page.volumes[1].shape
    row = height // 2
    assert view.xy(width * 2 // 3, row) == COLORS[RIGHT]
    assert not is_lit(view.xy(width // 3, row)), "the other one is not chosen"
    in_3d = view.cut(THREE_D)[60:].reshape(-1, 3).astype(int)
    shade = in_3d[in_3d.max(axis=1) > 40]
    assert len(shade) > 50, "its mesh is drawn"


def test_structures_have_their_colours_and_meshes(page: Page) -> None:
    position = [*page.state["position"][:2], 3.5]
    view = page.shows(layers=page.only(nuclei={"selectedAlpha": 1}), position=position, **BARE)
    _, height, width = page.volumes[1].shape
    assert view.xy(width // 3, height // 2) == COLORS[LEFT]
    assert view.xy(width * 2 // 3, height // 2) == COLORS[RIGHT]


@pytest.mark.parametrize("name", LANDMARKS)
def test_a_point_stands_where_the_demo_put_it(page: Page, name: str) -> None:
    right, down, section = LANDMARKS[name]
    x, y = ((at + by) / side for at, by, side in zip(MIDDLE_UM, (right, down), page.voxel_um[:2], strict=True))
    layers = page.only(landmarks={})
    view = page.shows(layers=layers, position=[x, y, section + 0.5], **BARE)

    for panel in (XY, XZ, YZ):
        place = view.place(panel, 0, 0)
        assert tuple(view.picture[place]) == YELLOW, panel
        yellow = (view.cut(panel) == YELLOW).all(axis=2)
        assert yellow.sum() < 200, "it is a dot"
    assert (view.cut(THREE_D) == YELLOW).all(axis=2).any()


def test_the_state_of_the_page_is_the_plan_s(page: Page, animal: AnimalFolder) -> None:
    state = state_of(look("DEMO"))
    assert [layer["name"] for layer in state["layers"]] == [layer["name"] for layer in page.view.state["layers"]]
    for made, seen in zip(state["layers"], page.view.state["layers"], strict=True):
        source = seen["source"] if isinstance(seen["source"], str) else seen["source"]["url"]
        assert source.rstrip("/").endswith(made["source"].removeprefix("precomputed://")), source
    assert Path(animal.root).name == page.view.state["title"]
