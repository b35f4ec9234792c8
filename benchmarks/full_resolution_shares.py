"""Where the time of one process goes, and how long the same data take in the libraries' own functions alone.

The product's functions are replaced, in this process only, by ones that count the processor's seconds around them.
After every n-th call the bare function of a library is given the same data and counted too, at once, so that both meet
the same machine, whatever else it does; that time is left out of all others.
"""

from __future__ import annotations

import functools
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import full_resolution_ways as ways
import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from full_resolution_scans import GAIN

from brainstack.files import chunks, volume_blocks
from brainstack.files.tiles import TiledTiff
from brainstack.images import rendering
from brainstack.images.cells import CELL_PX

COPY_BYTES = 1 << 22
HALVED_ROWS = 128
"""Of a plane that are halved in cache, for the limit."""

STEPS = {
    "decode": "read and decode tiles",
    "finish": "mask, borders of the scan",
    "warp": "warp",
    "gain": "gain",
    "halve": "halve",
    "cut": "cut into chunks",
    "gzip": "gzip",
    "write": "write part files",
    "join": "copy (join to shards)",
    "pyramid": "levels beyond blocks",
}
LIMITS = {
    "decode": "imagecodecs.zstd_decode and delta_decode of the same tiles",
    "warp": "cv2.warpAffine of the same cells, in cache",
    "gain": "cv2.multiply of the same cells, in cache",
    "halve": "cv2.resize, INTER_AREA of uint16 (rounds halves up), in cache",
    "gzip": "imagecodecs.gzip_encode, level 1, of the same chunks",
    "write": "write of the same bytes to another file",
    "join": "os.copy_file_range of the same bytes",
}

Bare = Callable[..., tuple[Callable[[], Any], float]]
"""Of the arguments of a function: what does the same and nothing else, and how often that is in it."""


class Clock:
    """seconds, bare_seconds : by step, those of steps inside of others only once. bare_s : all that the bare functions
    took, with what is made ready for them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.bare_s = 0.0
        self._calls: Counter[str] = Counter()
        self._sampled: dict[str, list[float]] = {}
        self._inside = [0.0]

    def around(self, step: str, owner: Any, name: str, bare: Bare | None = None, every: int = 1) -> None:
        """Replace a function by one that counts."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def counting(*arguments: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                spent = time.process_time() - start
                own = spent - self._inside.pop()
                self.seconds[step] = self.seconds.get(step, 0.0) + own
                self._inside[-1] += spent
                self._calls[step] += 1
                if bare is not None and self._calls[step] % every == 0:
                    self._inside[-1] += self._sample(step, own, bare, arguments)

        setattr(owner, name, counting)

    def _sample(self, step: str, own: float, bare: Bare, arguments: tuple[Any, ...]) -> float:
        start = time.process_time()
        function, times = bare(*arguments)
        found = self._sampled.setdefault(step, [0.0, 0.0])
        found[0] += own
        found[1] += ways.timed(function) * times
        spent = time.process_time() - start
        self.bare_s += spent
        return spent

    def ratios(self) -> dict[str, float]:
        """Of steps, how much longer they took than the bare functions in the calls where both were counted."""
        return {step: own / bare for step, (own, bare) in self._sampled.items()}


