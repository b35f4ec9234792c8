"""Ways from full TIFF to finished pyramid for the benchmark of full resolution: the lab's, the prototype's, ours.

Each runs in a process that did nothing before, and counts from when all is imported.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from full_resolution_scans import FACTOR, GAIN, PIXEL_UM, SECTION_UM, Sections, Size

from brainstack.files.chunks import PartFile, PlainChunks
from brainstack.files.sharding import join_group
from brainstack.files.tiff import Compression
from brainstack.files.volume_blocks import BlockRecord, BlockWriter
from brainstack.files.volume_info import write_info
from brainstack.files.volume_layout import VolumeLayout
from brainstack.files.volume_pyramid import finish_pyramid
from brainstack.images.threads import use_one_thread

LAB_CHUNK, CHUNK = [1024, 1024, 1], [128, 128, 64]
RESOLUTION_NM = [int(PIXEL_UM * 1000), int(PIXEL_UM * 1000), int(SECTION_UM * 1000)]


@dataclass(frozen=True)
class Bench:
    """folder : with the scans in it, and for what is written. prototype : the folder of its modules."""

    size: Size
    folder: Path
    prototype: Path | None

    @property
    def volume(self) -> Path:
        return self.folder / "volume"

    @property
    def parts(self) -> Path:
        return self.folder / "parts"


Found = dict[str, float]


@contextmanager
def counted(found: Found) -> Iterator[None]:
    """core_s : user and system time of this process and its children. wall_s. peak_mb : of 10^6 bytes, resident at
    most in one process, imports and all."""
    before = os.times()
    yield
    after = os.times()
    found["core_s"] = sum(after[:4]) - sum(before[:4])
    found["wall_s"] = after.elapsed - before.elapsed
    found["peak_mb"] = peak_mb()


def peak_mb() -> float:
    which = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in which) * 1024 / 1e6


def lab_affine(bench: Bench) -> Found:
    """Each section whole through PIL, nearest neighbour, saved uncompressed."""
    from PIL import Image

    sections, found = Sections(bench.size, bench.folder), Found()
    matrices = {key: sections.placement(slot).to_scan for slot, key in sections.keys.items()}
    rows, columns = bench.size.canvas
    (bench.folder / "aligned").mkdir()
    with counted(found):
        for slot, key in sections.keys.items():
            scan = tifffile.imread(bench.folder / f"cleaned.{slot % bench.size.scans}.tif", maxworkers=1)
            linear, moved = matrices[key][:2, :2], matrices[key][:2, 2]
            moved = moved + 0.5 - linear @ (0.5, 0.5)  # PIL counts from the corner of the first pixel
            affine = [*linear[0], moved[0], *linear[1], moved[1]]
            image = Image.fromarray(scan).transform(
                (columns, rows), Image.Transform.AFFINE, affine, Image.Resampling.NEAREST
            )
            image.save(bench.folder / "aligned" / f"{key}.tif")
    return found


def lab_volume(bench: Bench) -> Found:
    """Each section by itself into chunks of 1024 x 1024 x 1, by cloud-volume."""
    from cloudvolume import CloudVolume

    found, (rows, columns) = Found(), bench.size.canvas
    info = CloudVolume.create_new_info(
        num_channels=1, layer_type="image", data_type="uint16", encoding="raw", resolution=RESOLUTION_NM,
        voxel_offset=[0, 0, 0], chunk_size=LAB_CHUNK, volume_size=[columns, rows, bench.size.sections],
    )  # fmt: skip
    with counted(found):
        volume = CloudVolume(f"file://{bench.folder / 'rechunkme'}", info=info, progress=False)
        volume.commit_info()
        for slot, path in enumerate(sorted((bench.folder / "aligned").iterdir())):
            volume[:, :, slot] = tifffile.imread(path).T.reshape(columns, rows, 1)
    return found


def lab_transfer(bench: Bench) -> Found:
    """To chunks of 128 x 128 x 64, by igneous."""
    import igneous.task_creation as tasks
    from taskqueue import LocalTaskQueue

    found = Found()
    source, target = (f"file://{bench.folder / name}" for name in ("rechunkme", "volume"))
    with counted(found):
        queue = LocalTaskQueue(parallel=1, progress=False)
        queue.insert(tasks.create_transfer_tasks(source, target, chunk_size=CHUNK, mip=0, skip_downsamples=True))
        queue.execute(progress=False)
    return found


def lab_downsampling(bench: Bench) -> Found:
    """One level at a time, each read from disk, by igneous; the same levels as ours."""
    import igneous.task_creation as tasks
    from taskqueue import LocalTaskQueue

    found, scales = Found(), bench.size.layout(sharded=False).scales
    with counted(found):
        for level, scale in enumerate(scales[1:]):
            queue = LocalTaskQueue(parallel=1, progress=False)
            made = tasks.create_downsampling_tasks(
                f"file://{bench.volume}", mip=level, num_mips=1, factor=scale.factor_xyz, compress="gzip",
                chunk_size=CHUNK,
            )  # fmt: skip
            queue.insert(made)
            queue.execute(progress=False)
    return found


def prototype(bench: Bench) -> Found:
    """Sharded, with the levels that fit into a block; it has no more."""
    sys.path.insert(0, str(bench.prototype))
    render, volume = importlib.import_module("render"), importlib.import_module("volume")
    size, found = bench.size, Found()
    layout, own = size.layout(sharded=True), Sections(size, bench.folder)
    (rows, columns), levels = size.canvas, layout.levels_in_block
    scales = volume.make_scales(
        (columns, rows, size.sections), RESOLUTION_NM, levels,
        unit=lambda mip: min(size.block_px << mip, size.group_px),
    )  # fmt: skip
    across, groups = size.group_px // size.block_px, dict[tuple[int, int], list[Path]]()
    with counted(found):
        volume.write_info(bench.volume, scales)
        writer = volume.BlockWriter(scales, levels, depth=layout.slab_depth, block=size.block_px)
        sections = []
        for slot in own.keys:
            with own.scan(slot) as scan:
                path = scan.path
            mask = tifffile.imread(bench.folder / f"mask.{slot % size.scans}.tif")
            sections.append(render.Section(path, own.placement(slot).to_scan[:2], mask, GAIN, FACTOR))
        for x, y in size.blocks_written(layout):
            part = bench.parts / f"{x}_{y}"
            writer.write(sections, x, y, 0, volume.PartFile(part))
            groups.setdefault((x // across, y // across), []).append(part)
        for parts in groups.values():
            volume.join(bench.volume, scales, range(levels), parts)
    return found


def ours(bench: Bench, *, sharded: bool, processes: int = 1, packed: Compression = "zstd") -> Found:
    """What the tasks call: blocks to part files (or chunks), these joined to shards, the smaller levels."""
    layout, found = bench.size.layout(sharded=sharded), Found()
    blocks = bench.size.blocks_written(layout)
    Sections(bench.size, bench.folder)  # imports the tasks
    with counted(found):
        use_one_thread()
        write_info(bench.volume, layout, layout.levels_in_block)
        with spread(processes, found, Worker, bench, layout, packed) as each:
            records = dict(zip(blocks, each(Worker.write, blocks), strict=True))
            if layout.is_sharded:
                groups = [group for group in range(layout.groups) if records.keys() & set(layout.blocks_of(group))]
                each(Worker.join, [(group, [records[block] for block in layout.blocks_of(group)]) for group in groups])
        if bench.size.blocks is None:
            found["busiest_s"] += timed(lambda: finish_pyramid(bench.volume, layout, layout.levels_in_block))
    return found


class Worker:
    """One process' memory and open files."""

    def __init__(self, bench: Bench, layout: VolumeLayout, packed: Compression) -> None:
        self.bench, self.layout = bench, layout
        self.writer = BlockWriter(layout)
        self.sections = Sections(bench.size, bench.folder, packed).opened()

    def write(self, block: tuple[int, int]) -> BlockRecord:
        if not self.layout.is_sharded:
            return self.writer.write(block, 0, self.sections.render, PlainChunks(self.bench.volume, self.layout))
        with PartFile(self._part(block), self.layout, "") as sink:
            return self.writer.write(block, 0, self.sections.render, sink)

    def join(self, group: tuple[int, list[BlockRecord]]) -> None:
        number, records = group
        join_group(self.bench.volume, self.layout, number, [self._part(one.block) for one in records], records)

    def _part(self, block: tuple[int, int]) -> Path:
        return self.bench.parts / f"{block[0]}_{block[1]}"


