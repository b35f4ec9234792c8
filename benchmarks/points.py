"""What a layer of many points costs to write, and to look at first: docs/points.md.

    python benchmarks/points.py
    python benchmarks/points.py --count 100000

A million annotations with three properties and a relationship, half of them in a twentieth of the brain, are written in
a process of their own: from arrays, which is what the index costs, and from their CSV, which is what the stage
PointVolume does. Then Chromium opens a page with nothing but the layer, in four panels of a laptop's window, and what
the server sent of the layer until all was drawn is added up. With PICTURES in the environment the page is kept there.

Beside it Neuroglancer's own writer in Python, which has one cell and a file for each annotation, on fewer.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from memory_of_tifs import write_part

from brainstack.browser import open_browser, picture_when_drawn
from brainstack.errors import BrainstackError
from brainstack.files.annotations import write_annotations
from brainstack.files.point_csv import read_points, write_points
from brainstack.files.served import byte_range
from brainstack.point_layer import Kind, PointLayer, Property, Relationship, same_size_starts
from brainstack.settings import load_settings
from brainstack.viewer import animal_state
from brainstack.viewer_server import Shown, ViewerServer

DOCS = Path(__file__).parents[1] / "docs" / "points.md"
MARK = "points"
SIZE_UM = (24200.0, 12800.0, 8800.0)
KINDS: dict[Kind, str] = {
    "point": "points",
    "line": "lines, 100 um",
    "axis_aligned_bounding_box": "boxes, 100 um",
    "ellipsoid": "ellipsoids, 50 um",
}
MOST = load_settings().points.most_in_cell


def made_up(kind: Kind, count: int) -> PointLayer:
    random = np.random.default_rng(1)
    places = random.uniform(0.05, 0.95, (count, 3)) * SIZE_UM
    places[: count // 2] = (0.3 + 0.37 * random.uniform(0, 1, (count // 2, 3))) * SIZE_UM  # a twentieth of the volume
    if kind != "point":
        second = np.full((count, 3), 50.0) if kind == "ellipsoid" else places + random.normal(0, 60, (count, 3))
        places = np.stack([places, second], axis=1).reshape(-1, 3)
    counts = random.integers(0, 3, count)
    properties = (
        Property("score", "float32", random.random(count).astype("f4")),
        Property("sort", "uint8", random.integers(0, 3, count), ("sure", "unsure", "none")),
        Property("colour", "rgb", random.integers(0, 256, (count, 3))),
    )
    related = Relationship("structure", counts, random.integers(1, 60, counts.sum()).astype(np.uint64))
    ids = np.arange(1, count + 1, dtype=np.uint64)
    return PointLayer(kind, places, same_size_starts(kind, count), ids, properties, (related,))


# Each in a process of its own, so that its memory is its own: prints a line of JSON


def write_from_arrays(kind: Kind, count: int, folder: Path) -> None:
    layer = made_up(kind, count)
    before_gb = peak_gb()
    started = now()
    write_annotations(folder / "layer", layer, name="made up", size_um=SIZE_UM, most_in_cell=MOST)
    tell(folder / "layer", started, before_gb)


def write_from_csv(kind: Kind, count: int, folder: Path) -> None:
    before_gb = peak_gb()
    started = now()
    layer = read_points(folder / "layer.csv")
    write_annotations(folder / "layer", layer, name="layer.csv", size_um=SIZE_UM, most_in_cell=MOST)
    tell(folder / "layer", started, before_gb)


def write_by_neuroglancer(kind: Kind, count: int, folder: Path) -> None:
    from neuroglancer import AnnotationPropertySpec, CoordinateSpace
    from neuroglancer.write_annotations import AnnotationWriter

    layer = made_up(kind, count)
    before_gb = peak_gb()
    started = now()
    specs = [AnnotationPropertySpec(id=one.name, type=one.type) for one in layer.properties]
    space = CoordinateSpace(names=["x", "y", "z"], units="um", scales=[1, 1, 1])
    writer = AnnotationWriter(space, kind, relationships=["structure"], properties=specs)
    edges = np.append(0, np.cumsum(layer.relationships[0].counts))
    for row in range(count):
        said = {one.name: one.values[row] for one in layer.properties}
        related = layer.relationships[0].ids[edges[row] : edges[row + 1]].tolist()
        writer.add_point(layer.first_um[row], id=row + 1, structure=related, **said)
    writer.write(folder / "layer")
    tell(folder / "layer", started, before_gb)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def now() -> tuple[float, float]:
    """Seconds on the wall, and of this process."""
    return time.perf_counter(), time.process_time()


def tell(path: Path, started: tuple[float, float], before_gb: float) -> None:
    seconds, core_seconds = (after - before for after, before in zip(now(), started, strict=True))
    files = [one for one in path.rglob("*") if one.is_file()]
    levels = len(json.loads((path / "info").read_text())["spatial"])
    found: dict[str, float] = {"seconds": seconds, "core_seconds": core_seconds}
    found |= {"peak_gb": peak_gb(), "before_gb": before_gb, "files": len(files), "levels": levels}
    print(json.dumps(found | {"mb": sum(one.stat().st_size for one in files) / 1e6}))


WAYS = {one.__name__: one for one in (write_from_arrays, write_from_csv, write_by_neuroglancer)}


def measured(way: str, kind: str, count: int, folder: Path) -> dict[str, Any]:
    words = [sys.executable, __file__, "--way", way, "--kind", kind, "--count", str(count), "--folder", str(folder)]
    answer = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(answer.splitlines()[-1]))


# The first view


class Counting(BaseHTTPRequestHandler):
    """Serves the layer, and counts what it sends: the client fetches in the background, where the browser's log of a
    page does not reach."""

    folder: Path
    sent: list[int]

    def do_GET(self) -> None:
        path = self.folder / self.path.lstrip("/")
        data = path.read_bytes() if path.is_file() else b""
        whole = len(data)
        wanted = byte_range(self.headers.get("Range", ""), whole)
        if wanted:
            data = data[wanted[0] : wanted[1]]
        self.send_response((206 if wanted else 200) if whole else 404)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Expose-Headers", "Content-Range")
        self.send_header("Content-Length", str(len(data)))
        if wanted:
            self.send_header("Content-Range", f"bytes {wanted[0]}-{wanted[1] - 1}/{whole}")
        self.end_headers()
        self.wfile.write(data)
        self.sent.append(len(data))

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def first_view(folder: Path) -> str:
    """kB and requests of the layer until the page is drawn."""
    sent: list[int] = []
    data = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Counting,), {"folder": folder, "sent": sent}))
    threading.Thread(target=data.serve_forever, daemon=True).start()
    source = f"precomputed://http://127.0.0.1:{data.server_address[1]}/layer"
    layer = {"type": "annotation", "name": "layer", "source": source}
    size_xyz = (int(SIZE_UM[0] / 10), int(SIZE_UM[1] / 10), int(SIZE_UM[2] / 20))
    state = animal_state([], size_xyz=size_xyz, voxel_size_um=(10.0, 10.0, 20.0), more_layers=[layer])
    with open_browser((1280, 800)) as browser, ViewerServer({"DK39": Shown(folder, lambda: state)}) as server:
        browser.get(server.url)
        picture = picture_when_drawn(browser, within_s=120)
    data.shutdown()
    data.server_close()
    if keep := os.environ.get("PICTURES"):
        (Path(keep) / f"points_{len(list(Path(keep).iterdir()))}.png").write_bytes(picture)
    return f"{sum(sent) / 1000:,.0f} kB, {len(sent)} requests"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=20_000, help="for Neuroglancer's own writer")
    for name in ("way", "kind", "folder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](options.kind, options.count, Path(options.folder))
        return
    lines = [
        "| what | count | written from | seconds | core-seconds | peak memory | of it writing | files | MB | levels "
        "| first view |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    print(*lines, sep="\n")
    runs = [(kind, options.count, "write_from_arrays", "arrays") for kind in KINDS]
    runs[1:1] = [("point", options.count, "write_from_csv", "CSV")]
    runs += [("point", options.few, "write_from_arrays", "arrays")]
    runs += [("point", options.few, "write_by_neuroglancer", "arrays, by Neuroglancer's writer")]
    for kind, count, way, words in runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if way == "write_from_csv":
                write_points(folder / "layer.csv", made_up(kind, count))
            found = measured(way, kind, count, folder)
            try:
                seen = first_view(folder)
            except BrainstackError as error:
                seen = f"no picture: {error}"
        own_gb = found["peak_gb"] - found["before_gb"]
        lines.append(
            f"| {KINDS[kind]} | {count:,} | {words} | {found['seconds']:.1f} | {found['core_seconds']:.1f} "
            f"| {found['peak_gb']:.2f} GB"
            f" | {own_gb:.2f} GB | {found['files']:,} | {found['mb']:.0f} | {found['levels']} | {seen} |"
        )
        print(lines[-1], flush=True)
    if options.count == parser.get_default("count"):
        write_part(DOCS, MARK, lines)


if __name__ == "__main__":
    main()
