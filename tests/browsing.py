"""The viewer's page in a real browser, and what is seen there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import imagecodecs
import numpy as np

from brainstack.browser import picture_of_page, picture_when_drawn
from brainstack.viewer_server import ViewerServer

XY, XZ, THREE_D, YZ = range(4)
PANELS = """
return [...document.querySelectorAll('.neuroglancer-rendered-data-panel')].map(panel => {
  const box = panel.getBoundingClientRect(); return [box.left, box.top, box.width, box.height] })
"""
SHOWN = "return JSON.parse(JSON.stringify(viewer.state.toJSON(), (key, v) => typeof v === 'bigint' ? String(v) : v))"
BLACK, BLUE, RED = (0, 0, 0), (0x66, 0x99, 0xFF), (255, 0, 0)


@dataclass(frozen=True)
class View:
    """A picture of the page. panels : (left, top, width, height) of xy, xz, 3d, yz in pixels. state : as the client has
    it. voxel_um : (x, y, z)."""

    picture: np.ndarray[Any, Any]
    panels: list[tuple[float, float, float, float]]
    state: dict[str, Any]

    @property
    def voxel_um(self) -> tuple[float, float, float]:
        x, y, z = (self.state["dimensions"][axis][0] * 1e6 for axis in "xyz")
        return x, y, z

    def place(self, panel: int, right: float, down: float) -> tuple[int, int]:
        """(row, column) in the picture of a point so many um right of and below the middle of what is shown."""
        left, top, width, height = self.panels[panel]
        um_per_px = self.state["crossSectionScale"] * min(self.voxel_um)
        row, column = top + height / 2 + down / um_per_px, left + width / 2 + right / um_per_px
        assert top < row < top + height, "outside its panel"
        assert left < column < left + width, "outside its panel"
        return int(row), int(column)

    def at(self, panel: int, **voxel: float) -> tuple[int, ...]:
        """The colour shown at a voxel of the xy, xz or yz panel; x, y, z of the two axes that it has."""
        return tuple(int(value) for value in self.picture[self.pixel(panel, **voxel)])

    def pixel(self, panel: int, **voxel: float) -> tuple[int, int]:
        """(row, column) in the picture of the middle of a voxel."""
        axes = {XY: "xy", XZ: "xz", YZ: "zy"}[panel]  # to the right, and down
        middle, side = (dict(zip("xyz", values, strict=True)) for values in (self.state["position"], self.voxel_um))
        right, down = ((voxel[axis] + 0.5 - middle[axis]) * side[axis] for axis in axes)
        return self.place(panel, -right if panel == YZ else right, down)  # the first section is at the right there

    def xy(self, x: float, y: float) -> tuple[int, ...]:
        return self.at(XY, x=x, y=y)

    def xz(self, x: float, z: float) -> tuple[int, ...]:
        return self.at(XZ, x=x, z=z)

    def yz(self, y: float, z: float) -> tuple[int, ...]:
        return self.at(YZ, y=y, z=z)

    def cut(self, panel: int) -> np.ndarray[Any, Any]:
        """The picture of one panel."""
        left, top, width, height = (int(side) for side in self.panels[panel])
        return self.picture[top : top + height, left : left + width]


def open_page(browser: Any, server: ViewerServer) -> None:
    """Open the server's page, as if nothing had been open before."""
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(server.url)


def view_of(browser: Any) -> View:
    """What is seen of the page that is open, once it is drawn."""
    return _view(browser, picture_when_drawn(browser, within_s=90))


def view_at(browser: Any, url: str) -> View:
    """What is seen of another page."""
    return _view(browser, picture_of_page(browser, url, within_s=90))


def view_with(browser: Any, server: ViewerServer, state: dict[str, Any]) -> View:
    """What is seen of a server's page with a state in its address. state : with complete sources."""
    return view_at(browser, f"{server.url}v/brainstack/#!{quote(json.dumps(state), safe='')}")


def _view(browser: Any, png: bytes) -> View:
    picture = imagecodecs.png_decode(png)[..., :3]
    return View(picture, [tuple(box) for box in browser.execute_script(PANELS)], browser.execute_script(SHOWN))


def layers_changed(state: dict[str, Any], changes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers of a state, of which only these are shown. changes : name -> what else is different of it."""
    return [one | {"visible": one["name"] in changes} | changes.get(one["name"], {}) for one in state["layers"]]