_worker: Any = None


def _begin(kind: Callable[..., Any], *arguments: Any) -> None:
    global _worker
    _worker = kind(*arguments)


def _call(what: tuple[Callable[..., Any], Any]) -> tuple[int, float, Any]:
    """(process, its processor's seconds, result)."""
    start = time.process_time()
    result = what[0](_worker, what[1])
    return os.getpid(), time.process_time() - start, result


@contextmanager
def spread(
    processes: int, found: Found, kind: Callable[..., Any], *arguments: Any
) -> Iterator[Callable[..., list[Any]]]:
    """A function that calls a method of a worker for each of several things: in this process, or in several, each of
    which takes the next thing when it is done with one. They are forks, as Luigi's are.

    Adds to found["busiest_s"] the processor's seconds of the process that had most, at each call."""
    pool = multiprocessing.get_context("fork").Pool(processes, _begin, (kind, *arguments)) if processes > 1 else None
    if pool is None:
        _begin(kind, *arguments)

    def each(method: Callable[..., Any], things: list[Any]) -> list[Any]:
        calls = [(method, one) for one in things]
        done = [_call(one) for one in calls] if pool is None else pool.map(_call, calls, chunksize=1)
        seconds = Counter[int]()
        for process, spent, _ in done:
            seconds[process] += spent  # type: ignore[assignment]
        found["busiest_s"] = found.get("busiest_s", 0.0) + max(seconds.values())
        return [result for _, _, result in done]

    try:
        yield each
    finally:
        if pool is not None:
            pool.close()
            pool.join()


LAB: dict[str, Callable[[Bench], Found]] = {
    "lab: whole-section PIL affine, nearest, saved uncompressed": lab_affine,
    "lab: cloud-volume, a section at a time, 1024 x 1024 x 1": lab_volume,
    "lab: igneous transfer to 128 x 128 x 64": lab_transfer,
    "lab: igneous downsampling, a level at a time": lab_downsampling,
}
PROTOTYPE = "prototype, sharded, one process"
ONE, TWO = "brainstack, sharded, one process", "brainstack, sharded, two processes"
PLAIN, ZLIB = "brainstack, plain gzip chunks, one process", "brainstack, sharded, one process, TIFFs packed by zlib"
OURS: dict[str, Callable[[Bench], Found]] = {
    ONE: lambda bench: ours(bench, sharded=True),
    TWO: lambda bench: ours(bench, sharded=True, processes=2),
    PLAIN: lambda bench: ours(bench, sharded=False),
    ZLIB: lambda bench: ours(bench, sharded=True, packed="zlib"),
}


def stored(folder: Path) -> tuple[int, int]:
    """(files, bytes) in a folder."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), int(np.sum(sizes, dtype=np.int64))


def timed(what: Callable[[], Any]) -> float:
    start = time.process_time()
    what()
    return time.process_time() - start
