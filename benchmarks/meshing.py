"""Figures of meshes: `python benchmarks/meshing.py [labels] [shell] [--small]`.

labels : million labelled voxels a core-second from a label volume to its meshes, beside igneous called directly (where
it is installed: pip install igneous-pipeline), and beside zmesh alone on the array in memory, simplified as igneous
does; all with the same error.
shell : of a stack of 2,328 x 1,234 x 440, all that the stage does but for reading the masks.
Each is done in a process of its own; seconds are of the core, memory is its peak.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

VOXEL_UM = (10.4, 10.4, 20.0)
SHAPES = {False: (256, 768, 1024), True: (96, 256, 320)}
STACKS = {False: (440, 1234, 2328), True: (110, 308, 582)}
ERROR_UM = 10.0


def labels_of(shape: tuple[int, int, int], structures: int = 24) -> np.ndarray:
    """Ellipsoids of many sizes that fill a third of the volume, (z, y, x)."""
    random = np.random.default_rng(1)
    labels = np.zeros(shape, np.uint32)
    for label in range(1, structures + 1):
        radii = random.uniform(0.05, 0.16, 3) * shape
        middle = random.uniform(0.2, 0.8, 3) * shape
        box = tuple(
            slice(max(int(m - r), 0), min(int(m + r) + 1, n)) for m, r, n in zip(middle, radii, shape, strict=True)
        )
        z, y, x = np.ogrid[box]
        away = sum(((axis - m) / r) ** 2 for axis, m, r in zip((z, y, x), middle, radii, strict=True))
        labels[box][away < 1] = label
    return labels


def write_layer(path: Path, labels: np.ndarray) -> None:
    from brainstack.files.label_volume import lay_out_labels, write_labels

    path.mkdir()
    layout = lay_out_labels(labels.shape, is_wide=False, voxel_um=VOXEL_UM, largest_plain_chunks=20000,
                            smallest_side_px=256)  # fmt: skip
    write_labels(path, layout, lambda z: labels[z])


def by_brainstack(path: Path) -> int:
    from brainstack.files.label_volume import LabelReader
    from brainstack.settings import load_settings
    from tasks.labels import meshes_of, write_meshes

    with LabelReader(path) as reader:
        return write_meshes(meshes_of(reader, ERROR_UM), load_settings().meshes, path / "mesh").triangles


def by_igneous(path: Path) -> int:
    import igneous.task_creation as create
    from taskqueue import LocalTaskQueue

    queue = LocalTaskQueue(parallel=1, progress=False)
    where = path.as_uri()
    # Its meshes, and so the error, are in nanometres.
    queue.insert(create.create_meshing_tasks(where, mip=0, shape=(256, 256, 256), sharded=True, fill_missing=True,
                                             max_simplification_error=ERROR_UM * 1000))  # fmt: skip
    queue.execute()
    queue.insert(create.create_sharded_multires_mesh_tasks(where, num_lod=4, min_chunk_size=(64, 64, 64)))
    queue.execute()
    from cloudvolume import CloudVolume

    volume = CloudVolume(where, progress=False, fill_missing=True)
    known = np.unique(np.asarray(volume[:, :, :]))
    return sum(len(volume.mesh.get(int(label))[int(label)].faces) for label in known[known > 0])


def by_zmesh(path: Path) -> int:
    """path : of the array."""
    import zmesh

    mesher = zmesh.Mesher(VOXEL_UM)
    mesher.mesh(np.load(path).T, close=True)
    count = 0
    for label in mesher.ids():
        count += len(mesher.get(label, normals=False, reduction_factor=100, max_error=ERROR_UM).faces)
        mesher.erase(label)
    return count


def shell(shape: tuple[int, int, int]) -> str:
    from brainstack.files.label_volume import lay_out_labels, write_labels
    from brainstack.images.meshing import simplified
    from brainstack.images.shelling import gather, shell_grid, shell_of
    from brainstack.settings import load_settings
    from brainstack.triangles import open_edges, volume_um3
    from tasks.labels import write_meshes

    settings, random = load_settings(), np.random.default_rng(1)
    pixel_um = 10.4 * STACKS[False][2] / shape[2]
    thickness_um = 20.0 * STACKS[False][0] / shape[0]
    offs = random.normal(0, 10 / pixel_um, (shape[0], 2))  # sections lie 10 um off
    y, x = np.ogrid[: shape[1], : shape[2]]
    across, down = (x - shape[2] / 2).astype(np.float32), (y - shape[1] / 2).astype(np.float32)
    lobes = (1 + 0.08 * np.sin(5 * np.arctan2(down, across))).astype(np.float32)

    def read(slot: int) -> np.ndarray:
        size = np.float32(np.sqrt(max(1 - ((slot - shape[0] / 2) / (shape[0] * 0.48)) ** 2, 0)))
        aside, below = offs[slot].astype(np.float32)
        away = np.hypot((across - aside) / (shape[2] * 0.44), (down - below) / (shape[1] * 0.44))
        return (away < size * lobes).astype(np.float32)

    grid = shell_grid(shape, pixel_um=pixel_um, thickness_um=thickness_um, voxel_um=settings.shell.voxel_um,
                      smoothing_um=settings.shell.smoothing_um)  # fmt: skip
    trusted = {slot: str(slot) for slot in range(shape[0]) if slot not in (100, 101, 102)}
    started = time.process_time()
    tissue = gather(grid, trusted, read)
    gathered = time.process_time()
    found = shell_of(grid, tissue, settings.shell.smoothing_um)
    del tissue
    mesh = simplified(found.mesh(), settings.shell.error_um)
    smoothed = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        layout = lay_out_labels(shape, is_wide=False, voxel_um=(pixel_um, pixel_um, thickness_um),
                                largest_plain_chunks=20000, smallest_side_px=256)  # fmt: skip
        write_labels(Path(folder), layout, lambda slot: found.plane(slot).astype(np.uint32))
        volume = time.process_time()
        written = write_meshes([(1, mesh)], settings.meshes, Path(folder) / "mesh", Path(folder) / "mesh_plain")
    return (
        f"masks {gathered - started:.0f} s (made up, as well), field and surface {smoothed - gathered:.0f} s, "
        f"volume {volume - smoothed:.0f} s, mesh {time.process_time() - volume:.0f} s; "
        f"{written.triangles:,} triangles, "
        f"{written.bytes / 1e6:.1f} MB, {open_edges(mesh)} open edges, "
        f"{volume_um3(mesh) / found.volume_um3 - 1:+.2%} of the masks' volume"
    )


@contextmanager
def measured(name: str, million_voxels: float) -> Iterator[Callable[[Callable[..., object], object], None]]:
    """Runs a function in a process of its own, and prints what it took."""

    def run(function: Callable[..., object], argument: object) -> None:
        receive, send = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=_measure, args=(send, function, argument))
        process.start()
        send.close()  # else this process would wait for one that failed
        try:
            result, seconds, memory_gb = receive.recv()
        except EOFError:
            print(f"{name:12} failed, or is not installed")
            return
        finally:
            process.join()
        speed = f"{million_voxels / seconds:6.1f} million voxels a core-second, " if million_voxels else ""
        said = f"{result:,} triangles" if isinstance(result, int) else result
        print(f"{name:12} {speed}{seconds:6.1f} s, {memory_gb:.2f} GB; {said}", flush=True)

    yield run


def _measure(send: object, function: Callable[..., object], argument: object) -> None:
    started = time.process_time()
    result = function(argument)
    seconds = time.process_time() - started
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    send.send((result, seconds, memory_gb))  # type: ignore[attr-defined]


def main() -> None:
    small = "--small" in sys.argv
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")] or ["labels", "shell"]
    root = Path(tempfile.mkdtemp(prefix="meshing-"))
    try:
        if "labels" in wanted:
            labels = labels_of(SHAPES[small])
            million = float((labels > 0).sum()) / 1e6
            shape = " x ".join(map(str, labels.shape[::-1]))
            print(f"{shape} voxels, {million:.0f} million of them labelled, {len(np.unique(labels)) - 1} labels")
            np.save(root / "labels.npy", labels)
            for name, make in (("brainstack", by_brainstack), ("igneous", by_igneous)):
                write_layer(root / name, labels)
                with measured(name, million) as run:
                    run(make, root / name)
            with measured("zmesh alone", million) as run:
                run(by_zmesh, root / "labels.npy")
        if "shell" in wanted:
            with measured("shell", 0) as run:
                run(shell, STACKS[small])
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
