"""The viewer: what it serves, and what is really seen in a browser."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from volumes import write_volume

from brainstack.errors import BrainstackError
from brainstack.viewer import ImageVolume, animal_state, annotation_layer, segmentation_layer, with_data_at
from brainstack.viewer_server import how_to_open, serve

# The state


def state_of(*volumes: ImageVolume, **changes: Any) -> dict[str, Any]:
    return animal_state(
        volumes, **({"size_xyz": (300, 200, 20), "voxel_size_um": (10.4, 10.4, 20.0), "title": "DK39"} | changes)
    )


def test_axes_are_in_metres_and_the_middle_is_shown() -> None:
    state = state_of(ImageVolume("C1 DAPI", "C1T"))

    assert state["dimensions"] == {
        "x": [pytest.approx(10.4e-6), "m"],
        "y": [pytest.approx(10.4e-6), "m"],
        "z": [pytest.approx(20e-6), "m"],
    }
    assert state["position"] == [150.5, 100.5, 10.5]


def test_one_channel_is_grey_and_several_have_their_colours() -> None:
    one = state_of(ImageVolume("C1 DAPI", "C1T", contrast=(100, 4000)))
    two = state_of(ImageVolume("C1 DAPI", "C1T"), ImageVolume("C2 GFP", "C2T"))

    assert one["layers"][0]["shaderControls"] == {"normalized": {"range": [100, 4000]}, "color": "#ffffff"}
    assert [layer["shaderControls"]["color"] for layer in two["layers"]] == ["#6699ff", "#ff0000"]
    assert [layer["name"] for layer in two["layers"]] == ["C1 DAPI", "C2 GFP"]


def test_sources_are_completed_and_others_stay() -> None:
    more = [segmentation_layer("atlas", "shell", segments=[3]), annotation_layer("cells", "gs://elsewhere/cells")]
    state = state_of(ImageVolume("C1", "C1T"), more_layers=more)

    completed = with_data_at(state, "http://127.0.0.1:8000/data")

    assert [layer["source"] for layer in completed["layers"]] == [
        "precomputed://http://127.0.0.1:8000/data/C1T",
        "precomputed://http://127.0.0.1:8000/data/shell",
        "precomputed://gs://elsewhere/cells",
    ]
    assert state["layers"][0]["source"] == "precomputed://C1T"


# The server


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "DK39" / "neuroglancer_data"
    (data / "C1T").mkdir(parents=True)
    (data / "C1T" / "info").write_bytes(b'{"type": "image"}')
    (data / "C1T" / "chunk").write_bytes(bytes(range(100)))
    (data / "C1T" / "empty").touch()
    (data / "C1T" / "packed.gz").write_bytes(gzip.compress(b"unpacked"))
    (tmp_path / "DK39" / "secret").write_text("not for others")
    (data / "C1T" / "way_out").symlink_to(tmp_path / "DK39" / "secret")
    return data


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with serve(folder, state_of(ImageVolume("C1", "C1T"))) as server:
        found = urlsplit(server.url).port
        assert found is not None
        yield found


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())
    finally:
        connection.close()


def test_a_file_comes_whole_and_any_page_may_read_it(port: int) -> None:
    answer = ask(port, "/data/C1T/chunk")

    assert (answer.status, answer.body) == (200, bytes(range(100)))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert ask(port, "/data/C1T/chunk", "OPTIONS").headers["Access-Control-Allow-Headers"] == "Range, Content-Type"
    assert ask(port, "/data/C1T/empty").status == 200


def test_head_says_the_length_without_the_bytes(port: int) -> None:
    answer = ask(port, "/data/C1T/chunk", "HEAD")

    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "100", b"")


@pytest.mark.parametrize(
    ("wanted", "status", "content_range", "body"),
    [
        ("bytes=10-19", 206, "bytes 10-19/100", bytes(range(10, 20))),
        ("bytes=90-", 206, "bytes 90-99/100", bytes(range(90, 100))),
        ("bytes=-5", 206, "bytes 95-99/100", bytes(range(95, 100))),
        ("bytes=90-500", 206, "bytes 90-99/100", bytes(range(90, 100))),
        ("bytes=100-", 416, "bytes */100", b""),
        ("bytes=1-2,5-6", 200, None, bytes(range(100))),
    ],
)
def test_a_part_of_a_file_can_be_had(port: int, wanted: str, status: int, content_range: str, body: bytes) -> None:
    answer = ask(port, "/data/C1T/chunk", Range=wanted)

    assert (answer.status, answer.headers.get("Content-Range"), answer.body) == (status, content_range, body)


def test_a_packed_file_is_found_under_its_plain_name(port: int) -> None:
    answer = ask(port, "/data/C1T/packed")

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == b"unpacked"


@pytest.mark.parametrize(
    "path",
    [
        "/data/../secret",
        "/data/%2e%2e/secret",
        "/data/C1T/..%2f..%2f../secret",
        "/data//etc/passwd",
        "/data/%2fetc/passwd",
        "/data/C1T/way_out",
        "/data/C1T/x%00y",
        "/data/" + "x" * 5000,
        "/data/C1T",
        "/v/brainstack/../../../../../../../../../../etc/passwd",
        "/elsewhere",
    ],
)
def test_nothing_outside_the_data_is_served(port: int, path: str) -> None:
    answer = ask(port, path)

    assert (answer.status, answer.body) == (404, b"")


def test_the_link_leads_to_the_state_under_the_name_it_was_asked_by(port: int) -> None:
    def source(host: str) -> str:
        location = ask(port, "/", Host=host).headers["Location"]
        assert location.startswith("/v/brainstack/#!")
        layers = json.loads(unquote(location.partition("#!")[2]))["layers"]
        return str(layers[0]["source"])

    assert source("localhost:9999") == "precomputed://http://localhost:9999/data/C1T"  # as behind ssh -L 9999:...
    assert source("a b") == f"precomputed://http://127.0.0.1:{port}/data/C1T"


def test_a_port_in_use_is_a_sentence(port: int, folder: Path) -> None:
    with pytest.raises(BrainstackError, match=f"Port {port} is in use by another program"):
        serve(folder, state_of(), port=port)
    with pytest.raises(BrainstackError, match="Port 70000 cannot be used"):
        serve(folder, state_of(), port=70000)


def test_only_this_computer_is_served_and_stopping_ends_open_connections(folder: Path) -> None:
    server = serve(folder, state_of())
    server.start()
    address = urlsplit(server.url)
    assert address.hostname == "127.0.0.1"
    with socket.create_connection(("127.0.0.1", address.port or 0), timeout=10) as events:
        events.sendall(b"GET /events/brainstack HTTP/1.1\r\nHost: x\r\n\r\n")
        assert events.recv(1000).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        server.stop()
        while events.recv(1000):
            pass
    assert time.monotonic() - begun < 3
    assert not [thread for thread in threading.enumerate() if "process_request" in thread.name]


def test_the_way_from_another_computer_is_told() -> None:
    text = how_to_open("http://127.0.0.1:8123/")

    assert "Open http://127.0.0.1:8123/ in" in text
    assert "ssh -L 8123:127.0.0.1:8123 " in text


# What is seen

VOXEL_UM = (10.0, 10.0, 20.0)
READY = """
return !!window.viewer && viewer.isReady() && viewer.layerManager.managedLayers.length > 0
  && viewer.layerManager.managedLayers.every(layer => layer.layer && layer.isReady())
