"""What a slide scan costs on its way to TIFF and thumbnail, beside plain reading and writing: docs/reading.md.

    python benchmarks/reading_slides.py
    python benchmarks/reading_slides.py --side 4000 --rounds 3

For each packing of the CZI a scene of noisy tiles of 2,048 pixels that overlap by a tenth. Measured in turn, several
rounds over:

- read: our reader, strip by strip, into nothing
- pylibCZIrw: Zeiss' own library, the whole scene at once, into nothing
- write: the TIFF from pixels in memory, as it is packed by default
- tifs: what the stage Tifs does with a scene: read, TIFF, thumbnail, picture

Figures are core-seconds, those of child processes too, for a gigapixel of the scene; the median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pylibCZIrw import czi as pyczi

sys.path.insert(0, str(Path(__file__).parent))

from memory_of_tifs import DOCS, PIXEL_UM, slide_of, write_part

from brainstack.files.czi import read_slide, read_strips
from brainstack.files.tiff import write_tiff_in_strips
from brainstack.records import SlideScan
from brainstack.settings import load_settings
from tasks.tifs import Written, write_scene

MARK = "reading"
CASES = (("16 bit", "raw"), ("16 bit", "zstd1"), ("16 bit", "jpegxr"), ("colour", "zstd1"), ("colour", "jpegxr"))
TILE_PX = 2048
TIFS = load_settings().tifs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=8000, help="of the scene, pixels")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    lines = [
        f"A scene of {options.side:,} x {options.side:,} pixels, TIFFs packed with {TIFS.compression}, "
        "core-seconds for a gigapixel:",
        "",
        "| pixels, CZI packed as | read | pylibCZIrw | write | tifs | read / pylibCZIrw | tifs / (read + write) |",
        "|---|---|---|---|---|---|---|",
    ]
    print(*lines, sep="\n")
    for kind, packed in CASES:
        with tempfile.TemporaryDirectory() as root:
            slide = slide_of(Path(root), kind, packed, TILE_PX, options.side, options.side)
            read, theirs, write, tifs = (s / options.side**2 * 1e9 for s in compared(slide, options.rounds))
        lines.append(
            f"| {kind}, {packed} | {read:.1f} | {theirs:.1f} | {write:.1f} | {tifs:.1f} "
            f"| {read / theirs:.2f} | {tifs / (read + write):.2f} |"
        )
        print(lines[-1], flush=True)
    write_part(DOCS, MARK, lines)


def compared(slide: Path, rounds: int) -> list[float]:
    """Core-seconds of reading, of pylibCZIrw, of writing and of all that Tifs does; medians."""
    scan = read_slide(slide)
    pixels = np.concatenate(list(strips(slide, scan)))
    ways: list[Callable[[], None]] = [
        lambda: read_only(slide, scan),
        lambda: read_with_theirs(slide, pixels),
        lambda: write_only(slide.with_name("written.tif"), pixels),
        lambda: all_of_it(slide, scan),
    ]
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, found in zip(ways, seconds, strict=True):
            start = core_seconds()
            way()
            found.append(core_seconds() - start)
    return [statistics.median(found) for found in seconds]


def core_seconds() -> float:
    """Of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def strips(slide: Path, scan: SlideScan) -> Iterator[npt.NDArray[Any]]:
    return read_strips(slide, scan.scenes[0], 1, TIFS.tile_px)


def read_only(slide: Path, scan: SlideScan) -> None:
    for strip in strips(slide, scan):
        del strip


def read_with_theirs(slide: Path, pixels: npt.NDArray[Any]) -> None:
    with pyczi.open_czi(str(slide)) as file:
        found = file.read(plane={"C": 0, "Z": 0, "T": 0})
    theirs = found[..., ::-1] if pixels.ndim == 3 else found[..., 0]
    if not np.array_equal(theirs[::97], pixels[::97]):
        raise SystemExit(f"{slide}: pylibCZIrw reads other pixels")


def write_only(path: Path, pixels: npt.NDArray[Any]) -> None:
    pieces = (pixels[top : top + TIFS.tile_px] for top in range(0, len(pixels), TIFS.tile_px))
    write_tiff_in_strips(
        path, pieces, shape=pixels.shape, dtype=pixels.dtype, tile_px=TIFS.tile_px, pixel_size_um=PIXEL_UM,
        compression=TIFS.compression,
    )  # fmt: skip


def all_of_it(slide: Path, scan: SlideScan) -> None:
    written = Written(*(slide.with_name(name) for name in ("scan.tif", "thumbnail.tif", "picture.png")))
    um = PIXEL_UM * TIFS.thumbnail_factor
    write_scene(slide, scan, scan.scenes[0], written, channel=1, thumbnail_um=um, tifs=TIFS)


if __name__ == "__main__":
    main()
