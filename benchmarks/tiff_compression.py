"""How each packing of the TIFFs does: size, and seconds to write and to read; written to docs/tiffs.md.

    python benchmarks/tiff_compression.py                            # scenes of the made-up animal
    python benchmarks/tiff_compression.py some_slide.czi other.czi   # and the first scenes of these

Each way writes and reads the same pixels in turn, several rounds over; seconds are the processor's, of one core, the
median of the rounds. Size: of the file, beside the pixels as they are in memory.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from brainstack.demo import make_animal
from brainstack.files.czi import read_slide, read_strips
from brainstack.files.tiff import COMPRESSIONS

DOCS = Path(__file__).parents[1] / "docs" / "tiffs.md"
MARK = "compression"

ZLIB, ZSTD = {"compression": "zlib"}, {"compression": "zstd"}
LEVEL_1, PREDICTOR = {"compressionargs": {"level": 1}}, {"predictor": True}

WAYS: dict[str, dict[str, Any]] = {
    "none": COMPRESSIONS["none"],
    "lzw": COMPRESSIONS["lzw"],
    "lzw without predictor": {"compression": "lzw"},
    "zlib": COMPRESSIONS["zlib"],
    "zlib without predictor": ZLIB | LEVEL_1,
    "zlib of level 6": ZLIB | {"compressionargs": {"level": 6}} | PREDICTOR,
    "zstd": COMPRESSIONS["zstd"],
    "zstd without predictor": ZSTD | LEVEL_1,
    "zstd of level 9": ZSTD | {"compressionargs": {"level": 9}} | PREDICTOR,
}
"""Those of one word are the values of [tifs] compression."""

TILES_PX = (256, 512, 1024)
TILE_PX = 512


@dataclass(frozen=True)
class Figures:
    """size : share of the bytes in memory. write_s, read_s : processor seconds for a gigapixel."""

    size: float
    write_s: float
    read_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slides", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        images = made_up(Path(root)) | {path.stem: mosaic(path) for path in options.slides}
        by_way = {name: compared(image, WAYS, {}, options.rounds, Path(root)) for name, image in images.items()}
        sizes = {f"{way}, tiles of {side}": COMPRESSIONS[way] | {"tile": (side, side)}
                 for way in ("zlib", "zstd") for side in TILES_PX}  # fmt: skip
        first = next(iter(images))
        by_tile = compared(images[first], sizes, {}, options.rounds, Path(root))
    lines = [line for name, found in by_way.items() for line in (*table(name, images[name], found), "")]
    lines += table(first, images[first], by_tile)
    print(*lines, sep="\n")
    write_part(DOCS, MARK, lines)


def made_up(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """A scene of the made-up animal as fluorescence of 16 bits, and one as a colour scan."""
    images = {}
    for stain, name in (("fluorescence", "made-up fluorescence, 16 bits"), ("nissl", "made-up Nissl stain, colour")):
        make_animal(folder / stain, sections=1, stain=stain)
        images[name] = mosaic(next((folder / stain).rglob("*.czi")))
    return images


def mosaic(path: Path) -> npt.NDArray[Any]:
    """The scenes of a slide beside each other, as high as the lowest; its first channel. Small ones are repeated."""
    scan = read_slide(path)
    scenes = [next(read_strips(path, scene, 1, scene.height)) for scene in scan.scenes]
    rows = min(map(len, scenes))
    image = np.concatenate([scene[:rows] for scene in scenes], axis=1)
    return np.concatenate([image] * -(-2000 // rows)) if rows < 1000 else image


def compared(
    image: npt.NDArray[Any], ways: dict[str, dict[str, Any]], shared: dict[str, Any], rounds: int, folder: Path
) -> dict[str, Figures]:
    """Each way in turn, round after round."""
    seconds: dict[str, tuple[list[float], list[float]]] = {way: ([], []) for way in ways}
    sizes: dict[str, float] = {}
    gigapixels = image.shape[0] * image.shape[1] / 1e9
    for _ in range(rounds):
        for way, how in ways.items():
            path = folder / "one.tif"
            seconds[way][0].append(timed(write, path, image, how) / gigapixels)
            seconds[way][1].append(timed(read, path, image) / gigapixels)
            sizes[way] = path.stat().st_size / image.nbytes
    return {
        way: Figures(sizes[way], statistics.median(writes), statistics.median(reads))
        for way, (writes, reads) in seconds.items()
    }


def timed(what: Callable[..., None], *arguments: Any) -> float:
    start = time.process_time()
    what(*arguments)
    return time.process_time() - start


def write(path: Path, image: npt.NDArray[Any], how: dict[str, Any]) -> None:
    colour = "rgb" if image.ndim == 3 else "minisblack"
    tile = {"tile": (TILE_PX, TILE_PX)}
    tifffile.imwrite(path, image, bigtiff=True, photometric=colour, maxworkers=1, **(tile | how))


def read(path: Path, image: npt.NDArray[Any]) -> None:
    with tifffile.TiffFile(path) as file:
        found = file.asarray(maxworkers=1)
    if found[-1, -1].tolist() != image[-1, -1].tolist():
        raise SystemExit(f"{path} came back changed")


def table(name: str, image: npt.NDArray[Any], found: dict[str, Figures]) -> list[str]:
    """Ratios stand beside zlib, which all programs read."""
    beside = found.get("zlib") or found[f"zlib, tiles of {TILE_PX}"]
    shape = f"{image.shape[1]:,} x {image.shape[0]:,} pixels"
    lines = [f"| {name}, {shape} | size | write, s per gigapixel | beside zlib | read, s per gigapixel | beside zlib |"]
    lines.append("|---|---|---|---|---|---|")
    for way, figures in found.items():
        lines.append(
            f"| {way} | {figures.size:.2f} | {figures.write_s:.1f} | {figures.write_s / beside.write_s:.2f} "
            f"| {figures.read_s:.1f} | {figures.read_s / beside.read_s:.2f} |"
        )
    return lines


def write_part(page: Path, mark: str, lines: list[str]) -> None:
    """Put lines between the marks of a page; the rest of it is written by hand."""
    text, begin, end = page.read_text(), f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, rest = text.split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