"""
PANELS = """
return [...document.querySelectorAll('.neuroglancer-rendered-data-panel')].map(panel => {
  const box = panel.getBoundingClientRect(); return [box.left, box.top, box.width, box.height] })
"""
BLACK, BLUE, RED = (0, 0, 0), (0x66, 0x99, 0xFF), (255, 0, 0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium, driver_program = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver_program):
        reason = "no browser: apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1280,800", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    for flag in ("use-angle=swiftshader", "enable-unsafe-swiftshader", "force-device-scale-factor=1"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_program))
    yield driver
    driver.quit()


@dataclass(frozen=True)
class View:
    """A picture of the page. panels : (left, top, width, height) of xy, xz, 3d, yz in pixels."""

    picture: np.ndarray[Any, Any]
    panels: list[tuple[float, float, float, float]]
    state: dict[str, Any]

    def place(self, panel: int, right: float, down: float) -> tuple[int, int]:
        """(row, column) in the picture of a point so many um right of and below the middle of what is shown."""
        left, top, width, height = self.panels[panel]
        um_per_px = self.state["crossSectionScale"] * min(VOXEL_UM)
        row, column = top + height / 2 + down / um_per_px, left + width / 2 + right / um_per_px
        assert top < row < top + height, "outside its panel"
        assert left < column < left + width, "outside its panel"
        return int(row), int(column)

    def xy(self, x: float, y: float) -> tuple[int, ...]:
        """The colour shown at a voxel of the xy panel."""
        middle = self.state["position"]
        return self._colour(0, (x + 0.5 - middle[0]) * VOXEL_UM[0], (y + 0.5 - middle[1]) * VOXEL_UM[1])

    def xz(self, x: float, z: float) -> tuple[int, ...]:
        middle = self.state["position"]
        return self._colour(1, (x + 0.5 - middle[0]) * VOXEL_UM[0], (z + 0.5 - middle[2]) * VOXEL_UM[2])

    def _colour(self, panel: int, right: float, down: float) -> tuple[int, ...]:
        return tuple(int(value) for value in self.picture[self.place(panel, right, down)])


def look(browser: Any, folder: Path, state: dict[str, Any]) -> View:
    import imagecodecs

    with serve(folder, state) as server:
        browser.get("about:blank")
        browser.get_log("performance")
        browser.get(server.url)
        _wait_until_ready(browser)
        picture = imagecodecs.png_decode(browser.get_screenshot_as_png())[..., :3]
        panels = [tuple(box) for box in browser.execute_script(PANELS)]
        browser.get("about:blank")
    return View(picture, panels, state)


def _wait_until_ready(browser: Any) -> None:
    last, ready = time.monotonic() + 60, 0
    while ready < 5:
        ready = ready + 1 if browser.execute_script(READY) else 0
        assert time.monotonic() < last, browser.get_log("browser")
        time.sleep(0.1)


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
    return folder, state_of(*volumes, voxel_size_um=VOXEL_UM)


@pytest.mark.browser
@pytest.mark.timeout(180)
class TestInABrowser:
    def test_both_channels_are_seen_in_their_place_and_colour(self, browser: Any, brain: Any) -> None:
        view = look(browser, *brain)

        assert view.xy(24, 24) == BLUE
        assert view.xy(240, 155) == pytest.approx((128, 0, 0), abs=1)  # 40000 between 20000 and 60000
        for x, y in ((24, 60), (60, 24), (275, 24), (24, 175), (240, 110), (80, 100), (2, 2), (297, 197)):
            assert view.xy(x, y) == BLACK

    def test_the_first_row_is_at_the_top_and_the_first_section_too(self, browser: Any, brain: Any) -> None:
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

    def test_a_millimetre_is_as_long_as_it_should_be(self, browser: Any, brain: Any) -> None:
        view = look(browser, *brain)
        um_per_px = view.state["crossSectionScale"] * 10.0
        row, _ = view.place(0, 0, (155 - 100.5) * 10.0)
        left, _, width, _ = view.panels[0]

        line = view.picture[row, int(left) : int(left + width)]
        bright = (line[:, 0] > 100) & (line[:, 1] < 50)  # red; the frame around the data is yellow

        assert bright.sum() == pytest.approx(1000 / um_per_px, abs=1.5)  # 100 voxels of 10 um
        start = bright.argmax() - width / 2
        assert start * um_per_px == pytest.approx((190 - 150.5) * 10.0, abs=1.5 * um_per_px)

    def test_the_whole_brain_is_in_view(self, browser: Any, brain: Any) -> None:
        view = look(browser, *brain)

        assert len(view.panels) == 4
        for panel, (right, down) in {0: (3000, 2000), 1: (3000, 400), 3: (400, 2000)}.items():
            for sign in (-1, 1):
                view.place(panel, sign * right / 2, sign * down / 2)
        assert 2000 / view.state["crossSectionScale"] / 10 > view.panels[0][3] / 2, "much too small"

    def test_the_page_asks_no_other_computer(self, browser: Any, brain: Any) -> None:
        look(browser, *brain)

        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        asked = [urlsplit(url) for url in urls if url.startswith(("http", "ws"))]
        assert len(asked) > 10
        assert {url.hostname for url in asked} == {"127.0.0.1"}
        assert len({url.port for url in asked}) == 1

    def test_one_channel_is_grey(self, browser: Any, brain: Any) -> None:
        folder, _ = brain
        view = look(browser, folder, state_of(ImageVolume("C2 GFP", "C2T", (20000, 60000)), voxel_size_um=VOXEL_UM))

        assert view.xy(240, 155) == pytest.approx((128, 128, 128), abs=1)
        assert view.xy(24, 24) == BLACK

    def test_a_stained_brain_has_its_own_colours(self, browser: Any, tmp_path: Path) -> None:
        sections = np.zeros((20, 200, 300, 3), "uint8")
        sections[:] = (230, 225, 240)
        sections[:, 20:80, 20:80] = (120, 60, 180)
        write(tmp_path / "C1T", sections, mips=1)

        state = state_of(ImageVolume("thionin", "C1T", rgb=True), voxel_size_um=VOXEL_UM)
        view = look(browser, tmp_path, state)

        assert view.xy(50, 50) == (120, 60, 180)
        assert view.xy(240, 155) == (230, 225, 240)
