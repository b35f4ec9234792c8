"""The memory that a scene of real size takes from CZI to TIFF and thumbnail; written to docs/reading.md.

    python benchmarks/memory_of_tifs.py                       # needs some 15 GB in the folder for temporary files
    python benchmarks/memory_of_tifs.py --rows 5000 --only "16 bit, zstd1, 2048"

One scene of 74,500 x 39,500 pixels, in tiles that overlap by a tenth, is written as a CZI: a few noisy tiles over
and over. Then a process of its own does what the stage Tifs does with it. Peak memory: what the process had resident at
most, and what its decoder of JPEG-XR, a process too, had at most; both as the operating system counted them.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brainstack.demo.czi_writer import ChannelSettings, Tile, _encoded, metadata_xml, write_czi

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs" / "reading.md"
MARK = "memory"
PIXEL_UM = 0.325
WIDTH, HEIGHT = 74_500, 39_500
FEWER_ROWS = 5_000
"""Memory does not grow with the rows of a scene, as the full ones show: they are spared in the other cases."""

CASES = {
    f"{kind}, {packed}, {side}": rows
    for kind, packed, side, rows in [
        ("16 bit", "zstd1", 2048, HEIGHT),
        ("16 bit", "jpegxr", 2048, HEIGHT),
        ("16 bit", "raw", 2048, FEWER_ROWS),
        ("colour", "zstd1", 2048, FEWER_ROWS),
        ("colour", "jpegxr", 2048, FEWER_ROWS),
        ("16 bit", "zstd1", 4096, FEWER_ROWS),
        ("16 bit", "jpegxr", 4096, FEWER_ROWS),
        ("colour", "jpegxr", 4096, FEWER_ROWS),
    ]
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=CASES, help="may be given several times; writes no docs")
    parser.add_argument("--rows", type=int, help="of each scene")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(dataclasses.asdict(tifs_of(options.child))))
        return
    lines = ["| pixels | tiles | rows of the scene | resident at most, MB | its decoder, MB | together, MB |"]
    lines.append("|---|---|---|---|---|---|")
    print(*lines, sep="\n")
    for case in options.only or CASES:
        rows = options.rows or CASES[case]
        used = measured(case, rows)
        kind, packed, side = case.rsplit(", ", 2)
        figures = (used.own_mb, used.decoder_mb, used.own_mb + used.decoder_mb)
        lines.append(f"| {kind} | {packed}, {side} px | {rows:,} | " + " | ".join(f"{mb:.0f}" for mb in figures) + " |")
        print(lines[-1], flush=True)
    if not options.only:
        write_part(DOCS, MARK, lines)


@dataclasses.dataclass(frozen=True)
class Used:
    """Megabytes (10^6 bytes) resident at most."""

    own_mb: float
    decoder_mb: float


def measured(case: str, rows: int) -> Used:
    kind, packed, side = case.rsplit(", ", 2)
    with tempfile.TemporaryDirectory() as root:
        slide_of(Path(root), kind, packed, int(side), WIDTH, rows)
        command = [sys.executable, __file__, "--child", root]
        done = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE)
    return Used(**json.loads(done.stdout))


def tifs_of(folder: Path) -> Used:
    """What the stage Tifs does with a scene; in a process that did nothing else."""
    from brainstack.files.czi import read_slide
    from brainstack.settings import load_settings
    from tasks.tifs import Written, write_scene

    tifs = load_settings().tifs
    scan = read_slide(folder / "slide001.czi")
    written = Written(*(folder / name for name in ("scan.tif", "thumbnail.tif", "picture.png")))
    um = PIXEL_UM * tifs.thumbnail_factor
    decoder = threading.Thread(target=watch_children, daemon=True)
    decoder.start()
    write_scene(folder / scan.file_name, scan, scan.scenes[0], written, channel=1, thumbnail_um=um, tifs=tifs)
    return Used(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, max(children_mb, default=0.0))


children_mb: list[float] = []


def watch_children() -> None:
    """Write down, ten times a second, what the children of this process had resident at most.

    Not RUSAGE_CHILDREN: it counts what this process had when it started them.
    """
    while True:
        for number in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            with contextlib.suppress(OSError, IndexError):
                # Before it is started, a child is a copy of this process.
                if b"brainstack.files.jpegxr" in Path(f"/proc/{number}/cmdline").read_bytes():
                    status = Path(f"/proc/{number}/status").read_text()
                    children_mb.append(int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6)
        time.sleep(0.1)


def slide_of(folder: Path, kind: str, packed: str, tile_px: int, width: int, height: int) -> Path:
    """Write a slide of one scene and one channel."""
    path = folder / "slide001.czi"
    about = metadata_xml(
        channels=[ChannelSettings("DAPI" if kind == "16 bit" else "TL Brightfield")],
        pixel_size_um=(PIXEL_UM, PIXEL_UM),
        pixel_type={"16 bit": "Gray16", "colour": "Bgr24"}[kind],
    )
    write_czi(path, tiles(noisy_tiles(kind, tile_px), packed, width, height), metadata=about)
    return path


def noisy_tiles(kind: str, side: int) -> list[npt.NDArray[Any]]:
    """Tiles of tissue as cameras see it: slow changes, and noise of a twentieth."""
    random = np.random.default_rng(1)
    slope = np.linspace(0.6, 1.4, side, dtype=np.float32)[:, None]
    shape = (side, side, 3) if kind == "colour" else (side, side)
    light, noise, dtype = (180, 5, np.uint8) if kind == "colour" else (1500, 60, np.uint16)
    brightness = light * (slope[..., None] if kind == "colour" else slope)
    return [
        np.clip(brightness + noise * random.standard_normal(shape, np.float32), 0, np.iinfo(dtype).max).astype(dtype)
        for _ in range(3)
    ]


def tiles(pictures: list[npt.NDArray[Any]], packed: str, width: int, height: int) -> Iterator[Tile]:
    """The pictures in turn, a tenth over each other; cut at the right and lower edge."""
    side = len(pictures[0])
    # Packed once: the writer would pack each anew.
    encoded = [_encoded(Tile(picture, 0, 0, compression=packed)) for picture in pictures]
    count = 0
    for y in range(0, height - side // 10, side - side // 10):
        for x in range(0, width - side // 10, side - side // 10):
            picture, ready = pictures[count % len(pictures)], encoded[count % len(pictures)]
            count += 1
            cut = picture[: height - y, : width - x]
            whole = cut.shape == picture.shape
            yield Tile(cut, x, y, compression=packed, encoded=ready if whole else None)


def write_part(page: Path, mark: str, lines: list[str]) -> None:
    """Put lines between the marks of a page; the rest of it is written by hand."""
    text, begin, end = page.read_text(), f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, rest = text.split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    main()
