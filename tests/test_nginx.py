"""The lines of docs/viewer.md on a real nginx: it gives out the data, and brainstack behind it client and states."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import BLUE, view_at
from test_viewer_server import Answer, ask
from volumes import write_volume

from brainstack.viewer import ImageVolume, animal_state
from brainstack.viewer_server import Shown, ViewerServer

LINES = Path(__file__).parent.parent / "docs" / "viewer.md"
DATA = "/data/DK39/neuroglancer_data"
VOXEL_UM = (10.0, 10.0, 20.0)


@dataclass(frozen=True)
class Front:
    """An nginx with brainstack behind it. port : of nginx. folder : the data root. log : of what nginx was asked, and
    by whom it was answered."""

    port: int
    folder: Path
    log: Path

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return ask(self.port, path, method, **headers)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no nginx: apt-get install nginx")
    root = tmp_path_factory.mktemp("brains")
    data = root / "DK39" / "neuroglancer_data"
    sections = np.zeros((4, 64, 96), "uint16")
    sections[:, 20:44, 30:66] = 60000
    write_volume(data / "C1T", sections, voxel_size_um=VOXEL_UM, chunk_size=(32, 32, 4))
    second = np.zeros_like(sections)
    second[:, 4:10, 4:90] = 60000
    write_volume(data / "C2T", second, voxel_size_um=VOXEL_UM, chunk_size=(32, 32, 4))
    for chunk in (data / "C2T" / "10000_10000_20000").iterdir():  # as cloud-volume leaves them
        chunk.with_name(f"{chunk.name}.gz").write_bytes(gzip.compress(chunk.read_bytes()))
        chunk.unlink()
    (data / "chunk").write_bytes(bytes(range(100)))
    (root / "DK39" / "secret").write_text("not for others")
    (data / "way_out").symlink_to(root / "DK39" / "secret")
    volumes = [ImageVolume("C1 DAPI", "C1T", (0, 60000)), ImageVolume("C2 GFP", "C2T", (0, 60000))]
    state = animal_state(volumes, size_xyz=(96, 64, 4), voxel_size_um=VOXEL_UM, title="DK39")

    port, own = free_port(), tmp_path_factory.mktemp("nginx")
    with ViewerServer({"DK39": Shown(data, lambda: state)}, public_url=f"http://127.0.0.1:{port}") as server:
        (own / "nginx.conf").write_text(configuration(own, root, port, server.url.rstrip("/")))
        process = subprocess.Popen(
            [nginx, "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")], stderr=subprocess.PIPE, text=True
        )
        try:
            wait_for(port, process)
            yield Front(port, root, own / "access.log")
        finally:
            process.terminate()
            process.communicate(timeout=20)


def configuration(own: Path, root: Path, port: int, behind: str) -> str:
    """The lines of the page, with the folders, port and user of a test around them."""
    found = re.search(r"```nginx\n(.*?)```", LINES.read_text(), re.DOTALL)
    assert found
    lines = found[1].replace("/srv/brains", str(root)).replace("http://127.0.0.1:8090", behind)
    lines = lines.replace("listen 80;", f"listen 127.0.0.1:{port};")
    user = "user root;" if os.getuid() == 0 else ""
    temporary = "\n".join(
        f"{name}_temp_path {own / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
        {user} daemon off; worker_processes 1; pid {own / "pid"};
        events {{ worker_connections 128; }}
        http {{
            log_format whose '$status $request_uri $upstream_addr';
            access_log {own / "access.log"} whose;
            {temporary}
            {lines}
        }}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")


def test_nginx_gives_out_the_data_as_brainstack_does(front: Front) -> None:
    whole = front.ask(f"{DATA}/chunk")
    assert (whole.status, whole.body) == (200, bytes(range(100)))
    assert whole.headers["Access-Control-Allow-Origin"] == "*"
    assert whole.headers["Cache-Control"] == "no-cache"
    assert front.ask(f"{DATA}/chunk", If_None_Match=whole.headers["ETag"]).status == 304

    part = front.ask(f"{DATA}/chunk", Range="bytes=10-19")
    assert (part.status, part.headers["Content-Range"], part.body) == (206, "bytes 10-19/100", bytes(range(10, 20)))
    assert front.ask(f"{DATA}/chunk", Range="bytes=500-").status == 416
    assert front.ask(f"{DATA}/chunk", "HEAD").headers["Content-Length"] == "100"
    asked_first = front.ask(f"{DATA}/chunk", "OPTIONS")
    assert (asked_first.status, asked_first.headers["Access-Control-Allow-Headers"]) == (204, "Range, Content-Type")
    assert all(line.endswith(" -") for line in front.log.read_text().splitlines() if "/chunk" in line), "by itself"


def test_a_packed_chunk_comes_under_its_plain_name(front: Front) -> None:
    answer = front.ask(f"{DATA}/C2T/10000_10000_20000/0-32_0-32_0-4")

    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert len(gzip.decompress(answer.body)) == 32 * 32 * 4 * 2


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        f"{DATA}/../secret",
        f"{DATA}/%2e%2e/secret",
        f"{DATA}/C1T/..%2f..%2fsecret",
        f"{DATA}/way_out",
        "/data/DK39/secret",
        "/data/../DK39/secret",
        f"{DATA}/nothing",
        f"{DATA}/C1T/x%00y",
    ],
)
def test_nothing_else_is_given_out(front: Front, path: str) -> None:
    answer = front.ask(path)

    assert answer.status in (400, 403, 404)
    assert b"not for others" not in answer.body


def test_links_and_states_have_the_name_that_others_know(front: Front) -> None:
    base = f"http://127.0.0.1:{front.port}"
    assert front.ask("/DK39").headers["Location"] == f"{base}/v/brainstack/#!{base}/DK39/state.json"
    assert f"precomputed://{base}{DATA}/C1T".encode() in front.ask("/DK39/state.json").body


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_the_page_is_seen_through_nginx(front: Front, browser: Any) -> None:
    view = view_at(browser, f"http://127.0.0.1:{front.port}/DK39")
    browser.get("about:blank")

    assert view.xy(36, 25) == BLUE
    assert view.xy(48, 6) == (255, 0, 0), "from packed chunks"
    lines = [line.split() for line in front.log.read_text().splitlines()]
    by_nginx = {uri for status, uri, whose in lines if whose == "-" and status == "200"}
    by_brainstack = {uri for _, uri, whose in lines if whose != "-"}
    assert any(uri.startswith(f"{DATA}/C1T/10000") for uri in by_nginx)
    assert any(uri.endswith(".js") for uri in by_brainstack)
    assert [uri for uri in by_brainstack if uri.startswith(DATA)] == []