def shares(bench: ways.Bench) -> dict[str, Any]:
    """{"core_s": of all but the bare functions, "steps": {step: seconds}, "ratios": {step: beside its limit}}."""
    clock, tiles = Clock(), _Tiles()
    multiply, warp = cv2.multiply, cv2.warpAffine
    out = np.empty((CELL_PX, CELL_PX), np.uint16)

    def warped(scan: npt.NDArray[Any], matrix: npt.NDArray[Any], size: tuple[int, int]) -> tuple[Any, float]:
        near = scan.copy()
        again = functools.partial(warp, near, matrix, size, dst=out, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        again()
        return again, 1.0

    def gained(cell: npt.NDArray[Any], gain: float) -> tuple[Any, float]:
        near = cell.copy()
        return lambda: multiply(near, GAIN, dst=out), 1.0

    def halved(plane: npt.NDArray[Any], smaller: npt.NDArray[Any]) -> tuple[Any, float]:
        near = plane[:HALVED_ROWS].copy()
        size = smaller.shape[1], -(-len(near) // 2)
        again = functools.partial(cv2.resize, near, size, interpolation=cv2.INTER_AREA)
        again()
        return again, plane.size / near.size

    def joined(path: Path, layout: Any, group: int, parts: list[Path], wanted: Any) -> tuple[Any, float]:
        (bench.folder / "copy").unlink(missing_ok=True)
        return lambda: _copy(parts, bench.folder / "copy"), 1.0

    with (bench.folder / "written").open("wb", buffering=0) as file:
        clock.around("decode", TiledTiff, "read_tile", lambda tiff, *place: (tiles.bare(tiff.path, *place), 1.0), 16)
        clock.around("finish", rendering, "_finish")
        clock.around("warp", cv2, "warpAffine", warped, 16)
        clock.around("gain", cv2, "multiply", gained, 16)
        clock.around("halve", volume_blocks, "halve_plane", halved, 16)
        clock.around("cut", volume_blocks.BlockWriter, "_contiguous")
        gzip = functools.partial(imagecodecs.gzip_encode, level=1)
        clock.around("gzip", chunks, "compress", lambda chunk: (lambda: gzip(chunk), 1.0), 8)
        clock.around("write", chunks.PartFile, "_write", lambda sink, data: (lambda: file.write(data), 1.0), 8)
        clock.around("join", ways, "join_group", joined)
        clock.around("pyramid", ways, "finish_pyramid")
        found = ways.ours(bench, sharded=True)
    return {"core_s": found["core_s"] - clock.bare_s, "steps": clock.seconds, "ratios": clock.ratios()}


class _Tiles:
    """Tiles as they are in their files; the files stay open until the process ends."""

    def __init__(self) -> None:
        self._files: dict[Path, tifffile.TiffFile] = {}

    def bare(self, path: Path, row: int, column: int) -> Callable[[], Any]:
        """What reads and decodes a tile."""
        if path not in self._files:
            self._files[path] = tifffile.TiffFile(path)
        descriptor, page = self._files[path].filehandle.fileno(), self._files[path].pages.first
        number = row * -(-page.imagewidth // page.tilewidth) + column
        size, offset, shape = page.databytecounts[number], page.dataoffsets[number], (page.tilelength, page.tilewidth)

        def decode() -> None:
            data = imagecodecs.zstd_decode(os.pread(descriptor, size, offset))
            imagecodecs.delta_decode(np.frombuffer(data, np.uint16).reshape(shape), axis=1)

        return decode


def _copy(sources: list[Path], target: Path) -> None:
    """One behind the other."""
    end = 0
    with target.open("wb") as out:
        for source in sources:
            with source.open("rb") as file:
                for at in itertools.count(0, COPY_BYTES):
                    moved = os.copy_file_range(file.fileno(), out.fileno(), COPY_BYTES, at, end)
                    end += moved
                    if moved < COPY_BYTES:
                        break


def table(found: dict[str, Any], gigapixels: float) -> list[str]:
    """Of what `shares` found, as lines of Markdown."""
    total, steps, ratios = found["core_s"], found["steps"], found["ratios"]
    lines = ["| step | core-s per gigapixel | share | limit, core-s per gigapixel | beside its limit | the limit is |"]
    lines.append("|---|---|---|---|---|---|")
    for step, name in (*STEPS.items(), ("rest", "all else")):
        seconds = steps.get(step, 0.0) if step != "rest" else total - sum(steps.values())
        line = f"| {name} | {seconds / gigapixels:.2f} | {seconds / total:.0%} |"
        if step in ratios:
            line += f" {seconds / ratios[step] / gigapixels:.2f} | {ratios[step]:.2f} | {LIMITS[step]} |"
        else:
            line += " | | |"
        lines.append(line)
    lines.append(f"| in all | {total / gigapixels:.2f} | 100% | | | |")
    return lines
