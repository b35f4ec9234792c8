"""Where the time of one process goes, and how long the same data take in the libraries' own functions and nothing else.

The product's functions are replaced, in this process only, by ones that count the processor's seconds around them. Of
what they were called with, samples are kept; afterwards these go through the bare functions, and the time is scaled to
all of it.
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
from isal import isal_zlib

from brainstack.files import chunks, volume_blocks
from brainstack.files.tiles import TiledTiff
from brainstack.images import rendering
from brainstack.images.cells import CELL_PX

KEPT = 64
"""Samples of each step."""

COPY_BYTES = 1 << 22

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
    "warp": "cv2.warpAffine of as many cells in cache",
    "gain": "cv2.multiply of as many cells in cache",
    "halve": "cv2.resize, INTER_AREA of uint16 (rounds halves up), in cache",
    "gzip": "isal_zlib.compress, level 1, of the same chunks",
    "write": "os.write of the same bytes",
    "join": "os.copy_file_range of the same bytes",
}


Sample = Callable[..., tuple[int, Callable[[], Any]]]


class Clock:
    """Seconds by step, those of steps inside of others only once; and samples of what was done."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.amounts: Counter[str] = Counter()
        self.samples: dict[str, list[Any]] = {}
        self._inside = [0.0]

    def around(self, step: str, owner: Any, name: str, sample: Sample | None = None) -> None:
        """Replace a function by one that counts. sample : of its arguments, how much it is, and what makes a copy."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def counting(*arguments: Any, **named: Any) -> Any:
            if sample is not None:
                amount, copy = sample(*arguments)
                self._keep(step, amount, copy)
            self._inside.append(0.0)
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                spent = time.process_time() - start
                self.seconds[step] += spent - self._inside.pop()
                self._inside[-1] += spent

        setattr(owner, name, counting)

    def sampled(self, step: str, owner: Any, name: str, sample: Sample) -> None:
        """Replace a function by one that keeps samples only; its time is its caller's."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def keeping(*arguments: Any, **named: Any) -> Any:
            self._keep(step, *sample(*arguments))
            return function(*arguments, **named)

        setattr(owner, name, keeping)

    def _keep(self, step: str, amount: int, copy: Callable[[], Any]) -> None:
        """Every n-th: n is doubled, and half of what is kept is left, whenever it is too much."""
        self.amounts[step] += amount
        self.amounts[f"{step} calls"] += 1
        kept = self.samples.setdefault(step, [])
        every = self.amounts[f"{step} every"] or 1
        if self.amounts[f"{step} calls"] % every == 0:
            kept.append((amount, copy()))
        if len(kept) > KEPT:
            del kept[::2]
            self.amounts[f"{step} every"] = every * 2

    def limit(self, step: str, bare: Callable[[Any], Any], repeats: int = 1) -> float:
        """Seconds of all, by those of the samples."""
        samples = self.samples[step]
        spent = 0.0
        for _, one in samples:
            bare(one)  # into the cache
            spent += ways.timed(lambda one=one: [bare(one) for _ in range(repeats)])
        return spent / repeats * self.amounts[step] / sum(amount for amount, _ in samples)


