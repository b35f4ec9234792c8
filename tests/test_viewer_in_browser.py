"""What is really seen of volumes whose every voxel is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from browsing import BLACK, BLUE, XY, View, open_page, view_of
from volumes import write_volume

from brainstack.viewer import ImageVolume, animal_state
from brainstack.viewer_server import Shown, ViewerServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
VOXEL_UM = (10.0, 10.0, 20.0)


def state_of(*volumes: ImageVolume) -> dict[str, Any]:
    return animal_state(volumes, size_xyz=(300, 200, 20), voxel_size_um=VOXEL_UM, title="DK39")


def look(browser: Any, folder: Path, state: dict[str, Any]) -> View:
    with ViewerServer({"DK39": Shown(folder, lambda: state)}) as server:
        open_page(browser, server)
        view = view_of(browser)
        browser.get("about:blank")
    return view


def write(path: Path, sections: np.ndarray[Any, Any], mips: int = 2) -> None:
    write_volume(path, sections, voxel_size_um=VOXEL_UM, chunk_size=(64, 64, 8), levels=mips + 1)


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """300 x 200 x 20 voxels; in channel 1 a mark at the top left, in channel 2 one at the bottom right.

    From z = 12 on, channel 1 has another mark at the top right, and channel 2 one through the middle row.
    """
    folder = tmp_path_factory.mktemp("neuroglancer_data")
    first, second = np.zeros((2, 20, 200, 300), "uint16")
    first[:, 8:40, 8:40] = 60000
    first[12:, 8:40, 260:292] = 60000
    second[:, 130:180, 190:290] = 40000
    second[12:, 96:104, 60:100] = 40000
    write(folder / "C1T", first)
    write(folder / "C2T", second)
    volumes = (ImageVolume("C1 DAPI", "C1T", (0, 60000)), ImageVolume("C2 GFP", "C2T", (20000, 60000)))
    return folder, state_of(*volumes)


@pytest.fixture(scope="module")
def seen(browser: Any, brain: Any) -> Iterator[tuple[View, list[str]]]:
    """The page as it opens, and all addresses that it asked."""
    view = look(browser, *brain)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return view, [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]


def test_both_channels_are_seen_in_their_place_and_colour(seen: Any) -> None:
    view, _ = seen

    assert view.xy(24, 24) == BLUE
    assert view.xy(240, 155) == pytest.approx((128, 0, 0), abs=1)  # 40000 between 20000 and 60000
    for x, y in ((24, 60), (60, 24), (275, 24), (24, 175), (240, 110), (80, 100), (2, 2), (297, 197)):
        assert view.xy(x, y) == BLACK


def test_the_first_row_is_at_the_top_and_the_first_section_too(browser: Any, brain: Any) -> None:
    folder, state = brain
    before = look(browser, folder, state | {"position": [150.5, 100.5, 11.5]})
    after = look(browser, folder, state | {"position": [150.5, 100.5, 12.5]})

    assert before.xy(275, 24) == BLACK
    assert after.xy(275, 24) == BLUE
    for view in (before, after):
        assert view.xz(80, 5) == BLACK
        assert view.xz(80, 10) == BLACK
        assert view.xz(80, 14) == pytest.approx((128, 0, 0), abs=1)
        assert view.xz(80, 18) == pytest.approx((128, 0, 0), abs=1)


def test_a_millimetre_is_as_long_as_it_should_be(seen: Any) -> None:
    view, _ = seen
    um_per_px = view.state["crossSectionScale"] * 10.0
    row, _ = view.pixel(XY, x=150, y=155)
    left, _, width, _ = view.panels[XY]

    line = view.picture[row, int(left) : int(left + width)]
    bright = (line[:, 0] > 100) & (line[:, 1] < 50)  # red; the frame around the data is yellow

    assert bright.sum() == pytest.approx(1000 / um_per_px, abs=1.5)  # 100 voxels of 10 um
    start = bright.argmax() - width / 2
    assert start * um_per_px == pytest.approx((190 - 150.5) * 10.0, abs=1.5 * um_per_px)


def test_the_whole_brain_is_in_view(seen: Any) -> None:
    view, _ = seen

    assert len(view.panels) == 4
    for panel, (right, down) in {0: (3000, 2000), 1: (3000, 400), 3: (400, 2000)}.items():
        for sign in (-1, 1):
            view.place(panel, sign * right / 2, sign * down / 2)
    assert 2000 / view.state["crossSectionScale"] / 10 > view.panels[0][3] / 2, "much too small"


def test_the_page_asks_no_other_computer(seen: Any) -> None:
    _, urls = seen
    asked = [urlsplit(url) for url in urls if url.startswith(("http", "ws"))]
    assert len(asked) > 10
    assert {url.hostname for url in asked} == {"127.0.0.1"}
    assert len({url.port for url in asked}) == 1


def test_a_state_that_takes_long_to_open_loses_no_layer(browser: Any, brain: Any) -> None:
    """The client would write its address in between, and drop the layer that is half made then."""
    folder, _ = brain
    with ViewerServer({"DK39": Shown(folder, lambda: brain[1])}) as server:
        open_page(browser, server)
        took_ms = browser.execute_script(
            "const begun = Date.now(), real = performance.now();"
            "while (performance.now() - real < 50); return Date.now() - begun"
        )
        browser.get("about:blank")
    assert took_ms == 0


def test_one_channel_is_grey(browser: Any, brain: Any) -> None:
    folder, _ = brain
    view = look(browser, folder, state_of(ImageVolume("C2 GFP", "C2T", (20000, 60000))))

    assert view.xy(240, 155) == pytest.approx((128, 128, 128), abs=1)
    assert view.xy(24, 24) == BLACK


def test_a_stained_brain_has_its_own_colours(browser: Any, tmp_path: Path) -> None:
    sections = np.zeros((20, 200, 300, 3), "uint8")
    sections[:] = (230, 225, 240)
    sections[:, 20:80, 20:80] = (120, 60, 180)
    write(tmp_path / "C1T", sections, mips=1)

    view = look(browser, tmp_path, state_of(ImageVolume("thionin", "C1T", rgb=True)))

    assert view.xy(50, 50) == (120, 60, 180)
    assert view.xy(240, 155) == (230, 225, 240)