def shares(bench: ways.Bench) -> dict[str, Any]:
    """{"found": as `ours` gives it, "steps": {step: seconds}, "limits": {step: seconds}}."""
    clock = Clock()
    clock.around("decode", TiledTiff, "read_tile", lambda tiles, row, column: (1, lambda: (tiles.path, row, column)))
    clock.around("finish", rendering, "_finish")
    clock.around("warp", rendering, "fill_cell")
    clock.sampled("warp", cv2, "warpAffine", lambda scan, matrix, size: (1, lambda: (scan.copy(), matrix.copy())))
    clock.around("gain", cv2, "multiply", lambda cell, gain: (1, lambda: cell.copy()))
    clock.around("halve", volume_blocks, "halve_plane", lambda plane, out: (plane.size, lambda: plane[:128].copy()))
    clock.around("cut", volume_blocks.BlockWriter, "_contiguous")
    clock.around("gzip", chunks, "compress", lambda chunk: (chunk.nbytes, lambda: bytes(chunk)))
    clock.around("write", chunks.PartFile, "_write", lambda sink, data: (len(data), lambda: bytes(data)))
    clock.around("join", ways, "join_group")
    clock.around("pyramid", ways, "finish_pyramid")
    multiply, warp = cv2.multiply.__wrapped__, cv2.warpAffine.__wrapped__
    out = np.empty((CELL_PX, CELL_PX), np.uint16)
    linearly = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = ways.ours(bench, sharded=True)
    with (bench.folder / "written").open("wb", buffering=0) as file:
        limits = {
            "decode": clock.limit("decode", _Tiles().decode),
            "warp": clock.limit("warp", lambda one: warp(*one, out.shape, dst=out, flags=linearly), 8),
            "gain": clock.limit("gain", lambda cell: multiply(cell, GAIN, dst=out), 8),
            "halve": _halving(clock),
            "gzip": clock.limit("gzip", lambda chunk: isal_zlib.compress(chunk, 1, wbits=31)),
            "write": clock.limit("write", file.write),
            "join": ways.timed(lambda: [_copy(part, bench.folder / "copy") for part in bench.parts.iterdir()]),
        }
    return {"found": found, "steps": dict(clock.seconds), "limits": limits}


class _Tiles:
    """Tiles as they are in their files; the files stay open."""

    def __init__(self) -> None:
        self._pages: dict[Path, tuple[Any, Any]] = {}

    def decode(self, tile: tuple[Path, int, int]) -> npt.NDArray[np.uint16]:
        path, row, column = tile
        if path not in self._pages:
            file = tifffile.TiffFile(path)
            self._pages[path] = file.filehandle.fileno(), file.pages.first
            _keep_open.append(file)
        descriptor, page = self._pages[path]
        number = row * -(-page.imagewidth // page.tilewidth) + column
        data = os.pread(descriptor, page.databytecounts[number], page.dataoffsets[number])
        pixels = np.frombuffer(imagecodecs.zstd_decode(data), np.uint16).reshape(page.tilelength, page.tilewidth)
        decoded: npt.NDArray[np.uint16] = imagecodecs.delta_decode(pixels, axis=1)
        return decoded


_keep_open: list[tifffile.TiffFile] = []


def _halving(clock: Clock) -> float:
    """The samples are the first rows of planes, the amount is of whole ones."""
    pixels = sum(strip.size for _, strip in clock.samples["halve"])
    amount = sum(size for size, _ in clock.samples["halve"])
    seconds = clock.limit(
        "halve",
        lambda strip: cv2.resize(strip, (strip.shape[1] // 2, strip.shape[0] // 2), interpolation=cv2.INTER_AREA),
        8,
    )
    return seconds * amount / pixels


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as one, target.open("wb") as other:
        for at in itertools.count(0, COPY_BYTES):
            if not os.copy_file_range(one.fileno(), other.fileno(), COPY_BYTES, at, at):
                return


def table(found: dict[str, Any], gigapixels: float) -> list[str]:
    """Of what `shares` found, as lines of Markdown."""
    total, steps, limits = found["found"]["core_s"], found["steps"], found["limits"]
    lines = [
        "| step | core-s per gigapixel | share | its limit, core-s per gigapixel | beside its limit | the limit is |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for step, name in (*STEPS.items(), ("rest", "all else")):
        seconds = steps.get(step, 0.0) if step != "rest" else total - sum(steps.values())
        line = f"| {name} | {seconds / gigapixels:.2f} | {seconds / total:.0%} |"
        if step in limits:
            ratio = f"{seconds / limits[step]:.2f}" if limits[step] else "-"
            line += f" {limits[step] / gigapixels:.2f} | {ratio} | {LIMITS[step]} |"
        else:
            line += " | | |"
        lines.append(line)
    lines.append(f"| in all | {total / gigapixels:.2f} | 100% | {sum(limits.values()) / gigapixels:.2f} | | |")
    return lines
